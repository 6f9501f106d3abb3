import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { encodeBatch } from '../../protocols/uplink/batch.ts';
import { recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import {
  type EventLog,
  type FollowOptions,
  type LogRecord,
  type StoredRecord,
  TOPICS,
  type TransformOptions,
} from '../log/event-log.ts';
import { readTraceparent, writeTraceparent } from './trace-context.ts';
import { openTracing } from './tracing.ts';

interface SentSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: { key: string; value: { stringValue?: string } }[];
}

/** OTLP over HTTP with JSON: what a collector understands. */
async function collector() {
  const spans: SentSpan[] = [];
  const services = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString());
      expect(request.url).toBe('/v1/traces');
      for (const { resource, scopeSpans } of body.resourceSpans) {
        for (const { key, value } of resource.attributes) services.add(`${key}=${value.stringValue}`);
        for (const { spans: own } of scopeSpans) spans.push(...own);
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { spans, services, url: `http://127.0.0.1:${port}`, close: () => new Promise((done) => server.close(done)) };
}

const EPOCH = '00000000000000aa';

function batch(firstSequence: number): Buffer {
  const payload = Buffer.from('x');
  const records = Buffer.alloc(2 * recordBytes(payload.length));
  const time = { bootId: 1, monotonicUs: 5, wallMs: 1_700_000_000_000, state: 'ntp', uncertaintyMs: 4 } as const;
  const next = writeRecord(records, 0, { sequence: firstSequence, time, payload });
  writeRecord(records, next, { sequence: firstSequence + 1, time, payload });
  return encodeBatch({ epoch: EPOCH, lane: 'tracking', firstSequence, count: 2, clock: time, records, deflate: true });
}

/** A log that hands on at once what is written. */
function handingOn(): EventLog {
  let processing: TransformOptions | undefined;
  const following: FollowOptions[] = [];
  const runner = { stop: async () => {}, lag: () => 0, fault: () => undefined };
  const stored = (records: readonly LogRecord[]): StoredRecord[] =>
    records.map((record, offset) => ({ ...record, partition: 0, offset, timestampMs: 0 }));
  return {
    transform: async (options: TransformOptions) => {
      processing = options;
      return runner;
    },
    follow: async (options: FollowOptions) => {
      following.push(options);
      return runner;
    },
    append: async (records: readonly LogRecord[]) => {
      const result = await processing?.onRecords(stored(records));
      const all = [...records, ...(result?.outputs ?? [])];
      for (const { topic, onRecords } of following) await onRecords(stored(all.filter((each) => each.topic === topic)));
    },
  } as Partial<EventLog> as EventLog;
}

it('links ingest, process and project of a sampled batch to one trace, and leaves the others alone', async () => {
  const receiver = await collector();
  const drawn = [0.9, 0.1, 0.9];
  const tracing = await openTracing({
    endpoint: receiver.url,
    sampleRatio: 0.5,
    random: () => drawn.shift() ?? 1,
    attributes: { 'milepost.roles': 'all' },
  });
  const log = tracing.log(handingOn());
  const event = (sequence: number): LogRecord => ({
    topic: TOPICS.packageEvents,
    key: `p${sequence}`,
    // No JSON: `kafka.format` may be protobuf.
    value: Buffer.from([8, 1]),
    headers: { identity: `gw/${EPOCH}/tracking/${sequence}`, schema: 'tracking-event/1+protobuf' },
  });
  await log.transform({
    group: 'process',
    input: TOPICS.uplink,
    state: TOPICS.gatewaySequences,
    onAssigned: () => {},
    onRevoked: () => {},
    onRecords: async () => ({ outputs: [1, 2, 3, 4, 5, 6].map(event) }),
  });
  const projected: { key: string; traced: boolean }[] = [];
  // A replay reads the same records: no part of their way.
  await log.follow({ topic: TOPICS.uplink, position: async () => 0, onRecords: async () => {} });
  await log.follow({
    group: 'project',
    topic: TOPICS.packageEvents,
    position: async () => 0,
    onRecords: async (records) => {
      for (const { key, headers } of records) projected.push({ key, traced: headers?.traceparent !== undefined });
    },
  });
  await log.append([1, 3, 5].map((first) => ({ topic: TOPICS.uplink, key: 'gw', value: batch(first) })));
  await tracing.close();
  await receiver.close();

  const tracedKeys = projected.filter(({ traced }) => traced).map(({ key }) => key);
  expect(tracedKeys.sort()).toEqual(['p3', 'p4']);
  const named = (name: string) => receiver.spans.filter((span) => span.name === name);
  const [ingest] = named('ingest');
  const [process] = named('process');
  expect([named('ingest').length, named('process').length, named('project').length]).toEqual([1, 1, 2]);
  expect(ingest?.parentSpanId ?? '').toBe('');
  expect(process).toMatchObject({ traceId: ingest?.traceId, parentSpanId: ingest?.spanId });
  for (const span of named('project')) {
    expect(span).toMatchObject({ traceId: ingest?.traceId, parentSpanId: process?.spanId });
  }
  expect(process?.attributes).toContainEqual({ key: 'messaging.kafka.message.key', value: { stringValue: 'gw' } });
  expect(process?.attributes).toContainEqual({
    key: 'messaging.consumer.group.name',
    value: { stringValue: 'process' },
  });
  expect([...receiver.services]).toEqual(expect.arrayContaining(['service.name=milepost-hub', 'milepost.roles=all']));
});

// Examples and rules: W3C Trace Context, "traceparent header" (version-format, and what makes it invalid).
it('reads traceparent as the specification has it', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spanId = 'b7ad6b7169203331';
  expect(readTraceparent(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId });
  expect(writeTraceparent({ traceId, spanId })).toBe(`00-${traceId}-${spanId}-01`);
  expect(readTraceparent(`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`)).toEqual({ traceId, spanId });
  for (const text of [
    undefined,
    '',
    `00-${traceId}-${spanId}-00`,
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
  ])
    expect(readTraceparent(text)).toBeUndefined();
});
