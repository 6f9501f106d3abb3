/** How large batches are: as small as what waits, as large as the path carries. */
import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { encodeAcknowledgement, readBatchHeader } from '../../protocols/uplink/batch.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { at, inTime, openOn } from '../outbox/outbox.test-support.ts';
import type { Link } from './link.ts';
import { Uplink } from './uplink.ts';

/** A hub that is 20 ms away and never late. */
async function nearHub() {
  const clock = new ManualClock();
  const outbox = await openOn(new MemoryDisk(), clock);
  const counts: number[] = [];
  let tell: (topic: string, payload: Buffer) => void = () => {};
  const link: Link = {
    connected: true,
    async publish(_topic, payload) {
      const { epoch, lane, firstSequence: first, count } = readBatchHeader(payload);
      counts.push(count);
      const answer = encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]);
      clock.after(20, () => tell(topics.downAck('gw'), answer));
    },
    onState() {},
    onMessage(listener) {
      tell = listener;
    },
    fault: () => undefined,
    async close() {},
  };
  const start = () => new Uplink({ gatewayId: 'gw', outbox, link, clock, log: silentLog, random: () => 0.5 });
  const scans = (count: number, from = 0) =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        outbox.append('tracking', Buffer.from(`dock-4-scanner sscc:3401234500000${from + n} receiving dock-4-in`), at),
      ),
    );
  return { clock, outbox, counts, start, scans };
}

it('a backlog goes out in batches that grow, so that it is gone in seconds', async () => {
  const { clock, outbox, counts, start, scans } = await nearHub();
  for (let from = 0; from < 40_000; from += 4_000) await inTime(clock, scans(4_000, from));
  const uplink = start();
  await clock.advance(2_000);
  uplink.stop();
  expect(outbox.ledger().tracking).toMatchObject({ delivered: 40_000, pending: 0 });
  expect(Math.max(...counts)).toBe(2_000);
  expect(counts.length).toBeLessThan(50);
});

it('what comes one at a time goes out one at a time, at once', async () => {
  const { clock, counts, start, scans } = await nearHub();
  const uplink = start();
  for (let n = 0; n < 5; n++) {
    await inTime(clock, scans(1, n));
    await clock.advance(30);
  }
  uplink.stop();
  expect(counts).toEqual([1, 1, 1, 1, 1]);
});
