/** The servers that the tests stand on: each is started, used by a foreign client, killed, restarted with its data, stopped. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { startChromium } from './chromium.ts';
import { httpText } from './exchange.ts';
import { INFLUX_BUCKET, influxQuery, startInflux } from './influx.ts';
import { INFLUX2, influx2Api, influx2Query, startInflux2 } from './influx2.ts';
import { startKafka } from './kafka.ts';
import { program } from './machine.ts';
import { startMosquitto } from './mosquitto.ts';
import { describeWith } from './needs.ts';
import { HOST, isFree } from './ports.ts';
import { freshDatabase, startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import type { Server } from './server-process.ts';
import { startVictoriaMetrics, victoriaExport } from './victoria-metrics.ts';

const execute = promisify(execFile);

/** Runs a foreign client to its end and returns what it printed. */
async function client(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(program(name), args, { timeout: 30_000 });
  return stdout.trim();
}

interface Life {
  start(): Promise<Server>;
  /** Through a client that is not ours, and so `read`. */
  write(server: Server): Promise<void>;
  read(server: Server): Promise<string>;
  /** It says yes before its data is on disk: what was written last is gone after a kill. */
  forgetsWhenKilled?: boolean;
}

function lives({ start, write, read, forgetsWhenKilled }: Life) {
  let server: Server;
  let written: string;

  beforeAll(async () => {
    server = await start();
    return () => server.stop();
  });

  it('serves a foreign client', async () => {
    await write(server);
    written = await read(server);
    expect(written).toMatch(/1Z9|4.5/);
  });

  it(`comes back after kill -9 on the same port${forgetsWhenKilled ? '' : ' with the same data'}`, async () => {
    const { pid, port } = server;
    await server.kill9();
    expect(server.pid).toBe(0);
    expect(await isFree(port)).toBe(true);
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    if (forgetsWhenKilled) await write(server);
    expect(await read(server)).toBe(written);
  });

  it('keeps its data over an orderly restart, then stops and leaves nothing behind', async () => {
    await server.restart();
    expect(await read(server)).toBe(written);
    const { folder, port } = server;
    await server.stop();
    expect(existsSync(folder)).toBe(false);
    expect(await isFree(port)).toBe(true);
    await expect(server.restart()).rejects.toThrow('its data removed');
  });
}

describeWith(['kafka', 'kcat'], 'Kafka', () => {
  lives({
    start: startKafka,
    async write({ url }) {
      const produce = `printf '%s\\n' 1Z9:loaded 1Z9:delivered | "$0" -b ${url} -P -t parcels -K : -X acks=all`;
      await execute('sh', ['-c', produce, program('kcat')], { timeout: 30_000 });
    },
    read: ({ url }) => client('kcat', '-b', url, '-C', '-qe', '-t', 'parcels', '-o', 'beginning', '-f', '%o %k %s\\n'),
  });
});

describeWith(['postgres', 'psql'], 'PostgreSQL', () => {
  lives({
    start: startPostgres,
    async write({ url }) {
      await client('psql', url, '-qc', 'create table parcels (id text); insert into parcels values ($$1Z9$$)');
      const tables = 'select count(*) from pg_tables where tablename = $$parcels$$';
      expect(await client('psql', await freshDatabase(url), '-Atc', tables)).toBe('0');
    },
    read: ({ url }) => client('psql', url, '-Atc', 'select id from parcels'),
  });
});

describeWith(['mosquitto', 'mosquitto_pub', 'mosquitto_sub'], 'Mosquitto', () => {
  lives({
    // Otherwise it writes its database only every half hour, and a kill would take the retained message with it.
    start: () => startMosquitto({ config: ['autosave_on_changes true', 'autosave_interval 1'] }),
    async write({ host, port }) {
      await client('mosquitto_pub', '-h', host, '-p', String(port), '-t', 'dock/4', '-m', '1Z9', '-q', '1', '-r');
    },
    read: ({ host, port }) =>
      client('mosquitto_sub', '-h', host, '-p', String(port), '-t', 'dock/#', '-C', '1', '-W', '10', '-v'),
  });
});

describeWith(['redis', 'redis-cli'], 'Redis', () => {
  lives({
    start: startRedis,
    async write({ url }) {
      expect(await client('redis-cli', '-u', url, 'set', 'parcel', '1Z9')).toBe('OK');
    },
    read: ({ url }) => client('redis-cli', '-u', url, 'get', 'parcel'),
  });
});

describeWith(['influx'], 'InfluxDB', () => {
  lives({
    start: startInflux,
    async write({ url }) {
      const body = 'temperature,device=probe-1 celsius=4.5 1700000000000';
      await httpText(`${url}/api/v2/write?bucket=${INFLUX_BUCKET}&org=any&precision=ms`, { method: 'POST', body });
    },
    read: async ({ url }) => JSON.stringify(await influxQuery(url, 'select celsius, device from temperature')),
  });
});

describeWith(['influx2'], 'InfluxDB 2', () => {
  const { bucket, org } = INFLUX2;
  lives({
    start: startInflux2,
    async write({ url }) {
      const text = 'temperature,device=probe-1 celsius=4.5 1700000000000';
      await influx2Api(url, `write?${new URLSearchParams({ bucket, org, precision: 'ms' })}`, { method: 'POST', text });
    },
    read: ({ url }) =>
      influx2Query(url, `from(bucket: "${bucket}") |> range(start: 0) |> keep(columns: ["_time", "_value"])`),
  });
});

describeWith(['victoriaMetrics'], 'VictoriaMetrics', () => {
  const selector = '{__name__="temperature_celsius"}';
  lives({
    start: startVictoriaMetrics,
    async write({ url }) {
      const body = 'temperature,device=probe-1 celsius=4.5 1700000000000000000';
      await httpText(`${url}/api/v2/write?bucket=any&org=any`, { method: 'POST', body });
    },
    read: async ({ url }) => JSON.stringify(await victoriaExport(url, selector)),
    forgetsWhenKilled: true,
  });
});

describeWith(['chromium'], 'Chromium', () => {
  it('shows a page and runs its script', async () => {
    const pages = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<p id=p></p><script>p.textContent = ["dock", 2 + 2].join(" ")</script>');
    });
    await new Promise<void>((resolve) => pages.listen(0, HOST, resolve));
    const browser = await startChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`http://${HOST}:${(pages.address() as AddressInfo).port}/`);
      expect(await page.textContent('#p')).toBe('dock 4');
    } finally {
      await browser.close();
      pages.close();
    }
  });
});

describeWith(['redis', 'mosquitto'], 'A server under test', () => {
  it('is gone, with its folder, once the process that started it was killed', async () => {
    const source = `
      const { startRedis } = await import(${JSON.stringify(new URL('redis.ts', import.meta.url).href)});
      const server = await startRedis();
      console.log(JSON.stringify({ port: server.port, folder: server.folder }));
      process.kill(process.pid, 'SIGKILL');
    `;
    const arguments_ = ['--import', 'tsx', '--input-type=module', '-e', source];
    const ended = await execute(process.execPath, arguments_, { timeout: 30_000 }).catch((error) => error);
    expect(ended.signal).toBe('SIGKILL');
    const { port, folder } = JSON.parse(ended.stdout);
    await expect.poll(async () => (await isFree(port)) && !existsSync(folder), { timeout: 5_000 }).toBe(true);
  });

  it('that does not start is reported with the end of its log', async () => {
    const started = startMosquitto({ config: ['no_such_setting true'] });
    await expect(started).rejects.toThrow(/ended while starting.*no_such_setting/s);
  });
});
