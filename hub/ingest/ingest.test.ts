import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { decodeAcknowledgement, decodeHubTime, encodeBatch } from '../../protocols/uplink/batch.ts';
import { recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Broker } from '../broker/broker.ts';
import type { EventLog, LogRecord } from '../log/event-log.ts';
import { Ingest } from './ingest.ts';

const payload = Buffer.from('x');
const records = Buffer.alloc(recordBytes(1) * 2);
const time = { bootId: 1, monotonicUs: 1, wallMs: 1, state: 'ntp', uncertaintyMs: 1 } as const;
writeRecord(records, writeRecord(records, 0, { sequence: 5, time, payload }), { sequence: 6, time, payload });
const batch = encodeBatch({
  epoch: '00000000000000aa',
  lane: 'tracking',
  firstSequence: 5,
  count: 2,
  clock: time,
  records,
  deflate: false,
});

function setup() {
  const appended: LogRecord[] = [];
  const published: [string, Buffer][] = [];
  const statuses: string[] = [];
  const log = { refuses: false, release: undefined as (() => void) | undefined, holds: false };
  const eventLog = {
    append: async (given: readonly LogRecord[]) => {
      if (log.refuses) throw new Error('away');
      if (log.holds) await new Promise<void>((resolve) => (log.release = resolve));
      appended.push(...given);
    },
  } as Partial<EventLog> as EventLog;
  const broker = {
    publish: async (topic: string, bytes: Buffer) => void published.push([topic, bytes]),
  } as Partial<Broker> as Broker;
  const onStatus = ({ gatewayId }: { gatewayId: string }) => void statuses.push(gatewayId);
  const clock = new ManualClock();
  const ingest = new Ingest({ eventLog, broker, clock, log: silentLog, onStatus });
  return { ingest, appended, published, statuses, log, broker, clock };
}

it('acknowledges the range only after the log has the batch, as it came', async () => {
  const { ingest, appended, published, log } = setup();
  log.holds = true;
  const handling = ingest.handle(topics.up('gw', 'tracking'), batch);
  await Promise.resolve();
  expect(published).toEqual([]);
  log.release?.();
  await handling;
  expect(appended).toMatchObject([{ topic: 'uplink', key: 'gw', value: batch, headers: { lane: 'tracking' } }]);
  expect(published[0]?.[0]).toBe(topics.downAck('gw'));
  expect(decodeAcknowledgement(published[0]?.[1] as Buffer)).toEqual([
    { epoch: '00000000000000aa', lane: 'tracking', first: 5, last: 6 },
  ]);
});

it('answers together what becomes durable together', async () => {
  const { ingest, published } = setup();
  await Promise.all([
    ingest.handle(topics.up('gw', 'tracking'), batch),
    ingest.handle(topics.up('gw-2', 'tracking'), batch),
    ingest.handle(topics.up('gw', 'tracking'), batch),
  ]);
  expect(published.map(([topic, bytes]) => [topic, decodeAcknowledgement(bytes).length])).toEqual([
    [topics.downAck('gw'), 2],
    [topics.downAck('gw-2'), 1],
  ]);
});

it('answers together what becomes durable while an answer to the gateway is under way, and each gateway by itself', async () => {
  const { ingest, published, broker } = setup();
  let sent = () => {};
  broker.publish = (topic, bytes) => {
    published.push([topic, bytes]);
    return new Promise((resolve) => (sent = resolve));
  };
  const first = ingest.handle(topics.up('gw', 'tracking'), batch);
  await vi.waitFor(() => expect(published).toHaveLength(1));
  await ingest.handle(topics.up('gw', 'tracking'), batch);
  await ingest.handle(topics.up('gw', 'tracking'), batch);
  expect(published).toHaveLength(1);
  sent();
  await vi.waitFor(() => expect(published).toHaveLength(2));
  expect(published.map(([, bytes]) => decodeAcknowledgement(bytes).length)).toEqual([1, 2]);
  sent();
  await first;
  const other = ingest.handle(topics.up('gw-2', 'tracking'), batch);
  await vi.waitFor(() => expect(published).toHaveLength(3));
  expect(published[2]?.[0]).toBe(topics.downAck('gw-2'));
  sent();
  await other;
});

it('does not wait for ever for a broker that keeps an answer', async () => {
  const { ingest, published, broker, clock } = setup();
  broker.publish = (topic, bytes) => {
    published.push([topic, bytes]);
    return new Promise(() => {});
  };
  void ingest.handle(topics.up('gw', 'tracking'), batch);
  await vi.waitFor(() => expect(published).toHaveLength(1));
  await clock.advance(1_000);
  void ingest.handle(topics.up('gw', 'tracking'), batch);
  await vi.waitFor(() => expect(published).toHaveLength(2));
});

it('acknowledges nothing that the log refused', async () => {
  const { ingest, published, log } = setup();
  log.refuses = true;
  await ingest.handle(topics.up('gw', 'tracking'), batch);
  expect(published).toEqual([]);
  expect(ingest.counters.failed).toBe(1);
});

it('keeps what it cannot read as a dead letter, unacknowledged', async () => {
  const { ingest, appended, published } = setup();
  await ingest.handle(topics.up('gw', 'tracking'), Buffer.from('nonsense'));
  await ingest.handle(topics.up('gw', 'alert'), batch);
  expect(appended.map(({ topic, headers }) => [topic, headers?.lane])).toEqual([
    ['dead-letters', 'tracking'],
    ['dead-letters', 'alert'],
  ]);
  expect(appended[1]?.headers?.code).toBe('batch-lane');
  expect(published).toEqual([]);
});

it('takes a status only from the gateway that it is about', async () => {
  const { ingest, statuses } = setup();
  const status = Buffer.from(JSON.stringify({ version: 1, gatewayId: 'gw', online: true }));
  await ingest.handle(topics.upStatus('gw'), status);
  await ingest.handle(topics.upStatus('other'), status);
  await ingest.handle(topics.upStatus('gw'), Buffer.from('{'));
  await ingest.handle('milepost/v1/gw/down/ack', status);
  expect(statuses).toEqual(['gw']);
  expect(ingest.counters.foreign).toBe(1);
});

it('tells the time to a gateway that asks, with the question sent back', async () => {
  const { ingest, published } = setup();
  const status = { version: 1, gatewayId: 'gw', online: true };
  const say = (clock: object) =>
    ingest.handle(topics.upStatus('gw'), Buffer.from(JSON.stringify({ ...status, clock })));
  await say({ state: 'ntp', uncertaintyMs: 1 });
  await say({ state: 'unsynced', uncertaintyMs: null, askedUs: 'soon' });
  await say({ state: 'unsynced', uncertaintyMs: null, askedUs: -1 });
  expect(published).toEqual([]);
  await say({ state: 'unsynced', uncertaintyMs: null, askedUs: 4711 });
  const answer = published[0]?.[1] as Buffer;
  expect(published.map(([topic]) => topic)).toEqual([topics.downAck('gw')]);
  expect(decodeHubTime(answer)).toEqual({ hubWallMs: Date.UTC(2026, 0, 1), askedUs: 4711 });
  // A gateway of an earlier version finds no ranges in it.
  expect(decodeAcknowledgement(answer)).toEqual([]);
});

it('hands on what a gateway makes of its configuration, and nothing that is no report or of another gateway', async () => {
  const { broker, clock } = setup();
  const reports: string[] = [];
  const ingest = new Ingest({
    eventLog: { append: async () => {} } as Partial<EventLog> as EventLog,
    broker,
    clock,
    log: silentLog,
    onStatus: () => {},
    onConfigReport: ({ gatewayId }) => void reports.push(gatewayId),
  });
  const report = (gatewayId: string) =>
    Buffer.from(
      JSON.stringify({
        schema: 1,
        gatewayId,
        atMs: 1,
        inForce: { version: 0, hash: '0123456789abcdef' },
        devices: [],
        readPoints: [],
      }),
    );
  await ingest.handle(topics.upConfig('gw-1'), report('gw-1'));
  await ingest.handle(topics.upConfig('gw-2'), report('gw-1'));
  await ingest.handle(topics.upConfig('gw-1'), Buffer.from('{"schema":2}'));
  await ingest.handle(topics.upConfig('gw-1'), Buffer.alloc(0));
  expect(reports).toEqual(['gw-1']);
});
