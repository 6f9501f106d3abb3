/** What workers of the hub benchmarks do: ours, what one would write, and the library alone. */
import type { DeliveryReport, Producer } from 'node-rdkafka';
import { systemClock } from '../../cli/system-clock.ts';
import { openEmbeddedBroker } from '../../hub/broker/embedded.ts';
import { openExternalBroker } from '../../hub/broker/external.ts';
import { Ingest } from '../../hub/ingest/ingest.ts';
import { TOPICS } from '../../hub/log/event-log.ts';
import { connect } from '../../hub/log/kafka/client.ts';
import { appendConfig, producerTopicConfig, transactionConfig } from '../../hub/log/kafka/config.ts';
import { openKafkaLog } from '../../hub/log/kafka/kafka-log.ts';
import { asked, loadRdkafka } from '../../hub/log/kafka/native.ts';
import { Processor } from '../../hub/process/processor.ts';
import { createInfluxTimeSeries } from '../../hub/timeseries/influx/influx.ts';
import { DEFAULT_LIMITS, guarded, SeriesGuard } from '../../hub/timeseries/series-guard.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { gateways } from './gateways.ts';
import { naiveIngest, naiveProcess } from './naive.ts';
import type { Role } from './worker.ts';

const TIMEOUT_MS = 10_000;
const BARRIER = 5_000;
const LIMIT_IN_FLIGHT = 1_024;

/** As hub/main.ts puts them together. */
const processRole: Role = async ({ kafka, influx }) => {
  const eventLog = await openKafkaLog({ brokers: kafka });
  await eventLog.setup();
  const clock = systemClock();
  const series = await createInfluxTimeSeries({
    url: influx,
    org: 'o',
    bucket: 'b',
    query: 'influxql',
    log: silentLog,
  });
  const timeSeries = guarded(series, new SeriesGuard(DEFAULT_LIMITS), () => clock.monotonicUs() / 1000);
  const shared = { eventLog, timeSeries, clock, log: silentLog };
  const processors = [
    new Processor({ ...shared, group: 'milepost-process', lanes: ['alert', 'tracking'] }),
    new Processor({ ...shared, group: 'milepost-timeseries', lanes: ['telemetry'] }),
  ];
  await Promise.all(processors.map((processor) => processor.start()));
  return { done: () => processors.reduce((sum, { counters }) => sum + counters.packageEvents + counters.points, 0) };
};

async function producer(config: object): Promise<Producer> {
  const rdkafka = await loadRdkafka();
  const made = new rdkafka.Producer(config, producerTopicConfig(TIMEOUT_MS));
  await connect(made);
  return made;
}

/** Prebuilt messages with the headers that ours have, errors reported only, a transaction's commit after every 5,000. */
const limitOf =
  (properties: Record<string, number>): Role =>
  async (options) => {
    const address = { brokers: options.kafka, properties };
    const made = await producer(transactionConfig(address, { transactionalId: 'limit', pace: 'bulk' }));
    await asked((done) => made.initTransactions(TIMEOUT_MS, done));
    const value = Buffer.from(options.message ?? '', 'base64');
    const prebuilt = Array.from({ length: BARRIER }, (_, index) => ({
      key: `sscc:34012345${index}`,
      headers: [{ identity: `gateway-1/5d1c9a7e30b2f486/tracking/${index}` }, { schema: 'tracking-event/1+json' }],
    }));
    let sent = 0;
    const run = async () => {
      const timer = setInterval(() => made.poll(), 2);
      while (sent < (options.events ?? 0)) {
        await asked((done) => made.beginTransaction(done));
        for (const { key, headers } of prebuilt)
          made.produce(TOPICS.packageEvents, null, value, key, null, undefined, headers);
        await asked((done) => made.commitTransaction(TIMEOUT_MS, done));
        sent += BARRIER;
      }
      clearInterval(timer);
    };
    void run();
    return { done: () => sent };
  };

/** The same bytes as ingest writes, a delivery report for each, so many in flight. */
const ingestLimit: Role = async (options) => {
  const made = await producer(appendConfig({ brokers: options.kafka }));
  const value = Buffer.from(options.message ?? '', 'base64');
  let delivered = 0;
  let inFlight = 0;
  const fill = () => {
    for (; inFlight < LIMIT_IN_FLIGHT; inFlight++) {
      made.produce(TOPICS.uplink, null, value, Buffer.from(`gateway-${inFlight % 64}`), null, undefined, [
        { lane: 'tracking' },
        { 'received-ms': '1700000000000' },
      ]);
    }
  };
  made.on('delivery-report', (error: unknown, _report: DeliveryReport) => {
    inFlight--;
    if (!error) delivered++;
  });
  setInterval(() => {
    made.poll();
    fill();
  }, 1);
  return { done: () => delivered };
};

const ingestRole: Role = async ({ kafka, mqtt }) => {
  const eventLog = await openKafkaLog({ brokers: kafka });
  await eventLog.setup();
  const broker =
    mqtt === undefined
      ? await openEmbeddedBroker({ host: '127.0.0.1', port: 0, users: new Map(), log: silentLog })
      : await openExternalBroker({ url: mqtt, share: 'milepost', log: silentLog });
  const ingest = new Ingest({ eventLog, broker, clock: systemClock(), log: silentLog, onStatus: () => {} });
  await broker.start((topic, payload) => ingest.handle(topic, payload));
  return { done: () => ingest.counters.batches, ...(broker.url === undefined ? {} : { url: broker.url }) };
};

export const roles: Record<string, Role> = {
  process: processRole,
  'process-limit': limitOf({}),
  // A broker that costs nearly nothing, in the same process: what is left is the client's own.
  'process-limit-mock': limitOf({ 'test.mock.num.brokers': 1 }),
  'process-naive': naiveProcess,
  ingest: ingestRole,
  'ingest-limit': ingestLimit,
  'ingest-naive': naiveIngest,
  'ingest-load': gateways,
};
