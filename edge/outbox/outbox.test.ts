import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { readRecord } from '../../protocols/uplink/record.ts';
import { isBalanced } from '../ops/report.ts';
import { MemoryDisk } from './memory-disk.ts';
import { Outbox, type OutboxOptions } from './outbox.ts';

const FOLDER = '/state/outbox';
const at = { monotonicUs: 1_000, wallMs: 1_767_225_600_000, state: 'ntp', uncertaintyMs: 10 } as const;

function setup(overrides: Partial<OutboxOptions> = {}) {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  let epochs = 0;
  const open = (clockOfBoot = clock) =>
    Outbox.open({
      disk,
      folder: FOLDER,
      clock: clockOfBoot,
      log: silentLog,
      bootId: 7,
      newEpoch: () => `00000000000000e${epochs++}`,
      ...overrides,
    });
  return { disk, clock, open };
}

/** Everything that is pending in a lane, as text. */
async function pending(outbox: Outbox, clock: ManualClock, lane: Lane): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (let from = outbox.firstPending(lane); ; ) {
    const reading = outbox.read(lane, from, { records: 100, bytes: 4096 });
    await clock.advance(0);
    const batch = await reading;
    if (!batch) return found;
    let offset = 0;
    for (let index = 0; index < batch.count; index++) {
      const record = readRecord(batch.records, offset);
      if (typeof record === 'string') throw new Error(record);
      expect(record.sequence).toBe(batch.first + index);
      found.set(record.sequence, record.payload.toString());
      offset = record.end;
    }
    from = batch.first + batch.count;
  }
}

describe('Outbox', () => {
  it('resolves an append only after the sync, with sequences from 1 without holes', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    let durable = 0;
    const appends = ['a', 'b', 'c'].map((text) =>
      outbox.append('tracking', Buffer.from(text), at).then((n) => (durable = n)),
    );
    await clock.advance(3);
    expect(durable).toBe(0);
    await clock.advance(2);
    expect(await Promise.all(appends)).toEqual([1, 2, 3]);
    disk.crash(() => 0);
    const again = await open();
    expect(again.epoch).toBe(outbox.epoch);
    expect(await pending(again, clock, 'tracking')).toEqual(
      new Map([
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ]),
    );
  });

  it('frees by the acknowledged prefix alone and keeps the balance', async () => {
    const { clock, open } = setup();
    const outbox = await open();
    const all = Promise.all(
      Array.from({ length: 10 }, (_, n) => outbox.append('telemetry', Buffer.from(`${n + 1}`), at)),
    );
    await clock.advance(10);
    await all;
    const { epoch } = outbox;
    outbox.acknowledge({ epoch, lane: 'telemetry', first: 4, last: 6 });
    expect(outbox.firstPending('telemetry')).toBe(1);
    expect(outbox.ledger().telemetry).toEqual({ accepted: 10, delivered: 3, evicted: 0, quarantined: 0, pending: 7 });
    outbox.acknowledge({ epoch: 'ffffffffffffffff', lane: 'telemetry', first: 1, last: 10 });
    outbox.acknowledge({ epoch, lane: 'telemetry', first: 1, last: 3 });
    expect(outbox.firstPending('telemetry')).toBe(7);
    expect(isBalanced(outbox.ledger())).toBe(true);
    await clock.advance(1000);
    const again = await open();
    expect([...(await pending(again, clock, 'telemetry')).keys()]).toEqual([7, 8, 9, 10]);
  });

  it('removes whole segments once acknowledged, never gives a sequence out twice', async () => {
    const { disk, clock, open } = setup({ segmentBytes: 400 });
    const outbox = await open();
    for (let n = 1; n <= 40; n++) {
      const append = outbox.append('tracking', Buffer.alloc(50, n), at);
      await clock.advance(5);
      await append;
    }
    const segments = () => disk.paths.filter((path) => path.startsWith(`${FOLDER}/tracking/`) && path.endsWith('.seg'));
    expect(segments().length).toBeGreaterThan(5);
    outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 40 });
    await clock.advance(1000);
    expect(segments().length).toBeLessThanOrEqual(1);
    for (const path of segments()) disk.tamper(path, undefined);
    const again = await open();
    const append = again.append('tracking', Buffer.from('x'), at);
    await clock.advance(5);
    expect(await append).toBe(41);
  });

  it('rejects while the disk is full and goes on when there is space again', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    disk.space = 40;
    const refused = outbox.append('tracking', Buffer.alloc(100, 1), at).catch((error) => error.code);
    await clock.advance(5);
    expect(await refused).toBe('disk-full');
    expect(outbox.mode.mode).toBe('disk-full');
    disk.space = 1e6;
    const accepted = outbox.append('tracking', Buffer.from('later'), at);
    await clock.advance(5);
    expect(await accepted).toBe(1);
    expect(outbox.mode.mode).toBe('ok');
    expect(outbox.ledger().tracking.accepted).toBe(1);
  });

  it('evicts telemetry first, alerts never before it, and states each eviction durably', async () => {
    const { clock, open } = setup({ maxBytes: 8_000, segmentBytes: 1_000, alertReserveBytes: 1_000 });
    const outbox = await open();
    const put = async (lane: Lane) => {
      const append = outbox.append(lane, Buffer.alloc(100, 65), at);
      await clock.advance(5);
      await append;
    };
    for (let n = 0; n < 20; n++) await put('tracking');
    for (let n = 0; n < 60; n++) await put('telemetry');
    const ledger = outbox.ledger();
    expect(ledger.telemetry.evicted).toBeGreaterThan(0);
    expect(ledger.tracking.evicted).toBe(0);
    expect(isBalanced(ledger)).toBe(true);
    const stated = [...(await pending(outbox, clock, 'alert')).keys()].length;
    expect(stated).toBeGreaterThan(0);
    const records = outbox.read('alert', 1, { records: 100, bytes: 65536 });
    await clock.advance(0);
    const batch = await records;
    let offset = 0;
    let evicted = 0;
    for (let n = 0; n < (batch?.count ?? 0); n++) {
      const record = readRecord(batch?.records as Buffer, offset);
      if (typeof record === 'string') throw new Error(record);
      const payload = decodePayload(record.payload);
      if (payload.kind === 'range' && payload.fate === 'evicted') evicted += payload.last - payload.first + 1;
      offset = record.end;
    }
    expect(evicted).toBe(ledger.telemetry.evicted);
  });

  it('keeps aside what is damaged in a sealed segment, states it, and gives the rest', async () => {
    const { disk, clock, open } = setup({ segmentBytes: 700 });
    const outbox = await open();
    for (let n = 1; n <= 30; n++) {
      const append = outbox.append('tracking', Buffer.from(`record ${n} ${'.'.repeat(40)}`), at);
      await clock.advance(5);
      await append;
    }
    const [firstSegment] = disk.paths.filter((path) => path.includes('/tracking/') && path.endsWith('.seg'));
    const content = Buffer.from(disk.content(firstSegment as string) as Buffer);
    content[200] = (content[200] as number) ^ 0xff;
    disk.tamper(firstSegment as string, content);
    const again = await open();
    const found = await pending(again, clock, 'tracking');
    expect(found.size).toBe(29);
    await clock.advance(10);
    const ledger = again.ledger();
    expect(ledger.tracking).toMatchObject({ accepted: 30, quarantined: 1, pending: 29 });
    expect(ledger.alert.accepted).toBe(1);
    expect(disk.paths.some((path) => path.includes('/tracking/quarantine/'))).toBe(true);
  });

  it('finds its epoch again when outbox.json is lost or damaged', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    const append = outbox.append('tracking', Buffer.from('kept'), at);
    await clock.advance(5);
    await append;
    disk.tamper(`${FOLDER}/outbox.json`, Buffer.from('{"for'));
    const again = await open();
    expect(again.epoch).toBe(outbox.epoch);
    expect(await pending(again, clock, 'tracking')).toEqual(new Map([[1, 'kept']]));
  });

  it('loses no accepted record and invents none, at any crash point', async () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      const { disk, open } = setup({ segmentBytes: 600 });
      const accepted: Record<Lane, Map<number, string>> = {
        alert: new Map(),
        tracking: new Map(),
        telemetry: new Map(),
      };
      const offered = new Set<string>();
      let serial = 0;
      for (let boot = 0; boot < 3; boot++) {
        // Each boot has a clock of its own: a dead process's timers never run.
        const clock = new ManualClock();
        const outbox = await open(clock);
        disk.dieAt = disk.operations + 1 + Math.floor(random() * 60);
        for (let n = 0; n < 25; n++) {
          const lane = LANES[Math.floor(random() * 3)] as Lane;
          const text = `${lane} ${serial++} ${'x'.repeat(Math.floor(random() * 60))}`;
          offered.add(text);
          outbox.append(lane, Buffer.from(text), at).then(
            (sequence) => {
              expect(
                accepted[lane].has(sequence),
                `seed ${seed}: sequence ${sequence} of ${lane} given out twice`,
              ).toBe(false);
              accepted[lane].set(sequence, text);
            },
            () => {},
          );
          if (random() < 0.4) await clock.advance(6);
          if (random() < 0.1) {
            const last = outbox.lastSequence('telemetry');
            for (let s = outbox.firstPending('telemetry'); s <= last; s++) accepted.telemetry.delete(s);
            outbox.acknowledge({ epoch: outbox.epoch, lane: 'telemetry', first: 1, last });
          }
        }
        await clock.advance(600);
        disk.crash(random);
      }
      const clock = new ManualClock();
      const outbox = await open(clock);
      await clock.advance(10);
      expect(isBalanced(outbox.ledger()), `seed ${seed}: the balance`).toBe(true);
      for (const lane of LANES) {
        const found = await pending(outbox, clock, lane);
        for (const [sequence, text] of accepted[lane]) {
          expect(found.get(sequence), `seed ${seed}: accepted record ${sequence} of ${lane}`).toBe(text);
        }
        for (const text of found.values()) {
          const stated = lane === 'alert' && !/^(alert|tracking|telemetry) /.test(text);
          expect(stated || offered.has(text), `seed ${seed}: ${lane} holds ${text}`).toBe(true);
        }
      }
    }
  }, 60_000);
});
