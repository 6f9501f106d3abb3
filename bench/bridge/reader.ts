/** What kcat has read of a contender's topic: counts and times. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Process } from '../../test/e2e/stack.ts';

export interface Summary {
  missing: number;
  doubled: number;
  /** Events a second, from the first that was made to the last that was read. */
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
}

/** Nothing came for so long: the rest does not come any more. */
const SILENCE_MS = 20_000;

export class Reader {
  readonly #messages: Process;
  #seen = new Set<string>();
  #times: { madeMs: number; tookMs: number }[] = [];
  #doubled = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;

  constructor(messages: Process) {
    this.#messages = messages;
  }

  take(): void {
    for (const { text, atMs } of this.#messages.lines.splice(0)) {
      // Telegraf ends each message with a line feed of its own.
      if (text === '') continue;
      const [, id = ''] = /"eventId":"([^"]+)"/.exec(text) ?? [];
      const [, made = ''] = /"occurredAt":"([^"]+)"/.exec(text) ?? [];
      if (this.#seen.has(id)) this.#doubled++;
      this.#seen.add(id);
      const madeMs = Date.parse(made);
      this.#firstMs = Math.min(this.#firstMs, madeMs);
      this.#lastMs = atMs;
      this.#times.push({ madeMs, tookMs: atMs - madeMs });
    }
  }

  /** Waits until nothing has come for so long. */
  async silence(forMs: number): Promise<void> {
    let count = -1;
    for (let calm = performance.now(); performance.now() - calm < forMs; await delay(100)) {
      this.take();
      if (this.#times.length !== count) calm = performance.now();
      count = this.#times.length;
    }
  }

  async until(count: number): Promise<void> {
    let last = performance.now();
    let before = -1;
    while (this.#seen.size < count && performance.now() - last < SILENCE_MS) {
      this.take();
      if (this.#seen.size !== before) last = performance.now();
      before = this.#seen.size;
      await delay(100);
    }
  }

  /** What came so far was for warming up. */
  forget(): void {
    this.#seen = new Set();
    this.#times = [];
    this.#doubled = 0;
    this.#firstMs = Number.POSITIVE_INFINITY;
  }

  /** Times of what was made in the first `settleMs` do not count. */
  summary({ made, settleMs }: { made: number; settleMs: number }): Summary {
    const fromMs = this.#firstMs + settleMs;
    const settled = this.#times.filter(({ madeMs }) => madeMs >= fromMs);
    const sorted = settled.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    const quantile = (q: number) => Math.round(sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN);
    return {
      missing: made - this.#seen.size,
      doubled: this.#doubled,
      perSecond: Math.round((this.#seen.size / (this.#lastMs - this.#firstMs)) * 1000),
      p50Ms: quantile(0.5),
      p95Ms: quantile(0.95),
    };
  }
}
