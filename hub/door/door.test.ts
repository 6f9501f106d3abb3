/** Events of the open door and dead letters from the sender to what the processor commits, with a log that forgets what was aborted. */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { eventIdOf } from '../../protocols/uplink/identity.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Broker } from '../broker/broker.ts';
import { again } from '../dead-letters/again.ts';
import { letterHeaders } from '../dead-letters/letter.ts';
import { Ingest } from '../ingest/ingest.ts';
import { type EventLog, EventLogError, type LogRecord, TOPICS, type TransformOptions } from '../log/event-log.ts';
import { Processor } from '../process/processor.ts';
import type { Point } from '../timeseries/time-series.ts';
import { Credentials } from './credentials.ts';
import { Door } from './door.ts';
import { checkDoorEvent } from './validate.ts';

type Fate = 'commit' | 'abort';

async function setup(options: { rejects?: (point: Point) => boolean } = {}) {
  const clock = new ManualClock();
  const appended: LogRecord[] = [];
  const away = { log: false };
  const eventLog = {
    append: async (records: readonly LogRecord[]) => {
      if (away.log) throw new Error('away');
      appended.push(...records);
    },
  } as Partial<EventLog> as EventLog;
  const broker = { publish: async () => {} } as Partial<Broker> as Broker;
  const ingest = new Ingest({ eventLog, broker, clock, log: silentLog, onStatus: () => {} });
  const outputs: LogRecord[] = [];
  const points: Point[] = [];
  const processors = await Promise.all(
    ([['alert', 'tracking'], ['telemetry']] as const).map(async (lanes) => {
      const state = new Map<string, Buffer>();
      let transform: TransformOptions | undefined;
      const processor = new Processor({
        group: lanes.join(),
        lanes,
        eventLog: {
          transform: async (given) => {
            transform = given;
            given.onAssigned(0, new Map());
            return { stop: async () => {}, lag: () => 0, fault: () => undefined };
          },
        },
        timeSeries: {
          write: async (given) => {
            points.push(...given);
            return given.flatMap((point, index) => (options.rejects?.(point) ? [{ index, reason: 'refused' }] : []));
          },
        },
        clock,
        log: silentLog,
      });
      await processor.start();
      const feed = async (records: readonly LogRecord[], fate: Fate) => {
        const stored = records.map((record, offset) => ({ ...record, partition: 0, offset, timestampMs: 0 }));
        const result = await transform?.onRecords(stored);
        if (fate === 'commit' && result) {
          for (const { topic, key, value, ...rest } of result.outputs) {
            if (topic !== TOPICS.gatewaySequences) outputs.push({ topic, key, value, ...rest });
            else if (value) state.set(key, value);
            else state.delete(key);
          }
          result.committed?.();
        } else transform?.onAssigned(0, new Map(state));
      };
      return { processor, feed };
    }),
  );
  /** What stands in `uplink` since the last time, to both processors. */
  const process = async (fate: Fate = 'commit', records = appended.filter(({ topic }) => topic === TOPICS.uplink)) => {
    for (const { feed } of processors) await feed(records, fate);
  };
  const of = (topic: string) => outputs.filter((record) => record.topic === topic);
  const events = () => of(TOPICS.packageEvents).map(({ value }) => JSON.parse(String(value)));
  const letters = () => of(TOPICS.deadLetters);
  const counters = () => processors.map(({ processor }) => processor.counters);
  return { ingest, appended, away, process, events, letters, points, counters };
}

const scan = (eventId: string, more: object = {}) => ({
  eventId,
  scanned: '1Z999AA10123456784',
  scanType: 'LOAD',
  ...more,
});
const temperature = {
  kind: 'temperature',
  eventId: 't-1',
  temperatureCelsius: 4.5,
  occurredAt: '2026-01-05T08:00:00Z',
};
const say = (ingest: Ingest, message: unknown) =>
  ingest.handle(topics.door('app'), Buffer.from(JSON.stringify(message)));

describe('the JSON topic', () => {
  it('bytes that are no UTF-8 are a dead letter as they are: to guess would change what was scanned', async () => {
    const { ingest, appended } = await setup();
    const bytes = Buffer.from(JSON.stringify(scan('a', { scanned: 'Größe' })), 'latin1');
    await ingest.handle(topics.door('app'), bytes);
    expect(appended).toMatchObject([{ topic: 'dead-letters', value: bytes, headers: { code: 'door-json' } }]);
  });

  it('is not acknowledged while the log is away', async () => {
    const { ingest, appended, away } = await setup();
    away.log = true;
    await expect(say(ingest, scan('a'))).rejects.toThrow('away');
    expect(appended).toEqual([]);
    expect(ingest.door.counters).toMatchObject({ events: 0, failed: 1 });
    away.log = false;
    await say(ingest, scan('a'));
    expect(appended).toMatchObject([{ topic: 'uplink', key: 'app', headers: { door: 'json', lane: 'tracking' } }]);
  });

  it('what is nested without end is a dead letter, and acknowledged', async () => {
    const { ingest, appended } = await setup();
    const bytes = Buffer.from(`{"eventId":"a","scanned":${'['.repeat(200_000)}${']'.repeat(200_000)}}`);
    await ingest.handle(topics.door('app'), bytes);
    expect(appended).toMatchObject([
      { topic: 'dead-letters', headers: { code: 'door-json', reason: 'nested deeper than 64 levels' } },
    ]);
  });

  it('gives each lane a record of its own, and what is no event to dead-letters', async () => {
    const { ingest, appended, process, events, points, counters } = await setup();
    await say(ingest, [scan('a'), temperature, { eventId: 'b' }, 7]);
    expect(appended.map(({ topic, headers }) => [topic, headers?.lane, headers?.code])).toEqual([
      ['uplink', 'tracking', undefined],
      ['uplink', 'telemetry', undefined],
      ['dead-letters', undefined, 'door-invalid'],
      ['dead-letters', undefined, 'door-invalid'],
    ]);
    await process();
    expect(events()).toMatchObject([
      { packageId: 'ups:1Z999AA10123456784', source: { gatewayId: 'app', clientEventId: 'a' } },
    ]);
    expect(points).toMatchObject([
      { measurement: 'temperature', fields: { temperatureCelsius: 4.5 }, tags: { gateway: 'app' } },
    ]);
    expect(counters().map(({ deadLetters }) => deadLetters)).toEqual([0, 0]);
  });

  it('counts each id once: in one message, in another, after an abort and after a restart', async () => {
    const { ingest, process, events, letters, counters } = await setup();
    await say(ingest, [scan('a'), scan('a'), scan('b')]);
    await process('abort');
    await process();
    await process();
    await process('abort');
    await process();
    expect(events().map(({ source }) => source.clientEventId)).toEqual(['a', 'b']);
    expect(letters()).toEqual([]);
    expect(counters()[0]).toMatchObject({ packageEvents: 2, duplicates: 1 + 3 + 3, conflicts: 0 });
  });

  it('of one id with two contents the first counts, and the second is told', async () => {
    const { ingest, process, events, letters, counters } = await setup();
    await say(ingest, [scan('a'), scan('a', { scanType: 'UNLOAD' })]);
    await process();
    expect(events().map(({ scanType }) => scanType)).toEqual(['LOAD']);
    expect(letters()).toMatchObject([{ headers: { code: 'door-conflict', door: 'json', lane: 'tracking' } }]);
    expect(counters()[0]?.conflicts).toBe(1);
  });

  it('what comes of one client at a time stands in one record, in order', async () => {
    const { ingest, appended, process, events } = await setup();
    const sayAs = (client: string, eventId: string) =>
      ingest.handle(topics.door(client), Buffer.from(JSON.stringify(scan(eventId))));
    await Promise.all([
      sayAs('app', 'a'),
      sayAs('other', 'a'),
      sayAs('app', 'b'),
      say(ingest, temperature),
      sayAs('app', 'a'),
    ]);
    expect(appended.map(({ key, headers }) => [key, headers?.lane])).toEqual([
      ['app', 'tracking'],
      ['app', 'telemetry'],
      ['other', 'tracking'],
    ]);
    await process();
    expect(events().map(({ source }) => [source.gatewayId, source.clientEventId])).toEqual([
      ['app', 'a'],
      ['app', 'b'],
      ['other', 'a'],
    ]);
  });

  it('what the log refuses for good fails no other that came with it', async () => {
    const appended: LogRecord[] = [];
    const eventLog = {
      append: async (records: readonly LogRecord[]) => {
        if (records.some(({ value }) => value?.includes('"bad"')))
          throw new EventLogError({ code: 'log-rejected', message: 'too large' });
        appended.push(...records);
      },
    } as Partial<EventLog> as EventLog;
    const door = new Door({ eventLog, clock: new ManualClock() });
    const results = await Promise.allSettled(
      ['a', 'bad', 'b'].map((id) => door.message('app', Buffer.from(JSON.stringify(scan(id))))),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(appended.flatMap(({ value }) => JSON.parse(String(value))).map(({ eventId }) => eventId)).toEqual([
      'a',
      'b',
    ]);
  });

  it('a large message is cut into records that the log takes', async () => {
    const { ingest, appended, process, events } = await setup();
    await say(
      ingest,
      Array.from({ length: 900 }, (_, n) => scan(`id-${n}`, { scanned: `${n}`.padEnd(1000, 'x') })),
    );
    expect(appended.length).toBeGreaterThan(3);
    for (const { value } of appended) expect(value?.length).toBeLessThan(600_000);
    await process();
    expect(events()).toHaveLength(900);
  });
});

describe('a dead letter that is tried again', () => {
  const identity = { gatewayId: 'gw', epoch: '00000000000000aa', lane: 'tracking', sequence: 7 } as const;
  const value = encodePayload({
    kind: 'tracking',
    deviceId: 's1',
    packageId: 'sscc:1',
    otherIds: [],
    eventType: 'PACKAGE_SCANNED',
    scanType: 'LOAD',
    businessStep: 'loading',
    place: {},
    scanned: 'x',
  });
  const time = { bootId: 1, monotonicUs: 5, wallMs: Date.UTC(2026, 0, 5), state: 'ntp', uncertaintyMs: 4 } as const;
  const source = { identity, time, corrected: false, receivedMs: Date.UTC(2026, 0, 6) };
  const headers = letterHeaders({ code: 'payload-kind', reason: 'newer', source });
  const letter = { letterId: '3-9', gatewayId: 'gw', headers, value, attempt: 1 };

  it('has the effect it would have had, under its own identity, once', async () => {
    const { process, events, counters } = await setup();
    const { records = [] } = again(letter) as { records?: LogRecord[] };
    await process('abort', records);
    await process('commit', records);
    // A crash between log and database makes an attempt twice.
    await process('commit', records);
    expect(events()).toMatchObject([
      {
        eventId: eventIdOf(identity),
        packageId: 'sscc:1',
        occurredAt: '2026-01-05T00:00:00.000Z',
        recordedAt: '2026-01-06T00:00:00.000Z',
        clock: { state: 'ntp', uncertaintyMs: 4 },
      },
    ]);
    expect(counters()[0]).toMatchObject({ packageEvents: 1, duplicates: 1 });
  });

  it('an event of the door passes although its id was seen, and a refused point comes back under the first letter', async () => {
    const { ingest, process, letters, points } = await setup({ rejects: () => points.length < 2 });
    await say(ingest, temperature);
    await process();
    const [first] = letters();
    expect(first?.headers).toMatchObject({ code: 'point-rejected', door: 'json' });
    const retry = (attempt: number) => {
      const found = again({
        letterId: '0-1',
        gatewayId: 'app',
        headers: first?.headers ?? {},
        value: first?.value ?? Buffer.alloc(0),
        attempt,
      });
      return (found as { records: LogRecord[] }).records;
    };
    const before = letters().length;
    await process('commit', retry(1));
    expect(letters().slice(before)).toEqual([]);
    expect(points).toHaveLength(2);
    expect(points[1]).toEqual(points[0]);
  });

  it.each([
    ['nothing says which lane', { ...letter, headers: { code: 'x', reason: '' } }],
    ['payload', { ...letter, value: Buffer.from('nonsense') }],
    ['no bytes of its own', { ...letter, value: Buffer.alloc(0) }],
    ['not JSON', { ...letter, headers: { door: 'json' }, value: Buffer.from('{') }],
    [
      'scanType',
      {
        ...letter,
        headers: { door: 'json' },
        value: Buffer.from('{"eventId":"a","packageId":"sscc:1","scanType":"X"}'),
      },
    ],
    ['batch', { ...letter, headers: { lane: 'alert' }, value: Buffer.alloc(3) }],
    [
      'another event’s id',
      {
        ...letter,
        headers: { door: 'json', code: 'door-conflict' },
        value: Buffer.from('{"eventId":"a","packageId":"sscc:1","scanType":"LOAD"}'),
      },
    ],
  ])('is refused where it would fail the same way: %s', (_why, each) => {
    expect(again(each)).toEqual({ fault: expect.any(String) });
  });
});

describe('what the schema says', () => {
  it.each([
    [scan('a')],
    [{ eventId: 'a', packageId: 'sscc:1', businessStep: 'receiving' }],
    [{ kind: 'contact', eventId: 'a', open: true }],
    [{ kind: 'metric', eventId: 'a', name: 'battery', value: 'low' }],
    [{ kind: 'vehicle', eventId: 'a', engineRpm: 800 }],
  ])('%o is an event', (event) => {
    expect(checkDoorEvent(event).fault).toBeUndefined();
  });

  it.each([
    ['eventId', { scanned: 'x', scanType: 'LOAD' }],
    ['eventId', scan('x'.repeat(129))],
    ['scanType', { eventId: 'a', scanned: 'x' }],
    ['business steps', { eventId: 'a', scanned: 'x', businessStep: 'dancing' }],
    ['packageId', { eventId: 'a', scanType: 'LOAD' }],
    ['colour', scan('a', { colour: 'red' })],
    ['/occurredAt', scan('a', { occurredAt: '2026-01-05 08:00' })],
    ['longitude', scan('a', { location: { latitude: 3 } })],
    ['/kind', { kind: 'smell', eventId: 'a' }],
    ['temperatureCelsius', { kind: 'temperature', eventId: 'a' }],
    ['object', null],
  ])('names %s', (what, event) => {
    expect(checkDoorEvent(event).fault?.reason).toContain(what);
  });
});

it('credentials prove a client, and nothing else does', () => {
  const credentials = new Credentials({ partner: 'token-of-the-partner' }, { app: 'pass:word' });
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  expect(credentials.clientOf('Bearer token-of-the-partner')).toBe('partner');
  expect(credentials.clientOf(basic('app:pass:word'))).toBe('app');
  for (const bad of [
    undefined,
    '',
    'Bearer',
    'Bearer x',
    basic('app:'),
    basic('partner:token-of-the-partner'),
    basic('app'),
    'Digest x',
  ])
    expect(credentials.clientOf(bad)).toBeUndefined();
  expect(new Credentials({}, {}).isEmpty).toBe(true);
});
