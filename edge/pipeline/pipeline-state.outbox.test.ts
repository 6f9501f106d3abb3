/** The real Outbox keeps what a snapshot does not hold yet, however quick the hub is. */
import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { readRecord } from '../../protocols/uplink/record.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { Outbox } from '../outbox/outbox.ts';

it('records from the one retained on can be read back, and the others are freed', async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const open = () =>
    Outbox.open({
      disk,
      folder: 'outbox',
      clock,
      log: silentLog,
      bootId: 7,
      newEpoch: () => '00000000000000aa',
      segmentBytes: 4096,
      commitDelayMs: 0,
    });
  const outbox = await open();
  const time = { monotonicUs: 1, wallMs: 1, state: 'ntp', uncertaintyMs: 1 } as const;
  outbox.retain('tracking', 61);
  for (let n = 0; n < 200; n++) {
    const stored = outbox.append('tracking', Buffer.alloc(100, n), time);
    await clock.advance(1);
    await stored;
  }
  outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 200 });
  await clock.advance(5_000);
  const sequences = async (of: Outbox) => {
    const records = await of.newest('tracking', 1_000);
    const found: number[] = [];
    for (let at = 0; at < records.length; ) {
      const record = readRecord(records, at);
      if (typeof record === 'string') throw new Error(record);
      found.push(record.sequence);
      at = record.end;
    }
    return found;
  };
  const kept = await sequences(outbox);
  expect(kept[0]).toBeGreaterThan(1);
  expect(kept[0]).toBeLessThanOrEqual(61);
  expect(kept.at(-1)).toBe(200);
  expect(kept).toHaveLength(200 - (kept[0] ?? 0) + 1);

  outbox.retain('tracking', 201);
  outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 200 });
  const stored = outbox.append('tracking', Buffer.alloc(100), time);
  await clock.advance(1);
  await stored;
  outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 201, last: 201 });
  await clock.advance(5_000);
  expect((await sequences(outbox))[0]).toBeGreaterThan(100);
  await outbox.close();
});
