/**
 * Which gateways of a partition make too many series, as alerts: one for each gateway and measurement, raised with the first point that is
 * refused and cleared an hour after the last.
 *
 * The owner keeps it durable as it does the sequence book: `touched()` goes into the transaction that carries the alert, and after an abort or
 * a takeover the object is built anew from what was committed. So an alert is raised once and cleared once, whoever holds the partition. How
 * long it has been quiet is not kept: whoever takes over waits the hour anew.
 */
import type { Lane } from '../../protocols/uplink/identity.ts';

export interface Exploding {
  gatewayId: string;
  measurement: string;
  reason: string;
}

const PREFIX = '~series/';
const CALM_MS = 3_600_000;
/** Of one partition. Beyond this only dead letters tell. */
const MAX_OPEN = 1_000;

/** Whether a key of the state topic is an alert of these. No gateway's id begins with a tilde. */
export function isSeriesAlert(name: string): boolean {
  return name.startsWith(PREFIX);
}

export class SeriesAlerts {
  readonly #lane: Lane;
  readonly #open = new Map<string, Exploding & { lastMs: number }>();
  readonly #touched = new Set<string>();

  constructor(lane: Lane) {
    this.#lane = lane;
  }

  /** Takes up what `touched` wrote earlier. */
  restore(name: string, value: Buffer, nowMs: number): void {
    this.#open.set(name, { ...(JSON.parse(value.toString('utf8')) as Exploding), lastMs: nowMs });
  }

  /** A point was refused. True when that is to be said: nothing has been, so far. */
  refused({ gatewayId, measurement, reason }: Exploding, nowMs: number): boolean {
    // Neither gateway nor lane has a slash.
    const name = `${PREFIX}${gatewayId}/${measurement}/${this.#lane}`;
    const known = this.#open.get(name);
    if (known) known.lastMs = nowMs;
    if (known || this.#open.size >= MAX_OPEN) return false;
    this.#open.set(name, { gatewayId, measurement, reason, lastMs: nowMs });
    this.#touched.add(name);
    return true;
  }

  /** Those that have been quiet for long enough. They are over. */
  calm(nowMs: number): Exploding[] {
    const over: Exploding[] = [];
    for (const [name, { lastMs, ...each }] of this.#open) {
      if (nowMs - lastMs < CALM_MS) continue;
      this.#open.delete(name);
      this.#touched.add(name);
      over.push(each);
    }
    return over;
  }

  /** What was raised or cleared since the last call; null deletes. */
  touched(): { name: string; value: Buffer | null }[] {
    const changes = [...this.#touched].map((name) => ({ name, value: this.#valueOf(name) }));
    this.#touched.clear();
    return changes;
  }

  #valueOf(name: string): Buffer | null {
    const known = this.#open.get(name);
    if (!known) return null;
    const { lastMs: _, ...kept } = known;
    return Buffer.from(JSON.stringify(kept));
  }
}
