/**
 * Who hears a topic of the embedded broker, known without a search where it can be.
 *
 * aedes routes each message as if anybody might hear it and any session might outlive its connection: a look into the store of sessions, a
 * search through all filters, promises for both. But a gateway's batch is heard by nobody except the hub, and its acknowledgement by the one
 * client that subscribed to that very topic. Where a filter with a wildcard matches, or a session that outlives its connection wants the
 * topic, the answer is "unknown", and aedes does what it always does.
 */
import type { Aedes } from 'aedes';

/** Hands a message to one subscriber. */
export type Deliver = Parameters<Aedes['subscribe']>[1];

/** Looking at so many filters with wildcards one by one is no short way any more. */
const MAX_WIDE = 16;
const NOBODY: ReadonlySet<Deliver> = new Set();

export class Listeners {
  readonly #named = new Map<string, Set<Deliver>>();
  /** Filters with wildcards, and how many subscribed to each. */
  readonly #wide = new Map<string, number>();
  /** Topics of sessions that outlive their connections, for as long as the broker lives, which is how long aedes has them. */
  readonly #kept = new Set<string>();

  add(filter: string, deliver: Deliver): void {
    if (isWide(filter)) this.#wide.set(filter, (this.#wide.get(filter) ?? 0) + 1);
    else this.#named.set(filter, (this.#named.get(filter) ?? new Set()).add(deliver));
  }

  remove(filter: string, deliver: Deliver): void {
    if (isWide(filter)) {
      const left = (this.#wide.get(filter) ?? 0) - 1;
      if (left > 0) this.#wide.set(filter, left);
      else this.#wide.delete(filter);
      return;
    }
    const named = this.#named.get(filter);
    named?.delete(deliver);
    if (named?.size === 0) this.#named.delete(filter);
  }

  /** Whoever subscribed wants what comes while he is away as well. */
  keep(filter: string): void {
    if (isWide(filter)) this.#wide.set(filter, Number.POSITIVE_INFINITY);
    else this.#kept.add(filter);
  }

  /** Everybody who hears the topic; undefined: unknown. */
  of(topic: string): ReadonlySet<Deliver> | undefined {
    if (this.#kept.has(topic) || this.#wide.size > MAX_WIDE) return undefined;
    for (const filter of this.#wide.keys()) if (matches(filter, topic)) return undefined;
    return this.#named.get(topic) ?? NOBODY;
  }
}

function isWide(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/** MQTT 3.1.1, 4.7.1. Topics that begin with `$`, which no wildcard at the beginning matches (4.7.2), are none of ours. */
function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
