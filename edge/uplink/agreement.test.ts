/**
 * Gateway and hub count the same in the end, whatever was evicted while it was under way, and whatever the network and the power did meanwhile:
 * what the hub has is delivered, what it was told lost is lost, and nothing is both.
 */
import { expect, it } from 'vitest';
import { IntervalSet } from '../../protocols/base/intervals.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { encodeAcknowledgement, readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { at, inTime, isOurs, openOn } from '../outbox/outbox.test-support.ts';
import type { Link } from './link.ts';
import { Uplink } from './uplink.ts';

const SEEDS = 60;
/** An outbox that is full of a few dozen records. */
const SMALL = { maxBytes: 4_000, segmentBytes: 600, alertReserveBytes: 500 };

it(`both sides count the same, over ${SEEDS} stormy weeks`, async () => {
  let evicted = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const hub = new Hub();
    const disk = new MemoryDisk();
    let life = await start({ disk, hub, random });
    for (let step = 0; step < 60; step++) {
      const calm = step > 50;
      for (let n = Math.floor(random() * 12); n > 0 && !calm; n--) {
        const lane = random() < 0.9 ? 'telemetry' : (LANES[Math.floor(random() * 3)] as Lane);
        void life.outbox.append(lane, Buffer.from(`${lane}:${step} ${n} ${'.'.repeat(40)}`), at).catch(() => {});
      }
      life.link.loss = calm ? 0 : 0.5;
      if (random() < 0.2) life.link.set(!life.link.connected);
      if (calm) life.link.set(true);
      await life.clock.advance(random() * 400);
      if (calm || random() > 0.05) continue;
      life.end();
      await settleDead(disk, life.clock);
      if (random() < 0.5) disk.crash(random);
      life = await start({ disk, hub, random });
    }
    life.link.set(true);
    await life.clock.advance(20_000);
    const ledger = life.outbox.ledger();
    const unused = life.outbox.unused();
    for (const lane of LANES) {
      const { delivered, evicted: gone, quarantined, pending } = ledger[lane];
      const of = `seed ${seed}: ${lane}`;
      expect(pending, of).toBe(0);
      expect(delivered, `${of} delivered`).toBe(hub.seen[lane].count());
      expect(gone + quarantined + unused[lane], `${of} lost`).toBe(hub.lost(lane));
      expect(hub.missing(lane), `${of} gaps at the hub`).toEqual([]);
      evicted += gone;
    }
    await inTime(life.clock, life.outbox.close());
  }
  // The test has seen what it is for.
  expect(evicted).toBeGreaterThan(1_000);
}, 180_000);

it('an acknowledgement that comes after the eviction makes it a delivery, also after a restart', async () => {
  const disk = new MemoryDisk();
  const { clock, outbox, uplink, put } = await startUnheard(disk, new Hub());
  // All is under way, so there is nothing else to evict.
  await clock.advance(100);
  expect(uplink.inFlight()).toBe(4);
  for (let n = 1; n <= 28; n++) await put('tracking', n);
  const { evicted } = outbox.ledger().telemetry;
  expect(evicted).toBeGreaterThan(5);
  outbox.acknowledge({ epoch: outbox.epoch, lane: 'telemetry', first: 1, last: 5 });
  expect(outbox.ledger().telemetry).toMatchObject({ delivered: 5, evicted: evicted - 5 });
  uplink.stop();
  await inTime(clock, outbox.close());
  const later = new ManualClock();
  const again = await openOn(disk, later, SMALL);
  expect(again.ledger().telemetry).toEqual(outbox.ledger().telemetry);
  again.acknowledge({ epoch: again.epoch, lane: 'telemetry', first: 6, last: evicted });
  expect(again.ledger().telemetry).toMatchObject({ delivered: evicted, evicted: 0 });
  expect(await inTime(later, again.verify())).toEqual([]);
});

it('a batch under way is sent again after its records were evicted, also over a new connection', async () => {
  const hub = new Hub();
  const { clock, outbox, link, uplink, put } = await startUnheard(new MemoryDisk(), hub);
  for (let n = 1; n <= 28; n++) await put('tracking', n);
  expect(outbox.isGivenUp('telemetry', 1)).toBe(true);
  link.set(false);
  link.loss = 0;
  link.set(true);
  await clock.advance(20_000);
  uplink.stop();
  const { delivered, evicted, pending } = outbox.ledger().telemetry;
  expect({ delivered, pending }).toEqual({ delivered: hub.seen.telemetry.count(), pending: 0 });
  expect(evicted).toBe(hub.lost('telemetry'));
  expect(hub.seen.telemetry.has(1)).toBe(true);
});

/** The hub's book: what it has is not lost. */
class Hub {
  readonly seen = { alert: new IntervalSet(), tracking: new IntervalSet(), telemetry: new IntervalSet() };
  readonly #stated = { alert: new IntervalSet(), tracking: new IntervalSet(), telemetry: new IntervalSet() };

  take(payload: Buffer): Buffer {
    const header = readBatchHeader(payload);
    for (const item of readBatchRecords(header)) {
      if (!('record' in item)) throw new Error(item.reason);
      this.seen[header.lane].add(item.sequence);
      const text = item.record.payload.toString('latin1');
      const told = header.lane === 'alert' && !isOurs(text) ? decodePayload(item.record.payload) : undefined;
      if (told?.kind === 'range') this.#stated[told.lane].add(told.first, told.last);
    }
    const { epoch, lane, firstSequence: first, count } = header;
    return encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]);
  }

  lost(lane: Lane): number {
    return this.#stated[lane].intervals
      .flatMap(({ first, last }) => this.seen[lane].missing(first, last))
      .reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  missing(lane: Lane) {
    const highest = Math.max(
      this.seen[lane].intervals.at(-1)?.last ?? 0,
      this.#stated[lane].intervals.at(-1)?.last ?? 0,
    );
    return this.seen[lane].missing(1, highest).flatMap(({ first, last }) => this.#stated[lane].missing(first, last));
  }
}

class LossyLink implements Link {
  connected = false;
  loss = 0.5;
  readonly #clock: ManualClock;
  readonly #random: () => number;
  readonly #hub: Hub;
  #onState: (connected: boolean) => void = () => {};
  #onMessage: (topic: string, payload: Buffer) => void = () => {};

  constructor(clock: ManualClock, random: () => number, hub: Hub) {
    this.#clock = clock;
    this.#random = random;
    this.#hub = hub;
  }

  fault() {
    return undefined;
  }

  set(connected: boolean): void {
    if (connected === this.connected) return;
    this.connected = connected;
    this.#onState(connected);
  }

  async publish(_topic: string, payload: Buffer): Promise<void> {
    this.#travel(() => {
      const answer = this.#hub.take(payload);
      this.#travel(() => {
        if (this.connected) this.#onMessage(topics.downAck('gw'), answer);
      });
    });
  }

  onState(listener: (connected: boolean) => void): void {
    this.#onState = listener;
  }

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#onMessage = listener;
  }

  async close(): Promise<void> {}

  #travel(arrive: () => void): void {
    if (this.#random() >= this.loss) this.#clock.after(this.#random() * 300, arrive);
  }
}

/** One run of the daemon. Each has a clock of its own: a dead process's timers never run. */
async function start({ disk, hub, random }: { disk: MemoryDisk; hub: Hub; random: () => number }) {
  const clock = new ManualClock();
  const outbox = await openOn(disk, clock, { maxBytes: 24_000, segmentBytes: 1_200, alertReserveBytes: 4_000 });
  const life = { clock, outbox, link: new LossyLink(clock, random, hub), end: () => uplink.stop() };
  const uplink = new Uplink({
    gatewayId: 'gw',
    outbox,
    link: life.link,
    clock,
    log: silentLog,
    random,
    batchRecords: 7,
    acknowledgeTimeoutMs: 700,
  });
  return life;
}

/** Twenty readings in a small outbox, sent to a hub that nothing reaches until the link's `loss` is less. */
async function startUnheard(disk: MemoryDisk, hub: Hub) {
  const clock = new ManualClock();
  const outbox = await openOn(disk, clock, SMALL);
  const random = () => 0.5;
  const link = new LossyLink(clock, random, hub);
  link.loss = 1;
  link.set(true);
  const uplink = new Uplink({ gatewayId: 'gw', outbox, link, clock, log: silentLog, random, batchRecords: 5 });
  const put = (lane: Lane, n: number) =>
    inTime(clock, outbox.append(lane, Buffer.from(`${lane}:${n} ${'.'.repeat(60)}`), at));
  for (let n = 1; n <= 20; n++) await put('telemetry', n);
  return { clock, outbox, link, uplink, put };
}

/** What a dead process was about to do does not happen any more. */
async function settleDead(disk: MemoryDisk, clock: ManualClock): Promise<void> {
  disk.dieAt = 0;
  for (let turn = 0; turn < 5; turn++) await clock.advance(0);
  disk.dieAt = Number.POSITIVE_INFINITY;
}
