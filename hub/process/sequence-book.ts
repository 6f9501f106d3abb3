/**
 * What the hub has seen of each gateway, epoch and lane (design, section 3.5): a page each (sequence-page.ts). Pure; the owner keeps it durable
 * by writing `touched()` in the transaction that carries the effects, and throws the book away when that transaction is aborted.
 */
import type { Interval } from '../../protocols/base/intervals.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import { type BookKey, type Claim, type HubLedger, SequencePage } from './sequence-page.ts';

export type { BookKey, Claim, HubLedger } from './sequence-page.ts';

export interface Gap extends BookKey, Interval {}

export class SequenceBook {
  readonly #pages = new Map<string, SequencePage>();
  /** May have changed since `touched` was last called. */
  readonly #asked = new Set<SequencePage>();

  /** Takes up what `touched` wrote earlier. */
  restore(name: string, value: Buffer): void {
    this.#pages.set(name, SequencePage.restore(name, value));
  }

  /** To be asked for the events of one batch, and not longer. */
  page(key: BookKey): SequencePage {
    const name = SequencePage.nameOf(key);
    let page = this.#pages.get(name);
    if (!page) {
      // A text put together keeps its parts; a page lives long.
      const flat = Buffer.from(name).toString();
      page = new SequencePage(flat);
      this.#pages.set(flat, page);
    }
    this.#asked.add(page);
    return page;
  }

  /** The gateway says that [first, last] will never come. Returns how many of them are news. */
  lose(key: BookKey, first: number, last: number): number {
    return this.page(key).lose(first, last);
  }

  /**
   * Gaps open for at least `afterMs` that were not reported yet, and reported ones that are closed. Both are taken as told, which `touched`
   * gives to be written with the report.
   */
  review(nowMs: number, afterMs: number): { opened: Gap[]; closed: Gap[] } {
    const opened: Gap[] = [];
    const closed: Gap[] = [];
    for (const page of this.#pages.values()) {
      const found = page.review(nowMs, afterMs);
      if (found.opened.length === 0 && found.closed.length === 0) continue;
      this.#asked.add(page);
      const { key } = page;
      for (const gap of found.opened) opened.push({ ...key, ...gap });
      for (const gap of found.closed) closed.push({ ...key, ...gap });
    }
    return { opened, closed };
  }

  /** That gateway and hub contradict each other about a lane was reported, or (undefined) that they do no more. */
  contradict(key: BookKey, claim: Claim | undefined): void {
    this.page(key).contradict(claim);
  }

  /** Names and values changed since the last call. */
  touched(): { name: string; value: Buffer }[] {
    const changes: { name: string; value: Buffer }[] = [];
    for (const page of this.#asked) {
      if (!page.changed) continue;
      page.changed = false;
      changes.push({ name: page.name, value: page.encode() });
    }
    this.#asked.clear();
    return changes;
  }

  /** Each page's own, and the contradiction that was reported of it and stands. */
  *ledgers(): Generator<{ key: BookKey; ledger: HubLedger; contradicted: Claim | undefined }, void, void> {
    for (const page of this.#pages.values()) {
      yield { key: page.key, ledger: page.ledger(), contradicted: page.contradicted };
    }
  }
}

/** Per lane: for metrics and the conservation check. */
export function sumOf(ledgers: Iterable<{ key: BookKey; ledger: HubLedger }>): Record<Lane, HubLedger> {
  const zero = () => ({ highest: 0, seen: 0, lost: 0, missing: 0 });
  const sums = { alert: zero(), tracking: zero(), telemetry: zero() };
  for (const { key, ledger } of ledgers) {
    const sum = sums[key.lane];
    for (const name of ['highest', 'seen', 'lost', 'missing'] as const) sum[name] += ledger[name];
  }
  return sums;
}
