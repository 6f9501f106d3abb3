/** An alarm on a slow line, behind more telemetry than the line carries in hours. */
import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { encodeAcknowledgement, readBatchHeader } from '../../protocols/uplink/batch.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { at, inTime, openOn } from '../outbox/outbox.test-support.ts';
import type { Link } from './link.ts';
import { Pace } from './pace.ts';
import { Uplink } from './uplink.ts';

/** One byte after the other, in order, as a socket and a radio do: nothing overtakes. */
class SlowLine implements Link {
  readonly connected = true;
  readonly arrivedMs: number[] = [];
  telemetryBytes = 0;
  readonly #clock: ManualClock;
  readonly #bytesPerSecond: number;
  #freeUs = 0;
  #onMessage: (topic: string, payload: Buffer) => void = () => {};

  constructor(clock: ManualClock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  async publish(_topic: string, payload: Buffer): Promise<void> {
    const startUs = Math.max(this.#clock.monotonicUs(), this.#freeUs);
    this.#freeUs = startUs + (payload.length / this.#bytesPerSecond) * 1e6;
    this.#clock.after((this.#freeUs - this.#clock.monotonicUs()) / 1000 + 20, () => {
      const { epoch, lane, firstSequence: first, count } = readBatchHeader(payload);
      if (lane === 'alert') this.arrivedMs.push(this.#clock.monotonicUs() / 1000);
      else this.telemetryBytes += payload.length;
      const answer = encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]);
      this.#clock.after(20, () => this.#onMessage(topics.downAck('gw'), answer));
    });
  }

  onState(): void {}

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#onMessage = listener;
  }

  fault() {
    return undefined;
  }

  async close(): Promise<void> {}
}

it.each([16_000, 100_000, 400_000])(
  'at %i bytes a second alarms take less than a second, and the line is used',
  async (rate) => {
    const clock = new ManualClock();
    const outbox = await openOn(new MemoryDisk(), clock);
    const random = seededRandom(rate);
    // Nothing that deflating could make smaller.
    const noise = Buffer.from(Array.from({ length: 256 * 1024 }, () => random() * 256));
    const wanted = rate * 20;
    for (let bytes = 0; bytes < wanted; bytes += 2_000) {
      const from = Math.floor(random() * (noise.length - 2_000));
      void outbox.append('telemetry', noise.subarray(from, from + 2_000), at).catch(() => {});
      if (outbox.queued() > 2_000) await clock.advance(10);
    }
    await clock.advance(50);
    const link = new SlowLine(clock, rate);
    const uplink = new Uplink({ gatewayId: 'gw', outbox, link, clock, log: silentLog, random });
    const startUs = clock.monotonicUs();
    const tookMs: number[] = [];
    for (let n = 0; n < 15; n++) {
      await clock.advance(900 + random() * 200);
      const sentMs = clock.monotonicUs() / 1000;
      await inTime(clock, outbox.append('alert', Buffer.from(`alert:${n}`), at));
      while (link.arrivedMs.length <= n) await clock.advance(10);
      tookMs.push((link.arrivedMs[n] as number) - sentMs);
    }
    uplink.stop();
    expect(Math.max(...tookMs)).toBeLessThan(1_000);
    const seconds = (clock.monotonicUs() - startUs) / 1e6;
    expect(link.telemetryBytes / seconds).toBeGreaterThan(rate * 0.5);
    expect(outbox.ledger().telemetry.pending).toBeGreaterThan(0);
  },
);

it('grows while nothing waits, shrinks when acknowledgements take longer, and never stops', () => {
  const pace = new Pace({ minBytes: 1_000, firstBytes: 8_000, maxBytes: 100_000, queueingMs: 250 });
  let nowUs = 0;
  const answered = (bytes: number, tookMs: number) => {
    nowUs += tookMs * 1000;
    pace.acknowledged({ bytes, sentUs: nowUs - tookMs * 1000, nowUs });
  };
  for (let n = 0; n < 20; n++) answered(8_000, 50);
  expect(pace.bytes).toBe(100_000);
  for (let n = 0; n < 20; n++) answered(8_000, 2_000);
  expect(pace.bytes).toBe(1_000);
  for (let n = 0; n < 5; n++) pace.late();
  expect(pace.bytes).toBe(1_000);
  for (let n = 0; n < 20; n++) answered(1_000, 50);
  expect(pace.bytes).toBe(21_000);
});
