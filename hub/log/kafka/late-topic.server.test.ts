/** A reader that began before its topic was there (a hub's first start, several processes at once) reads it soon after. */
import { expect, it, vi } from 'vitest';
import { silentLog } from '../../../protocols/base/log.ts';
import { describeWith } from '../../../test/servers/needs.ts';
import { openKafkaLog } from './kafka-log.ts';

/** Metadata are asked for again after 10 s at most. */
const WAIT = { timeout: 40_000, interval: 50 };

describeWith(['kafka'], 'a topic that comes after its reader', ({ kafka }) => {
  it('is read', { timeout: 60_000 }, async () => {
    const name = `late-${process.pid}-${Date.now().toString(36)}`;
    const topics = [{ name, partitions: 3 }];
    // A fault stands only until the next look, which finds nothing wrong: what was said of it stays.
    const warned: string[] = [];
    const log = { ...silentLog, warn: (_: object, message: string) => void warned.push(message) };
    const [reader, creator] = [
      await openKafkaLog({ brokers: kafka.url, topics, log }),
      await openKafkaLog({ brokers: kafka.url, topics }),
    ];
    try {
      const read: string[] = [];
      await reader.follow({
        group: name,
        topic: name,
        position: async () => 0,
        onRecords: async (records) => {
          read.push(...records.map(({ value }) => value?.toString() ?? ''));
        },
      });
      // It has looked, and there was nothing.
      await vi.waitFor(() => expect(warned).toContain('log reader failed; trying again'), WAIT);
      expect(await creator.setup()).toEqual([name]);
      await creator.append([{ topic: name, key: 'a', value: Buffer.from('first') }]);
      await vi.waitFor(() => expect(read).toEqual(['first']), WAIT);
    } finally {
      await reader.close();
      await creator.close();
    }
  });
});
