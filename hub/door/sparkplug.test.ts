import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { DoorEvent, DoorMetric } from '../../protocols/door/door-event.ts';
import {
  encodeSparkplug,
  parseSparkplugTopic,
  type SparkplugPayload,
  type SparkplugTopic,
} from '../../protocols/sparkplug/index.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { Broker } from '../broker/broker.ts';
import type { EventLog, LogRecord } from '../log/event-log.ts';
import { Door } from './door.ts';
import { Sparkplug } from './sparkplug.ts';
import { checkDoorEvent } from './validate.ts';

const T = Date.UTC(2026, 0, 5);

function setup() {
  const clock = new ManualClock();
  const metrics: DoorMetric[] = [];
  const letters: LogRecord[] = [];
  const statuses: GatewayStatus[] = [];
  const commands: string[] = [];
  const eventLog = {
    append: async (records: readonly LogRecord[]) => {
      for (const record of records) {
        if (record.topic === 'uplink') metrics.push(...(JSON.parse(String(record.value)) as DoorMetric[]));
        else letters.push(record);
      }
    },
  } as Partial<EventLog> as EventLog;
  const broker = { publish: async (topic: string) => void commands.push(topic) } as Partial<Broker> as Broker;
  const sparkplug = new Sparkplug({
    door: new Door({ eventLog, clock }),
    broker,
    clock,
    log: silentLog,
    onStatus: (status) => void statuses.push(status),
  });
  const say = (topic: string, payload: SparkplugPayload | Buffer) =>
    sparkplug.handle(
      parseSparkplugTopic(topic) as SparkplugTopic,
      Buffer.isBuffer(payload) ? payload : encodeSparkplug(payload),
    );
  const values = () => metrics.splice(0).map(({ deviceId, name, value }) => [deviceId, name, value]);
  return { say, metrics, values, letters, statuses, commands, clock, sparkplug };
}

const bdSeq = (value: bigint) => ({ name: 'bdSeq', datatype: 8, longValue: value });
const birth = (seq = 0, bd = 1n): SparkplugPayload => ({
  timestamp: T,
  seq,
  metrics: [
    bdSeq(bd),
    { name: 'Node Control/Rebirth', datatype: 11, booleanValue: false },
    { name: 'temp', alias: 1n, datatype: 9, floatValue: 4.5 },
    { name: 'level', alias: 2n, datatype: 1, intValue: 255n },
  ],
});

it('births give names and types to the aliases of what follows', async () => {
  const { say, values, commands, statuses } = setup();
  await say('spBv1.0/G/NBIRTH/N', birth());
  await say('spBv1.0/G/DBIRTH/N/D', {
    timestamp: T,
    seq: 1,
    metrics: [{ name: 'open', alias: 1n, datatype: 11, booleanValue: true }],
  });
  await say('spBv1.0/G/NDATA/N', {
    timestamp: T + 1,
    seq: 2,
    metrics: [
      { alias: 1n, floatValue: 5 },
      { alias: 2n, intValue: 0xfen },
    ],
  });
  await say('spBv1.0/G/DDATA/N/D', { timestamp: T + 2, seq: 3, metrics: [{ alias: 1n, booleanValue: false }] });
  expect(values()).toEqual([
    ['N', 'temp', 4.5],
    ['N', 'level', -1],
    ['D', 'open', true],
    ['N', 'temp', 5],
    ['N', 'level', -2],
    ['D', 'open', false],
  ]);
  expect(commands).toEqual([]);
  expect(statuses.at(-1)).toMatchObject({
    gatewayId: 'sparkplug:G:N',
    online: true,
    devices: [{ id: 'D', state: 'online' }],
  });
});

it('every metric is an event that the door takes, and the same one again has the same id', async () => {
  const { say, metrics } = setup();
  await say('spBv1.0/G/NBIRTH/N', birth());
  await say('spBv1.0/G/NBIRTH/N', birth());
  for (const event of metrics as DoorEvent[]) expect(checkDoorEvent(event).fault).toBeUndefined();
  const ids = metrics.map(({ eventId }) => eventId);
  expect(ids.slice(0, 2)).toEqual(ids.slice(2));
  expect(new Set(ids).size).toBe(2);
});

it('what is not known, and a hole in the sequence, asks for a birth; not more often than every five seconds', async () => {
  const { say, commands, clock } = setup();
  await say('spBv1.0/G/NDATA/N', { seq: 4, metrics: [] });
  await say('spBv1.0/G/NDATA/N', { seq: 5, metrics: [] });
  expect(commands).toEqual(['spBv1.0/G/NCMD/N']);
  await say('spBv1.0/G/NBIRTH/N', birth());
  await clock.advance(6_000);
  await say('spBv1.0/G/NDATA/N', { seq: 1, metrics: [] });
  expect(commands).toHaveLength(1);
  await say('spBv1.0/G/NDATA/N', { seq: 3, metrics: [] });
  expect(commands).toHaveLength(2);
  await clock.advance(6_000);
  await say('spBv1.0/G/NDATA/N', { seq: 4, metrics: [{ alias: 9n, intValue: 1n }] });
  expect(commands).toHaveLength(3);
});

it('256 messages count from 0 to 255 and on with 0', async () => {
  const { say, commands } = setup();
  await say('spBv1.0/G/NBIRTH/N', birth());
  for (let n = 1; n < 600; n++) await say('spBv1.0/G/NDATA/N', { seq: n % 256, metrics: [] });
  expect(commands).toEqual([]);
});

it('a death ends the birth it belongs to, and no later one', async () => {
  const { say, statuses } = setup();
  await say('spBv1.0/G/NBIRTH/N', birth(0, 1n));
  await say('spBv1.0/G/NBIRTH/N', birth(0, 2n));
  await say('spBv1.0/G/NDEATH/N', { metrics: [bdSeq(1n)] });
  expect(statuses.at(-1)?.online).toBe(true);
  await say('spBv1.0/G/DBIRTH/N/D', { seq: 1, metrics: [] });
  await say('spBv1.0/G/DDEATH/N/D', { seq: 2, metrics: [] });
  expect(statuses.at(-1)).toMatchObject({ online: true, devices: [{ id: 'D', state: 'offline' }] });
  await say('spBv1.0/G/NDEATH/N', { metrics: [bdSeq(2n)] });
  expect(statuses.at(-1)?.online).toBe(false);
});

it('takes the life of another’s node: birth, its device, what that measures, and the end', async () => {
  const file = new URL('../../protocols/sparkplug/fixtures/sparkplug-payload.json', import.meta.url);
  const life = JSON.parse(readFileSync(file, 'utf8')) as { input: string; expected: { topic: string } }[];
  const { say, values, letters, statuses, commands } = setup();
  for (const { input, expected } of life) await say(expected.topic, Buffer.from(input, 'hex'));
  const taken = values();
  expect(taken).toContainEqual(['gw-02', 'string', 'Grün']);
  expect(taken).toContainEqual(['gw-02', 'i64', -7_000_000_000]);
  expect(taken.slice(-2)).toEqual([
    ['probe', 'door', true],
    ['probe', 'door', false],
  ]);
  // All but bdSeq, the command and the null.
  expect(taken).toHaveLength(18);
  expect([letters, commands]).toEqual([[], []]);
  expect(statuses.map(({ online, devices = [] }) => [online, devices.map(({ state }) => state)])).toEqual([
    [true, []],
    [true, ['online']],
    [false, ['offline']],
  ]);
});

it('what is no point is left out, what is no message is a dead letter', async () => {
  const { say, values, letters, sparkplug } = setup();
  await say('spBv1.0/G/NBIRTH/N', {
    seq: 0,
    metrics: [
      { name: 'nan', datatype: 9, floatValue: Number.NaN },
      { name: 'bytes', datatype: 17, bytesValue: Buffer.from('x') },
      { name: 'null', datatype: 9, isNull: true },
      { name: 'big', datatype: 8, longValue: 2n ** 60n },
    ],
  });
  expect(values()).toEqual([['N', 'big', 2 ** 60]]);
  expect(sparkplug.counters.skipped).toBe(2);
  await say('spBv1.0/G/NDATA/N', Buffer.from([0x12, 0x7f]));
  expect(letters).toMatchObject([{ key: 'sparkplug:G:N', headers: { code: 'protobuf-truncated', door: 'sparkplug' } }]);
});
