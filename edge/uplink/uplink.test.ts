/** The uplink, the outbox and the hub's sequence book on a network that loses, doubles, delays and reorders; one seed decides everything. */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { encodeAcknowledgement, readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { Outbox } from '../outbox/outbox.ts';
import type { Link } from './link.ts';
import { Uplink } from './uplink.ts';

const at = { monotonicUs: 1, wallMs: 0, state: 'ntp', uncertaintyMs: 1 } as const;

interface Weather {
  loss: number;
  doubling: number;
  maxDelayMs: number;
}

class StormyLink implements Link {
  connected = false;
  publishedWhileDown = 0;
  /** Batches sent and not acknowledged, as the uplink has to bound them. */
  readonly received = new Map<string, Map<number, string>>(LANES.map((lane) => [lane, new Map()]));
  readonly #clock: ManualClock;
  readonly #random: () => number;
  readonly weather: Weather;
  #onState: (connected: boolean) => void = () => {};
  #onMessage: (topic: string, payload: Buffer) => void = () => {};

  constructor(clock: ManualClock, random: () => number, weather: Weather) {
    this.#clock = clock;
    this.#random = random;
    this.weather = weather;
  }

  fault() {
    return undefined;
  }

  set(connected: boolean): void {
    this.connected = connected;
    this.#onState(connected);
  }

  async publish(_topic: string, payload: Buffer): Promise<void> {
    if (!this.connected) this.publishedWhileDown++;
    this.#travel(() => this.#hub(payload));
  }

  onState(listener: (connected: boolean) => void): void {
    this.#onState = listener;
  }

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#onMessage = listener;
  }

  async close(): Promise<void> {}

  #hub(payload: Buffer): void {
    const header = readBatchHeader(payload);
    for (const item of readBatchRecords(header)) {
      if (!('record' in item)) throw new Error(item.reason);
      this.received.get(header.lane)?.set(item.sequence, item.record.payload.toString());
    }
    const { epoch, lane, firstSequence: first, count } = header;
    const acknowledgement = encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]);
    this.#travel(() => this.#onMessage(topics.downAck('gw'), acknowledgement));
  }

  #travel(arrive: () => void): void {
    const copies = this.#random() < this.weather.loss ? 0 : this.#random() < this.weather.doubling ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.after(this.#random() * this.weather.maxDelayMs, () => {
        if (this.connected) arrive();
      });
    }
  }
}

async function setup(seed: number, weather: Weather, acknowledgeTimeoutMs = 500) {
  const clock = new ManualClock();
  const random = seededRandom(seed);
  const outbox = await Outbox.open({
    disk: new MemoryDisk(),
    folder: '/o',
    clock,
    log: silentLog,
    bootId: 1,
    newEpoch: () => '00000000000000aa',
  });
  const link = new StormyLink(clock, random, weather);
  const uplink = new Uplink({
    gatewayId: 'gw',
    outbox,
    link,
    clock,
    log: silentLog,
    random,
    batchRecords: 7,
    acknowledgeTimeoutMs,
  });
  return { clock, random, outbox, link, uplink };
}

describe('Uplink', () => {
  it('brings everything over, frees nothing that did not arrive, publishes nothing while disconnected', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { clock, random, outbox, link, uplink } = await setup(seed, { loss: 0.3, doubling: 0.2, maxDelayMs: 400 });
      const sent = new Map<Lane, Map<number, string>>(LANES.map((lane) => [lane, new Map()]));
      for (let step = 0; step < 40; step++) {
        for (let n = Math.floor(random() * 6); n > 0; n--) {
          const lane = LANES[Math.floor(random() * 3)] as Lane;
          const text = `${lane} ${step} ${n}`;
          void outbox.append(lane, Buffer.from(text), at).then((sequence) => sent.get(lane)?.set(sequence, text));
        }
        if (random() < 0.15) link.set(!link.connected);
        await clock.advance(random() * 300);
        for (const lane of LANES) {
          const done = outbox.firstPending(lane) - 1;
          for (let sequence = 1; sequence <= done; sequence++) {
            expect(link.received.get(lane)?.has(sequence), `seed ${seed}: ${lane} ${sequence} freed unseen`).toBe(true);
          }
        }
        expect(uplink.inFlight()).toBeLessThanOrEqual(16);
      }
      Object.assign(link.weather, { loss: 0, doubling: 0, maxDelayMs: 20 });
      link.set(false);
      link.set(true);
      await clock.advance(5_000);
      for (const lane of LANES) {
        expect(link.received.get(lane), `seed ${seed}: ${lane}`).toEqual(sent.get(lane));
        expect(outbox.ledger()[lane].pending, `seed ${seed}: ${lane} pending`).toBe(0);
      }
      expect(link.publishedWhileDown, `seed ${seed}`).toBe(0);
    }
  });

  it('an alarm does not wait behind telemetry that nobody acknowledges', async () => {
    const { clock, outbox, link } = await setup(1, { loss: 0, doubling: 0, maxDelayMs: 1 });
    for (let n = 0; n < 2000; n++) void outbox.append('telemetry', Buffer.from(`t${n}`), at);
    await clock.advance(50);
    link.weather.maxDelayMs = 5_000;
    link.set(true);
    await clock.advance(100);
    link.weather.maxDelayMs = 1;
    void outbox.append('alert', Buffer.from('alarm'), at);
    await clock.advance(50);
    expect([...(link.received.get('alert') ?? [])]).toEqual([[1, 'alarm']]);
    expect(outbox.ledger().telemetry.pending).toBeGreaterThan(1000);
  });

  it('a batch that went to a hub that died is sent again within a second, once it is known how long answers take', async () => {
    const lost = async (known: number) => {
      const { clock, outbox, link } = await setup(1, { loss: 0, doubling: 0, maxDelayMs: 20 }, 5_000);
      link.set(true);
      for (let n = 0; n < known; n++) {
        void outbox.append('tracking', Buffer.from(`scan ${n}`), at);
        await clock.advance(60);
      }
      link.weather.loss = 1;
      void outbox.append('tracking', Buffer.from('lost'), at);
      await clock.advance(60);
      link.weather.loss = 0;
      let waitedMs = 60;
      for (; outbox.ledger().tracking.pending > 0; waitedMs += 20) await clock.advance(20);
      return waitedMs;
    };
    expect(await lost(10)).toBeLessThan(1_100);
    expect(await lost(0)).toBeGreaterThanOrEqual(2_500);
  });
});
