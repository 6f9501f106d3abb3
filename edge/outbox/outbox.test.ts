import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { readRecord } from '../../protocols/uplink/record.ts';
import { isBalanced } from '../ops/report.ts';
import { at, FOLDER, inTime, pending, put, setup } from './outbox.test-support.ts';

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
    expect(await pending(again, 'tracking')).toEqual(
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
    expect([...(await pending(again, 'telemetry')).keys()]).toEqual([7, 8, 9, 10]);
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
    const stated = [...(await pending(outbox, 'alert')).keys()].length;
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
    const found = await pending(again, 'tracking');
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
    expect(await pending(again, 'tracking')).toEqual(new Map([[1, 'kept']]));
  });

  it('never evicts a lane for one that ranks below it', async () => {
    const { clock, open } = setup({ maxBytes: 8_000, segmentBytes: 1_000, alertReserveBytes: 1_000 });
    const outbox = await open();
    while ((await put(outbox, clock, 'tracking', `tracking:${'.'.repeat(90)}`)) && outbox.bytes().tracking < 5_900);
    expect(await put(outbox, clock, 'telemetry', `telemetry:${'.'.repeat(1_200)}`)).toBe('disk-full');
    expect(outbox.mode.detail).toContain('rank before telemetry');
    expect(outbox.ledger().tracking.evicted).toBe(0);
    await clock.advance(10_000);
    expect(outbox.faults.count).toBe(1);
    outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: outbox.lastSequence('tracking') });
    await clock.advance(3_000);
    expect(outbox.mode.mode).toBe('ok');
    expect(await put(outbox, clock, 'telemetry', 'telemetry:again')).toBe(1);
  });

  it('bounds what waits in memory, by records and by bytes', async () => {
    const { clock, open } = setup({ maxQueuedRecords: 5, maxQueuedBytes: 1_000 });
    const outbox = await open();
    const outcome = (bytes: number) =>
      outbox.append('telemetry', Buffer.alloc(bytes, 1), at).catch((error: { code: string }) => error.code);
    const small = Array.from({ length: 7 }, () => outcome(10));
    await clock.advance(5);
    expect((await Promise.all(small)).slice(4)).toEqual([5, 'outbox-busy', 'outbox-busy']);
    const large = Array.from({ length: 3 }, () => outcome(600));
    await clock.advance(5);
    expect(await Promise.all(large)).toEqual([6, 7, 'outbox-busy']);
  });

  it('tells how long the disk has kept an append waiting', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    expect(outbox.progress).toEqual({ lastCommitUs: undefined, commitStalledSinceUs: undefined });
    await put(outbox, clock, 'tracking', 'tracking:1');
    expect(outbox.progress.commitStalledSinceUs).toBeUndefined();
    const sinceUs = clock.monotonicUs();
    let answer: (() => void) | undefined;
    const opened = disk.open.bind(disk);
    disk.open = async (path, options) => {
      if (path.endsWith('.seg'))
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      return opened(path, options);
    };
    const append = outbox.append('alert', Buffer.from('alert:1'), at);
    await clock.advance(60_000);
    expect(outbox.progress.commitStalledSinceUs).toBe(sinceUs);
    expect(outbox.progress.lastCommitUs).toBeLessThan(sinceUs + 1);
    answer?.();
    expect(await inTime(clock, append)).toBe(1);
    expect(outbox.progress.commitStalledSinceUs).toBeUndefined();
  });

  it('an alert does not wait for another lane that the disk keeps waiting', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    for (const lane of ['alert', 'telemetry'] as const) await put(outbox, clock, lane, `${lane}:1`);
    const opened = disk.open.bind(disk);
    disk.open = (path, options) => (path.includes('/telemetry/') ? new Promise(() => {}) : opened(path, options));
    void outbox.read('telemetry', 1, { records: 1, bytes: 100 });
    const stuck = outbox.append('telemetry', Buffer.from('telemetry:2'), at);
    expect(await put(outbox, clock, 'alert', 'alert:2')).toBe(2);
    void stuck;
  });

  it('finds by counting again what changed behind its back, and quarantines damage before it would be sent', async () => {
    const { disk, clock, open } = setup({ segmentBytes: 400 });
    const outbox = await open();
    for (let n = 0; n < 20; n++) await put(outbox, clock, 'tracking', `tracking:${n} ${'.'.repeat(30)}`);
    expect(await outbox.verify()).toEqual([]);
    const [first, second] = disk.paths.filter((path) => path.includes('/tracking/') && path.endsWith('.seg'));
    disk.tamper(second as string, undefined);
    const content = Buffer.from(disk.content(first as string) as Buffer);
    content[100] = (content[100] as number) ^ 1;
    disk.tamper(first as string, content);
    for (let round = 0; round < 30; round++) expect(await outbox.verify()).toEqual([]);
    const { accepted, quarantined, pending: waiting } = outbox.ledger().tracking;
    expect(quarantined).toBeGreaterThan(3);
    expect(waiting).toBe(accepted - quarantined);
    expect((await pending(outbox, 'tracking')).size).toBe(waiting);
  });

  it('makes the cursor durable before a segment goes', async () => {
    const { disk, clock, open } = setup({ segmentBytes: 200 });
    const outbox = await open();
    for (let n = 1; n <= 20; n++) await put(outbox, clock, 'tracking', `tracking:${n} ${'.'.repeat(60)}`);
    outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 19 });
    await clock.advance(1_000);
    // Every file that went is gone, and no content that was not synced is there.
    disk.crash(() => 0.39);
    const again = await open(new ManualClock());
    expect(await pending(again, 'tracking')).toEqual(new Map([[20, `tracking:20 ${'.'.repeat(60)}`]]));
    expect(again.ledger().tracking).toMatchObject({ accepted: 20, delivered: 19, quarantined: 0 });
  });
});
