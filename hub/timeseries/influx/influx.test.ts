import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../protocols/base/log.ts';
import { parseAnnotatedCsv } from './annotated-csv.ts';
import { createInfluxTimeSeries, type InfluxOptions } from './influx.ts';

interface Seen {
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

let server: Server;
let seen: Seen[];
let answer: (request: Seen, response: ServerResponse) => void;

beforeEach(async () => {
  seen = [];
  answer = (_, response) => response.writeHead(204).end();
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = Buffer.concat(chunks);
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
      const one = { url: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const open = (rest: Partial<InfluxOptions> = {}) =>
  createInfluxTimeSeries({
    url: url(),
    org: 'acme',
    bucket: 'b/rp',
    query: 'flux',
    token: 'secret-7',
    log: silentLog,
    ...rest,
  });
const points = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    measurement: 'temperature',
    tags: { device: `d${index}` },
    fields: { temperatureCelsius: index },
    atMs: 1_700_000_000_000,
    subMsNs: index,
  }));
const DAY_MS = 86_400_000;
const json = (response: ServerResponse, status: number, body: object) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe('writing to an Influx v2 endpoint', () => {
  it('sends a batch as one request, compressed, with nanoseconds', async () => {
    const series = await open();
    expect(await series.write(points(100))).toEqual([]);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.url).toBe('/api/v2/write?org=acme&bucket=b%2Frp&precision=ns');
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Token secret-7', 'content-encoding': 'gzip' });
    expect(seen[0]?.body.split('\n')[99]).toBe('temperature,device=d99 temperatureCelsius=99 1700000000000000099');
  });

  it('sends it as it is where compressing is switched off', async () => {
    const series = await open({ gzip: false });
    expect(await series.write(points(100))).toEqual([]);
    expect(seen.map(({ headers }) => headers['content-encoding'])).toEqual([undefined]);
    expect(seen[0]?.body.split('\n')).toHaveLength(100);
  });

  it('sends what is more than a request may hold as several, each point under its own index', async () => {
    answer = ({ body }, response) =>
      body.includes('device=d10007 ') && body.includes('\n')
        ? json(response, 413, { message: 'too large' })
        : response.writeHead(body.includes('device=d10007 ') ? 400 : 204).end();
    const series = await open();
    const many = points(10_050);
    many[3] = { ...(many[3] as (typeof many)[0]), fields: { temperatureCelsius: Number.NaN } };
    expect((await series.write(many)).map(({ index }) => index)).toEqual([3, 10_007]);
    expect(seen[0]?.body.split('\n')).toHaveLength(10_000);
    seen = [];
    const long = points(5).map((point) => ({ ...point, fields: { text: 'x'.repeat(1_500_000) } }));
    expect(await series.write(long)).toEqual([]);
    expect(seen.map(({ body }) => body.split('\n').length)).toEqual([3, 2]);
  });

  it('keeps writes apart that are under way at once, compressed or not', async () => {
    for (const gzip of [true, false]) {
      const series = await open({ gzip });
      seen = [];
      await Promise.all([10, 20, 30].map((count) => series.write(points(count))));
      await series.write(points(40));
      const sent = seen.map(({ body }) => body.split('\n')).sort((a, b) => a.length - b.length);
      expect(sent.map((lines) => lines.length)).toEqual([10, 20, 30, 40]);
      expect(sent.every((lines) => lines.every((line, index) => line.includes(`device=d${index} `)))).toBe(true);
    }
  });

  it('sends nothing for nothing', async () => {
    const series = await open();
    expect(await series.write([])).toEqual([]);
    expect(seen).toEqual([]);
  });

  it.each([400, 413, 422])(
    'halves a batch that is refused with %i until the point at fault stands alone',
    async (status) => {
      answer = ({ body }, response) =>
        /device=d(7|9) /.test(body)
          ? json(response, status, { code: 'invalid', message: 'field type conflict' })
          : response.writeHead(204).end();
      const series = await open();
      const reason = `${status} field type conflict`;
      expect(await series.write(points(16))).toEqual([
        { index: 7, reason },
        { index: 9, reason },
      ]);
      const accepted = new Set(seen.flatMap(({ body }) => (/device=d(7|9) /.test(body) ? [] : body.split('\n'))));
      expect(accepted.size).toBe(14);
    },
  );

  it.each([
    [401, 'timeseries-denied'],
    [403, 'timeseries-denied'],
    [404, 'timeseries-denied'],
    [429, 'timeseries-unavailable'],
    [500, 'timeseries-unavailable'],
    [503, 'timeseries-unavailable'],
  ])('rejects on %i with %s, after one request', async (status, code) => {
    answer = (_, response) => json(response, status, { message: 'go away' });
    const series = await open();
    const error = await series.write(points(3)).catch((fault: unknown) => fault);
    expect(error).toMatchObject({ code, message: expect.stringContaining(`${status} go away`) });
    expect(String(error)).not.toContain('secret-7');
    expect(seen).toHaveLength(1);
  });

  it('does not take the page of a proxy for an acknowledgement', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
    const series = await open();
    await expect(series.write(points(1))).rejects.toMatchObject({ code: 'timeseries-unavailable' });
  });

  it('gives up on a server that does not answer, and one that is not there', async () => {
    answer = () => {};
    const series = await open({ timeoutMs: 100 });
    await expect(series.write(points(1))).rejects.toMatchObject({ code: 'timeseries-unavailable' });
    const nobody = await open({ url: 'http://127.0.0.1:9' });
    await expect(nobody.write(points(1))).rejects.toMatchObject({ code: 'timeseries-unavailable' });
    expect(await nobody.healthy()).toMatchObject({ ok: false, detail: expect.stringContaining('ECONNREFUSED') });
  });

  it('ends what is under way when it is closed', async () => {
    answer = () => void series.close();
    const series = await open();
    await expect(series.write(points(1))).rejects.toMatchObject({ code: 'timeseries-unavailable' });
  });
});

describe('setting up over Flux', () => {
  it('creates the bucket in the organisation when it is missing', async () => {
    answer = ({ url: path }, response) => {
      if (path.startsWith('/api/v2/orgs')) json(response, 200, { orgs: [{ id: '0a' }] });
      else json(response, path.includes('name=') ? 404 : 201, { message: 'no such bucket' });
    };
    await (await open()).setup();
    expect(seen.at(-1)).toMatchObject({
      url: '/api/v2/buckets',
      body: '{"name":"b/rp","orgID":"0a","retentionRules":[]}',
    });
  });

  it.each([
    {
      what: 'an organisation that does not exist',
      orgs: [404, { code: 'not found', message: 'no nobody' }],
      told: 'no nobody',
    },
    { what: 'a token made for other buckets', orgs: [200, { orgs: [] }], told: 'needs read and write for the bucket' },
  ] as const)('refuses $what', async ({ orgs: [status, body], told }) => {
    answer = ({ url: path }, response) => {
      if (path.startsWith('/api/v2/orgs')) json(response, status, body);
      else json(response, 404, { code: 'not found', message: 'no such bucket' });
    };
    const expected = { code: 'timeseries-denied', message: expect.stringContaining(told) };
    await expect((await open()).setup()).rejects.toMatchObject(expected);
  });

  it('creates none where there are no organisations (InfluxDB 1.8)', async () => {
    answer = (_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    await (await open()).setup();
    expect(seen.map(({ url: path }) => path.split('?')[0])).toEqual(['/api/v2/buckets', '/api/v2/orgs']);
  });

  it('leaves a bucket alone that is there', async () => {
    answer = (_, response) => json(response, 200, { buckets: [{ id: '1' }] });
    await (await open()).setup();
    expect(seen).toHaveLength(1);
  });
});

describe('annotated CSV', () => {
  it('reads tables with headers of their own, quotes and empty cells', () => {
    const csv = ',result,table,device\r\n,,0,"a ""b"", c"\r\n,,0,\r\n\r\n,result,table,vehicle\r\n,,1,VAN-7\r\n';
    expect(parseAnnotatedCsv(csv)).toEqual([
      { '': '', result: '', table: '0', device: 'a "b", c' },
      { '': '', result: '', table: '0', device: '' },
      { '': '', result: '', table: '1', vehicle: 'VAN-7' },
    ]);
    expect(parseAnnotatedCsv('')).toEqual([]);
    expect(parseAnnotatedCsv('\r\n')).toEqual([]);
  });
});

/** As InfluxDB 2.7 does it: influx.server.test.ts has the real one, where it could be built. */
describe('retention in InfluxDB 2', () => {
  it('makes buckets and tasks, changes what differs, and then has nothing to do', async () => {
    const buckets: { id: string; name: string; retentionRules: { everySeconds: number }[] }[] = [];
    const tasks: { id: string; name: string; flux: string; status: string }[] = [];
    answer = ({ url: path, body }, response) => {
      const { pathname, searchParams } = new URL(path, url());
      const sent = body === '' ? undefined : JSON.parse(body);
      const id = pathname.split('/')[4];
      const list = pathname.startsWith('/api/v2/buckets') ? buckets : tasks;
      const known = list.find((each) => each.id === id);
      if (pathname === '/api/v2/orgs') return json(response, 200, { orgs: [{ id: 'o1' }] });
      if (known && sent) return json(response, 200, Object.assign(known, sent));
      if (sent) {
        const name = sent.name ?? /name: "([^"]+)"/.exec(sent.flux)?.[1];
        list.push({ id: `id${list.length}`, status: 'active', ...sent, name });
        return json(response, 201, {});
      }
      const found = list.filter(({ name }) => name === searchParams.get('name'));
      json(response, 200, list === buckets ? { buckets: found } : { tasks: found });
    };
    const series = await open({ bucket: 'telemetry' });
    const plan = { rawMs: 30 * DAY_MS, hourlyMs: 730 * DAY_MS };
    const outcomes = async (rawMs = plan.rawMs) =>
      (await series.arrange({ ...plan, rawMs })).map(({ did }) => did).join(' ');
    expect(await outcomes()).toBe('changed created created created');
    expect(await outcomes()).toBe('nothing nothing nothing nothing');
    expect(await outcomes(7 * DAY_MS)).toBe('changed nothing nothing nothing');
    expect(buckets.map(({ name, retentionRules }) => [name, retentionRules[0]?.everySeconds])).toEqual([
      ['telemetry', 7 * 86_400],
      ['telemetry-hourly', 730 * 86_400],
    ]);
    expect(tasks.map(({ name }) => name)).toEqual(['milepost-hourly telemetry', 'milepost-hourly-late telemetry']);
    expect(tasks[0]?.flux).toContain(
      'range(start: date.truncate(t: -3h, unit: 1h), stop: date.truncate(t: now(), unit: 1h))',
    );
    await series.close();
  });
});
