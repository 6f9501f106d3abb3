/** Restarts of the daemon: nothing arrives twice, nothing is forgotten, whenever the process dies. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { TrackingPayload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { readRecord, recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { type Appender, Intake } from './intake.ts';
import { Pipeline } from './pipeline.ts';
import { PipelineState } from './pipeline-state.ts';
import type { ReadPoint } from './read-point.ts';
import { decodeState, encodeState } from './snapshot-file.ts';

const POINT: ReadPoint = {
  id: 'door',
  businessStep: 'receiving',
  scanWindowMs: 3_000,
  tagDepartedAfterMs: 5_000,
  tagDepartures: true,
};
const DEPOT = { latitude: 52.5, longitude: 13.4 };

/** A box: its disk and the tracking lane outlive the daemon; the hub takes every record at once, and what it has may be removed. */
class Box {
  readonly disk = new MemoryDisk();
  readonly lane: Buffer[] = [];
  clock = new ManualClock();
  bootId = 1;
  epoch = '00000000000000aa';
  retained = 1;
  removed = 0;
  /** Milliseconds until an append is on disk and said to be. */
  diskMs = 10;
  /** How long the outbox knows a sequence before it says so. */
  sayMs = 0;
  #life = 0;

  start(points: readonly ReadPoint[] = [POINT], vehicle = false) {
    const life = ++this.#life;
    const append = async (_lane: string, payload: Uint8Array, at: Parameters<Intake['store']>[1] | object) => {
      await new Promise<void>((resolve) => this.clock.after(this.diskMs, resolve));
      if (life !== this.#life) return new Promise<number>(() => {});
      const sequence = this.lane.length + 1;
      const bytes = Buffer.alloc(recordBytes(payload.length));
      const { monotonicUs, wallMs } = at as { monotonicUs: number; wallMs: number };
      const time = { bootId: this.bootId, monotonicUs, wallMs, state: 'ntp', uncertaintyMs: 1 } as const;
      writeRecord(bytes, 0, { sequence, payload, time });
      this.lane.push(bytes);
      if (this.sayMs > 0) await new Promise<void>((resolve) => this.clock.after(this.sayMs, resolve));
      if (life !== this.#life) return new Promise<number>(() => {});
      this.removed = Math.max(this.removed, this.retained - 1);
      return sequence;
    };
    const put: Appender['put'] = (lane, payload, at, settle) => {
      void append(lane, Buffer.from(payload), at).then(settle);
    };
    const intake = new Intake({ appender: { put }, clock: this.clock, log: silentLog });
    const pipeline = new Pipeline({
      devices: [{ id: 'reader', antennas: new Map(points.map((point, index) => [index + 1, point])) }, { id: 'gps' }],
      site: vehicle ? { vehicleId: 'van' } : { facilityId: 'DC' },
      ...(vehicle && {
        motion: {
          geofences: [{ id: 'DC', ...DEPOT, radiusMeters: 100 }],
          departAfterMs: 20_000,
          arriveAfterMs: 30_000,
          standingBelowMetersPerSecond: 1,
          movingAboveMetersPerSecond: 3,
          marginMeters: 30,
          stops: false,
          stopAfterMs: 60_000,
        },
      }),
      intake,
      lastSequence: () => this.lane.length,
      identify: ({ text }) => [`code:${text}`],
      identifyTag: (epcHex) => [`epc:${epcHex}`],
      clock: this.clock,
      log: silentLog,
    });
    const state = new PipelineState({
      pipeline,
      tail: {
        epoch: this.epoch,
        bootId: this.bootId,
        lastSequence: () => this.lane.length,
        newest: async (count) => Buffer.concat(this.lane.slice(Math.max(this.removed, this.lane.length - count))),
        retain: (from) => {
          this.retained = from;
        },
      },
      disk: this.disk,
      folder: 'state',
      clock: this.clock,
      log: silentLog,
    });
    return { pipeline, state };
  }

  /** The process dies; what it had under way never is answered. */
  kill(): void {
    this.#life++;
  }

  /** The power fails: another boot, whose monotonic time begins anew. */
  powerCut(random: () => number): void {
    this.kill();
    this.disk.crash(random);
    this.clock = new ManualClock();
    this.bootId++;
  }

  events(): (Partial<TrackingPayload> & { atUs: number })[] {
    return this.lane.map((bytes) => {
      const record = readRecord(bytes, 0);
      if (typeof record === 'string') throw new Error(record);
      return { ...(decodePayload(record.payload) as TrackingPayload), atUs: record.time.monotonicUs };
    });
  }

  told(): string[] {
    return this.events().map(({ eventType, scanned }) => `${eventType} ${scanned}`);
  }
}

const tag = (box: Box, epcHex: string, antenna = 1) =>
  ({ kind: 'tag', epcHex, antenna, reads: 1, rssiDbm: -60, monotonicUs: box.clock.monotonicUs() }) as const;

describe('a daemon that is started again', () => {
  it('after an orderly stop knows every tag, and how long it was there', async () => {
    const box = new Box();
    const first = box.start();
    await first.state.load();
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(4_000);
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(1_000);
    await first.state.save();
    box.kill();
    await box.clock.advance(60_000);

    const second = box.start();
    await second.state.load();
    expect(second.pipeline.tagsPresent()).toBe(1);
    await box.clock.advance(4_000);
    second.pipeline.tick();
    await second.pipeline.take('reader', tag(box, 'aa'));
    expect(box.told()).toEqual(['PACKAGE_SCANNED aa']);
    await box.clock.advance(6_000);
    second.pipeline.tick();
    await box.clock.advance(100);
    expect(box.told()).toEqual(['PACKAGE_SCANNED aa', 'TAG_DEPARTED aa']);
    expect(box.events()[1]).toMatchObject({ presentMs: 69_000, reads: 3, atUs: 69_000_000 });
  });

  it('in another boot of the box gives each tag its whole silence, and keeps what it knows of durations', async () => {
    const box = new Box();
    const first = box.start();
    await first.state.load();
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(4_000);
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(1);
    await first.state.save();
    box.powerCut(() => 0.9);

    const second = box.start();
    await second.state.load();
    await box.clock.advance(4_900);
    second.pipeline.tick();
    expect(second.pipeline.tagsPresent()).toBe(1);
    await box.clock.advance(200);
    second.pipeline.tick();
    await box.clock.advance(100);
    expect(box.events()[1]).toMatchObject({ eventType: 'TAG_DEPARTED', presentMs: 4_000 });
  });

  it('waits for its reader before anything departs', async () => {
    const box = new Box();
    const first = box.start();
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(100);
    await first.state.save();
    box.kill();
    const second = box.start();
    second.pipeline.listen('reader', false);
    await second.state.load();
    await box.clock.advance(3_600_000);
    second.pipeline.tick();
    second.pipeline.listen('reader', true);
    await second.pipeline.take('reader', tag(box, 'aa'));
    expect(box.told()).toEqual(['PACKAGE_SCANNED aa']);
  });

  it('takes arrivals and departures of after the snapshot from the outbox', async () => {
    const box = new Box();
    const first = box.start();
    await first.state.load();
    void first.pipeline.take('reader', tag(box, 'aa'));
    void first.pipeline.take('reader', tag(box, 'bb'));
    await box.clock.advance(100);
    await first.state.save();
    void first.pipeline.take('reader', tag(box, 'cc'));
    await box.clock.advance(4_000);
    for (const epc of ['aa', 'cc']) void first.pipeline.take('reader', tag(box, epc));
    await box.clock.advance(3_000);
    first.pipeline.tick();
    await box.clock.advance(100);
    expect(box.told().slice(2)).toEqual(['PACKAGE_SCANNED cc', 'TAG_DEPARTED bb']);
    box.kill();

    const second = box.start();
    await second.state.load();
    expect(second.pipeline.tagsPresent()).toBe(2);
    for (const epc of ['aa', 'bb', 'cc']) void second.pipeline.take('reader', tag(box, epc));
    await box.clock.advance(100);
    expect(box.told().slice(4)).toEqual(['PACKAGE_SCANNED bb']);
  });

  it('has what was on disk, but not yet said to be, when the snapshot was taken', async () => {
    const box = new Box();
    box.sayMs = 50;
    const first = box.start();
    await first.state.load();
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(30);
    expect(box.lane).toHaveLength(1);
    await first.state.save();
    box.kill();
    const second = box.start();
    await second.state.load();
    expect(second.pipeline.tagsPresent()).toBe(1);
  });

  it('without its file, or with a damaged one, has the outbox', async () => {
    const box = new Box();
    const first = box.start();
    await first.state.load();
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(100);
    await first.state.save();
    box.kill();
    const content = Buffer.from(box.disk.content('state/pipeline.state') ?? []);
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
    box.removed = 0;
    for (const damage of [content, undefined]) {
      box.disk.tamper('state/pipeline.state', damage);
      const again = box.start();
      await again.state.load();
      expect(again.pipeline.tagsPresent()).toBe(1);
      box.kill();
    }
  });

  it('does not mix up another outbox’s sequences with its own', async () => {
    const box = new Box();
    const first = box.start();
    for (const epc of ['aa', 'bb', 'cc']) void first.pipeline.take('reader', tag(box, epc));
    await box.clock.advance(100);
    await first.state.save();
    box.kill();
    box.lane.length = 0;
    box.removed = 0;
    box.epoch = '00000000000000bb';
    const second = box.start();
    await second.state.load();
    expect(second.pipeline.tagsPresent()).toBe(3);
    void second.pipeline.take('reader', tag(box, 'dd'));
    await box.clock.advance(100);
    box.kill();
    const third = box.start();
    await third.state.load();
    expect(third.pipeline.tagsPresent()).toBe(4);
  });

  it('forgets tags of a read point that is gone from the configuration', async () => {
    const box = new Box();
    const first = box.start();
    void first.pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(100);
    await first.state.save();
    box.kill();
    const second = box.start([{ ...POINT, id: 'gate' }]);
    await second.state.load();
    expect(second.pipeline.tagsPresent()).toBe(0);
  });

  it('knows where the vehicle stands, and says it once', async () => {
    const box = new Box();
    const drive = async (pipeline: Pipeline, seconds: number, position: typeof DEPOT, speed: number) => {
      for (let n = 0; n < seconds; n++) {
        await box.clock.advance(1_000);
        const monotonicUs = box.clock.monotonicUs();
        void pipeline.take('gps', { kind: 'position', ...position, speedMetersPerSecond: speed, monotonicUs });
      }
      await box.clock.advance(100);
    };
    const first = box.start([POINT], true);
    await first.state.load();
    await drive(first.pipeline, 60, DEPOT, 0);
    box.kill();
    const second = box.start([POINT], true);
    await second.state.load();
    await drive(second.pipeline, 60, DEPOT, 0);
    await second.state.save();
    await drive(second.pipeline, 60, { latitude: 52.51, longitude: 13.4 }, 10);
    box.powerCut(() => 0.9);
    const third = box.start([POINT], true);
    await third.state.load();
    await drive(third.pipeline, 60, { latitude: 52.51, longitude: 13.4 }, 10);
    await drive(third.pipeline, 60, DEPOT, 0);
    expect(
      box
        .events()
        .filter(({ packageId }) => packageId === 'vehicle:van')
        .map(({ eventType, place }) => [eventType, place?.facilityId, place?.vehicleId]),
    ).toEqual([
      ['VEHICLE_ARRIVED', 'DC', 'van'],
      ['VEHICLE_DEPARTED', 'DC', 'van'],
      ['VEHICLE_ARRIVED', 'DC', 'van'],
    ]);
  });
});

describe('writing', () => {
  it('happens when facts have changed, seldom for counts, and not for nothing', async () => {
    const box = new Box();
    const { pipeline, state } = box.start([{ ...POINT, tagDepartedAfterMs: 3_600_000 }]);
    await state.load();
    const run = async (seconds: number) => {
      const before = box.disk.operations;
      for (let n = 0; n < seconds; n++) {
        state.tick();
        await box.clock.advance(1_000);
      }
      return box.disk.operations > before;
    };
    expect(await run(200)).toBe(false);
    void pipeline.take('reader', tag(box, 'aa'));
    expect(await run(6)).toBe(true);
    expect(await run(120)).toBe(false);
    void pipeline.take('reader', tag(box, 'aa'));
    expect(await run(2)).toBe(true);
    void pipeline.take('reader', tag(box, 'aa'));
    expect(await run(50)).toBe(false);
  });

  it('is tried again when the disk refused', async () => {
    const box = new Box();
    const { pipeline, state } = box.start();
    box.disk.failWrites = 'ENOSPC';
    void pipeline.take('reader', tag(box, 'aa'));
    await box.clock.advance(100);
    state.tick();
    await box.clock.advance(6_000);
    box.disk.failWrites = undefined;
    state.tick();
    await box.clock.advance(100);
    expect(box.disk.content('state/pipeline.state')).toBeDefined();
  });
});

it('a file that is cut or damaged anywhere is none', () => {
  const stays = [
    { readPoint: 'door', deviceId: 'r', epcHex: 'e2801160', antenna: 3, reads: 9, firstUs: -5, lastUs: 7e12 },
  ];
  const whole = encodeState({ bootId: 1, savedUs: 2, epoch: 'aa', through: 3, whereabouts: {}, stays });
  expect(decodeState(whole)).toEqual({ bootId: 1, savedUs: 2, epoch: 'aa', through: 3, whereabouts: {}, stays });
  for (let at = 0; at < whole.length; at++) {
    expect(decodeState(whole.subarray(0, at))).toBeUndefined();
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    expect(decodeState(damaged)).toBeUndefined();
  }
});

it('whenever the process dies or the power fails, arrivals and departures take turns, and none is missing', async () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ read: fc.constantFrom('aa', 'bb', 'cc'), ms: fc.constantFrom(0, 5, 40, 900) }),
    },
    { weight: 3, arbitrary: fc.record({ ms: fc.constantFrom(30, 2_000, 8_000) }) },
    { weight: 2, arbitrary: fc.record({ save: fc.constant(true), ms: fc.constantFrom(0, 20) }) },
    { weight: 1, arbitrary: fc.record({ dies: fc.constantFrom('process', 'power'), ms: fc.constantFrom(0, 3_000) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 25), async (steps, sayMs) => {
      const box = new Box();
      box.sayMs = sayMs;
      let daemon = box.start();
      await daemon.state.load();
      const restart = async (how: 'process' | 'power') => {
        if (how === 'power') box.powerCut(() => 0.9);
        else box.kill();
        daemon = box.start();
        await daemon.state.load();
      };
      for (const each of steps) {
        if ('read' in each && each.read) void daemon.pipeline.take('reader', tag(box, each.read));
        if ('save' in each && each.save) void daemon.state.save();
        if ('dies' in each && each.dies) await restart(each.dies as 'process' | 'power');
        await box.clock.advance(each.ms);
        daemon.pipeline.tick();
        daemon.state.tick();
      }
      await box.clock.advance(200);
      const present = new Set<string>();
      for (const { eventType, scanned = '' } of box.events()) {
        expect(present.has(scanned)).toBe(eventType === 'TAG_DEPARTED');
        if (eventType === 'TAG_DEPARTED') present.delete(scanned);
        else present.add(scanned);
      }
      expect(daemon.pipeline.tagsPresent()).toBe(present.size);
    }),
    { seed: 20261123, numRuns: 60 },
  );
});
