/** What one would write with the same libraries and no second thought. */
import { InfluxDB, Point } from '@influxdata/influxdb-client';
import mqtt from 'mqtt';
import type { HighLevelProducer, MessageHeader } from 'node-rdkafka';
import { z } from 'zod';
import { TOPICS } from '../../hub/log/event-log.ts';
import { connect } from '../../hub/log/kafka/client.ts';
import { asked, loadRdkafka } from '../../hub/log/kafka/native.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Role } from './worker.ts';

export const JSON_TOPIC = 'uplink-json';
const GROUP = 50;

const eventSchema = z.object({
  version: z.literal(1),
  eventId: z.uuid(),
  packageId: z.string().min(1),
  otherIds: z.array(z.string()),
  eventType: z.string(),
  scanType: z.string(),
  businessStep: z.string(),
  occurredAt: z.iso.datetime(),
  recordedAt: z.iso.datetime(),
  clock: z.object({ state: z.string(), uncertaintyMs: z.number(), corrected: z.boolean() }),
  location: z.object({ readPoint: z.string(), facilityId: z.string(), latitude: z.number(), longitude: z.number() }),
  source: z.object({
    gatewayId: z.string(),
    deviceId: z.string(),
    epoch: z.string(),
    lane: z.string(),
    sequence: z.number(),
  }),
  data: z.object({ scanned: z.string(), aim: z.string().optional() }),
});

const sampleSchema = z.object({
  id: z.uuid(),
  gateway: z.string(),
  device: z.string(),
  temperatureCelsius: z.number(),
  atMs: z.number(),
});

async function highLevel(kafka: string): Promise<HighLevelProducer> {
  const rdkafka = await loadRdkafka();
  const producer = new rdkafka.HighLevelProducer({ 'metadata.broker.list': kafka, 'linger.ms': 1 }, { acks: -1 });
  await connect(producer);
  return producer;
}

function send(
  producer: HighLevelProducer,
  record: { topic: string; value: Buffer; key: string; headers: MessageHeader[] },
): Promise<void> {
  const { topic, value, key, headers } = record;
  return new Promise((resolve, reject) => {
    const done = (error: unknown) => (error ? reject(error) : resolve());
    producer.produce(topic, null, value, key, Date.now(), headers, done);
  });
}

/** Messages are JSON arrays of events (or of samples) as our batches hold them. */
export const naiveProcess: Role = async ({ kafka, influx }) => {
  const rdkafka = await loadRdkafka();
  const producer = await highLevel(kafka);
  const write = new InfluxDB({ url: influx }).getWriteApi('o', 'b', 'ms');
  const consumer = new rdkafka.KafkaConsumer(
    { 'metadata.broker.list': kafka, 'group.id': 'naive', 'enable.auto.commit': false },
    { 'auto.offset.reset': 'earliest' },
  );
  await connect(consumer);
  consumer.subscribe([JSON_TOPIC]);
  consumer.setDefaultConsumeTimeout(5);
  const seen = new Set<string>();
  let done = 0;
  const take = async (): Promise<void> => {
    const messages = await asked<{ value: Buffer | null }[]>((result) => consumer.consume(GROUP, result));
    const sending: Promise<void>[] = [];
    let count = 0;
    for (const { value } of messages) {
      for (const item of JSON.parse(String(value)) as Record<string, unknown>[]) {
        count++;
        if ('temperatureCelsius' in item) {
          const sample = sampleSchema.parse(item);
          if (seen.has(sample.id)) continue;
          seen.add(sample.id);
          const point = new Point('temperature').tag('gateway', sample.gateway).tag('device', sample.device);
          write.writePoints([point.floatField('temperatureCelsius', sample.temperatureCelsius).timestamp(sample.atMs)]);
        } else {
          const event = eventSchema.parse(item);
          if (seen.has(event.eventId)) continue;
          seen.add(event.eventId);
          // The same headers as ours: readers find the same in both.
          const { gatewayId, epoch, lane, sequence } = event.source;
          const identity = `${gatewayId}/${epoch}/${lane}/${sequence}`;
          const headers = [{ identity }, { schema: 'tracking-event/1+json' }];
          const value = Buffer.from(JSON.stringify(event));
          sending.push(send(producer, { topic: TOPICS.packageEvents, value, key: event.packageId, headers }));
        }
      }
    }
    await Promise.all([...sending, write.flush()]);
    if (messages.length > 0) consumer.commit();
    done += count;
  };
  const run = async () => {
    for (;;) await take();
  };
  void run();
  return { done: () => done };
};

/** A batch is taken when the one before is in Kafka: what mqtt.js does when `handleMessage` waits for the delivery report. */
export const naiveIngest: Role = async ({ kafka, mqtt: url = '' }) => {
  const producer = await highLevel(kafka);
  const client = await mqtt.connectAsync(url, { clean: true, protocolVersion: 4 });
  let done = 0;
  client.handleMessage = (packet, next) => {
    const gateway = packet.topic.split('/')[2] ?? '';
    const headers = [{ lane: 'tracking' }, { 'received-ms': String(Date.now()) }];
    send(producer, { topic: TOPICS.uplink, value: Buffer.from(packet.payload), key: gateway, headers }).then(() => {
      done++;
      client.publish(topics.downAck(gateway), '1', { qos: 1 });
      next();
    }, next);
  };
  await client.subscribeAsync(topics.allUp, { qos: 1 });
  return { done: () => done };
};
