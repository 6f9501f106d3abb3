/** What those who send events and those who replay them are told when they send something else. */
import { type AddressInfo, connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import type { DoorEvent } from '../../protocols/door/door-event.ts';
import { Admission } from '../broker/admission.ts';
import { DeadLetterDesk } from '../dead-letters/desk.ts';
import { Credentials } from '../door/credentials.ts';
import type { Door } from '../door/door.ts';
import type { EventLog } from '../log/event-log.ts';
import type { ReplayJobs } from '../replay/jobs.ts';
import type { ReplayRange } from '../replay/replay.ts';
import type { Store } from '../store/store.ts';
import { installErrorAnswers } from './errors.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { eventRoutes } from './routes/events.ts';
import { replayRoutes } from './routes/replays.ts';

const MAX_BODY = 2000;
const hands = new Admission(3000);
/** The event log has what it was given. */
let logged = Promise.resolve();
const taken: DoorEvent[] = [];
const ranges: ReplayRange[] = [];
let app: FastifyInstance;

beforeAll(async () => {
  app = Fastify({ bodyLimit: 200, ajv: { customOptions: { removeAdditional: false, coerceTypes: true } } });
  installErrorAnswers(app, silentLog);
  const door = {
    take: async (_client: string, events: readonly DoorEvent[]) => {
      await logged;
      taken.push(...events);
    },
  } as Partial<Door> as Door;
  eventRoutes(app, { door, credentials: new Credentials({ partner: 'token' }, {}), maxBody: MAX_BODY, hands });
  const replays = {
    start: async (range: ReplayRange): Promise<never> => {
      ranges.push(range);
      throw new Error('it was not to begin');
    },
  } as Partial<ReplayJobs> as ReplayJobs;
  replayRoutes(app, { replays });
  // A question to the database would fail: these never get so far.
  const deadLetters = new DeadLetterDesk({ store: {} as Store, eventLog: {} as EventLog });
  deadLetterRoutes(app, { deadLetters });
  await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => app.close());

const scan = (eventId: string, more: object = {}) =>
  JSON.stringify({ eventId, scanned: '1Z', scanType: 'LOAD', ...more });

async function post(url: string, payload: string | Buffer, headers: Record<string, string> = {}) {
  const defaults = { authorization: 'Bearer token', 'content-type': 'application/json' };
  const { statusCode, json } = await app.inject({ method: 'POST', url, payload, headers: { ...defaults, ...headers } });
  const body = json() as { error?: { message: string }; results?: { line: number; message?: string }[] };
  return { status: statusCode, message: body.error?.message ?? '', results: body.results ?? [] };
}

describe('POST /v1/events', () => {
  it.each([
    [
      'a compressed body',
      gzipSync(scan('z')),
      { 'content-encoding': 'gzip' },
      415,
      'content-encoding "gzip" is not taken',
    ],
    [
      'another type',
      scan('t'),
      { 'content-type': 'text/csv' },
      415,
      '"text/csv" is not taken here: application/json or application/x-ndjson',
    ],
    ['no type', scan('n'), { 'content-type': '' }, 415, 'application/json was expected'],
    ['bytes that are no text', Buffer.from([0x22, 0xe9, 0x22]), {}, 400, 'not UTF-8'],
    ['too much', ' '.repeat(MAX_BODY + 1), {}, 413, 'POST /v1/events takes bodies of at most 2000 bytes'],
    ['half of JSON', '{"eventId":', {}, 400, 'not JSON'],
    ['nothing', '', {}, 400, 'not JSON'],
  ])('%s', async (_, payload, headers, status, message) => {
    taken.length = 0;
    const answer = await post('/v1/events', payload, headers);
    expect(answer.status).toBe(status);
    expect(answer.message).toContain(message);
    expect(taken).toEqual([]);
  });

  it.each([
    [
      'a day that there is not',
      { occurredAt: '2026-02-30T08:00:00Z' },
      '/occurredAt is no time with seconds and an offset',
    ],
    [
      'a time without offset',
      { occurredAt: '2026-02-03T08:00:00' },
      '/occurredAt is no time with seconds and an offset',
    ],
    ['an id that cannot be written', { eventId: 'a\u0000b' }, '/eventId must hold no control characters'],
    ['half a character', { eventId: 'a\ud800' }, '/eventId must hold no control characters'],
    ['a property too many', { colour: 'red' }, 'unknown property "colour"'],
    ['neither kind nor way', { scanType: undefined }, 'and scanType or one of the business steps'],
    [
      'a vehicle without anything',
      { kind: 'vehicle', scanned: undefined, scanType: undefined },
      'one of speedMetersPerSecond, engineRpm',
    ],
  ])('line by line: %s', async (_, more, message) => {
    taken.length = 0;
    const lines = `\ufeff${scan('first')}\r\n\r\n${scan('second', more)}\r\n${scan('third')}\r\n`;
    const { status, results } = await post('/v1/events', lines, {
      'content-type': 'application/x-ndjson; charset=utf-8',
    });
    expect(status).toBe(422);
    expect(results.map(({ line }) => line)).toEqual([1, 3, 4]);
    expect(results[1]?.message).toContain(message);
    expect(taken.map(({ eventId }) => eventId)).toEqual(['first', 'third']);
  });
});

describe('bodies in hands', () => {
  const large = (eventId: string) => scan(eventId, { scanned: 'x'.repeat(1800) });
  const address = () => app.server.address() as AddressInfo;

  it('are bounded while the log is away: others wait outside, and go on when it is back', async () => {
    taken.length = 0;
    let back = () => {};
    logged = new Promise((resolve) => {
      back = resolve;
    });
    const answers = ['one', 'two', 'three'].map((eventId) => post('/v1/events', large(eventId)));
    await vi.waitFor(() => expect(hands.waiting).toBe(2));
    expect(hands.bytes).toBeLessThan(3000);
    expect((await post('/v1/events', large('four'), { authorization: '' })).status).toBe(401);
    back();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(taken).toHaveLength(3);
    expect(hands.bytes).toBe(0);
  });

  it.each([
    ['a client that breaks off in the middle', 1],
    ['those that break off while they wait', 3],
  ])('%s leaves no trace', async (_, count) => {
    const head = `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer token\r\ncontent-type: application/json\r\n`;
    const sockets = Array.from({ length: count }, () => connect(address().port, '127.0.0.1'));
    for (const socket of sockets) socket.write(`${head}content-length: 1900\r\n\r\n{"eventId":`);
    await vi.waitFor(() => expect([hands.bytes, hands.waiting]).toEqual([1900, count - 1]));
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(() => expect([hands.bytes, hands.waiting]).toEqual([0, 0]));
    expect((await post('/v1/events', large('after'))).status).toBe(202);
  });
});

describe('POST /v1/replays', () => {
  it.each([
    [{ from: 'yesterday 5' }, 'from is "yesterday 5": a time such as 2026-11-23T06:00:00Z, or an offset, was expected'],
    [{ from: '-5' }, 'from is "-5"'],
    [{ from: '2026-11-23T06:00:00' }, 'a time such as'],
    [{ from: '1969-11-23T06:00:00Z' }, 'a time such as'],
    [{ from: 7, to: 7 }, 'to (7) is not after from (7)'],
    [{ from: '2026-11-23T06:00:00Z', to: '2026-11-23T06:00:00+01:00' }, 'is not after from'],
    [{ from: 0, into: ['influx'] }, 'timeseries, state, events'],
    [{ into: ['state'] }, "required property 'from'"],
  ])('%j', async (asked, message) => {
    const answer = await post('/v1/replays', JSON.stringify(asked));
    expect(answer.status).toBe(400);
    expect(answer.message).toContain(message);
    expect(ranges).toEqual([]);
  });

  it('a form is no JSON, and is told so', async () => {
    const answer = await post('/v1/replays', 'from=0', { 'content-type': 'application/x-www-form-urlencoded' });
    expect([answer.status, answer.message]).toEqual([415, expect.stringContaining('application/json was expected')]);
  });
});

it('a dead letter’s id that is none says what they look like; a time that is none what one is', async () => {
  const unknown = await app.inject({ url: '/v1/dead-letters/letter%00' });
  expect([unknown.statusCode, unknown.json()]).toMatchObject([
    404,
    { error: { code: 'letter-unknown', message: expect.stringContaining('ids look like 3-17') } },
  ]);
  const when = await app.inject({ url: '/v1/dead-letters?from=monday' });
  expect([when.statusCode, when.json()]).toMatchObject([
    400,
    { error: { message: expect.stringContaining('2026-11-23T06:00:00Z was expected') } },
  ]);
});
