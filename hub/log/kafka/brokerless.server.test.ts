/**
 * A broker that stood still for longer than its session is fenced until it has said that it is back, and names no broker at all
 * meanwhile. Whoever asks it then must not give up for ever: librdkafka 2.10 to 2.13 does (its issue 5301; docs/decisions/0012).
 */
import { expect, it, vi } from 'vitest';
import { startKafka } from '../../../test/servers/kafka.ts';
import { describeWith } from '../../../test/servers/needs.ts';
import { freePort, HOST } from '../../../test/servers/ports.ts';
import type { LogRecord } from '../event-log.ts';
import { BrokerlessProxy } from './brokerless-proxy.test-support.ts';
import { openKafkaLog } from './kafka-log.ts';

const WAIT = { timeout: 30_000, interval: 50 };
/** Of a transform, a follower, a producer and what the transform commits with. */
const CLIENTS = 4;

describeWith(['kafka'], 'a cluster that names no broker for a while', () => {
  it('is used again by everyone afterwards', async () => {
    const [port, advertised] = [await freePort(), await freePort()];
    const server = await startKafka({ proxied: { port, advertised: `${HOST}:${advertised}` } });
    const proxy = new BrokerlessProxy({ host: HOST, port });
    await proxy.listen(HOST, advertised);
    const topics = [
      { name: 'in', partitions: 2 },
      { name: 'state', partitions: 2, compacted: true },
      { name: 'out', partitions: 2 },
    ];
    // Clients ask of their own accord when they connect, and once in a while.
    const properties = { 'topic.metadata.refresh.interval.ms': 500 };
    const brokers = `${HOST}:${advertised}`;
    const log = await openKafkaLog({ brokers, topics, properties, deliveryTimeoutMs: 5_000 });
    try {
      await log.setup();
      await log.transform({
        group: 'copy',
        input: 'in',
        state: 'state',
        onAssigned: () => {},
        onRevoked: () => {},
        onRecords: async (records) => ({ outputs: records.map(({ key, value }) => ({ topic: 'out', key, value })) }),
      });
      const seen = new Set<string>();
      await log.follow({
        group: 'follower',
        topic: 'out',
        position: async () => 0,
        onRecords: async (records) => {
          for (const { value } of records) seen.add(String(value));
        },
      });
      const passes = async (name: string) => {
        const records: LogRecord[] = [0, 1].map((partition) => {
          return { topic: 'in', partition, key: 'a', value: Buffer.from(`${name}/${partition}`) };
        });
        await vi.waitFor(() => log.append(records), WAIT);
        await vi.waitFor(() => expect([...seen]).toEqual(expect.arrayContaining([`${name}/0`, `${name}/1`])), WAIT);
      };
      await passes('before');
      proxy.brokerless = true;
      await vi.waitFor(() => expect(proxy.answers).toBeGreaterThanOrEqual(2 * CLIENTS), WAIT);
      proxy.brokerless = false;
      await passes('after');
    } finally {
      await log.close();
      await proxy.close();
      await server.stop();
    }
  }, 180_000);
});
