/** What goes wrong at a dock door: the daemon runs on, says what is wrong with which device, and loses nothing that it accepted. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { freePort } from '../servers/ports.ts';
import { healthy, milepost, type Process } from './stack.ts';

let folder: string;
let processes: Process[];
const run = (...args: string[]) => {
  const started = milepost(...args);
  processes.push(started);
  return started;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-faults-'));
  processes = [];
});

afterEach(async () => {
  await Promise.all(processes.map((each) => each.stop()));
  await rm(folder, { recursive: true, force: true });
});

interface Status {
  hub: { connected: boolean; code: string; message: string };
  outbox: { lanes: Record<string, { accepted: number; delivered: number; pending: number }> };
  devices: { id: string; state: string; code: string; message: string }[];
}

async function status(): Promise<Status> {
  const asked = milepost('edge', 'status', '--state-dir', join(folder, 'state'), '--json');
  await asked.exited;
  return JSON.parse(asked.lines[0]?.text ?? '{}');
}

const settled = { timeout: 20_000, interval: 100 };
/** A gateway that was refused for a while tries again after half a minute at most. */
const tried = { timeout: 60_000, interval: 100 };

it('missing ports, nonsense on a line, an absent hub and refused credentials are told apart, and all is delivered in the end', async () => {
  const port = await freePort();
  const hubConfig = (password: string) => `dataDir: ${folder}/hub
mqtt: { listen: '127.0.0.1:${port}', users: { gw-1: ${password} } }
http: { listen: '127.0.0.1:0' }
`;
  await writeFile(
    join(folder, 'edge.yaml'),
    `gateway: { id: gw-1, facility: DC-1, stateDir: ${folder}/state }
hub: { url: 'mqtt://127.0.0.1:${port}', username: gw-1, password: mellon-7531 }
readPoints: [{ id: door, businessStep: receiving }]
devices:
  - { id: scanner, driver: serial-barcode, readPoint: door, options: { path: ${folder}/scanner } }
  - { id: absent, driver: serial-barcode, readPoint: door, options: { path: ${folder}/nowhere } }
  - { id: portal, driver: llrp, readPoint: door, options: { host: 127.0.0.1, port: ${await freePort()} } }
  - { id: misread, driver: nmea, options: { path: ${folder}/shaker } }
`,
  );
  const scanner = run('sim', 'run', 'serial-barcode', '--path', join(folder, 'scanner'), '--rate', '20', '--json');
  const shaker = run('sim', 'run', 'witmotion', '--path', join(folder, 'shaker'), '--json');
  await Promise.all([scanner.line(/"started"/), shaker.line(/"started"/)]);
  const edge = run('edge', 'run', '--config', join(folder, 'edge.yaml'));

  await vi.waitFor(async () => {
    const { hub, devices, outbox } = await status();
    expect(hub).toMatchObject({ connected: false, code: 'hub-refused' });
    expect(Object.fromEntries(devices.map(({ id, code }) => [id, code]))).toEqual({
      scanner: '',
      absent: 'port-missing',
      portal: 'connect-refused',
      misread: 'nonsense',
    });
    expect(devices.find(({ id }) => id === 'misread')?.message).toMatch(/baud rate/);
    expect(outbox.lanes.tracking?.pending).toBeGreaterThan(20);
  }, settled);

  await writeFile(join(folder, 'hub.yaml'), hubConfig('another'));
  const stranger = run('hub', 'run', '--config', join(folder, 'hub.yaml'));
  await vi.waitFor(async () => expect((await status()).hub.code).toBe('hub-refused-credentials'), tried);
  expect((await status()).outbox.lanes.tracking?.delivered).toBe(0);
  expect(await stranger.stop()).toBe(0);

  await writeFile(join(folder, 'hub.yaml'), hubConfig('mellon-7531'));
  const hub = run('hub', 'run', '--config', join(folder, 'hub.yaml'));
  const url = await healthy(await hub.line(/pages and API at/));
  scanner.write('unplug serial-barcode');
  await vi.waitFor(async () => expect((await status()).outbox.lanes.tracking?.pending).toBe(0), {
    timeout: 60_000,
    interval: 200,
  });
  const { accepted = 0 } = (await status()).outbox.lanes.tracking ?? {};
  await vi.waitFor(async () => {
    const page = (await (await fetch(`${url}/v1/packages?limit=200&q=sscc`)).json()) as {
      items: { eventCount: number }[];
    };
    expect(page.items.length).toBeGreaterThan(0);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`milepost_hub_package_events_total{group="milepost-process"} ${accepted}\n`);
    expect(metrics).toContain('milepost_hub_missing_records{lane="tracking"} 0\n');
  }, settled);

  expect(edge.child.exitCode).toBeNull();
  const said = [...edge.lines, ...hub.lines, ...stranger.lines].map(({ text }) => text).join('\n');
  expect(said).not.toContain('mellon-7531');
  expect(said).toContain('hub-refused-credentials');
  expect(await edge.stop()).toBe(0);
}, 180_000);

it('a second daemon on the same outbox is refused and says why', async () => {
  await writeFile(
    join(folder, 'edge.yaml'),
    `gateway: { id: gw-1, vehicle: v, stateDir: ${folder}/state }\nhub: { url: 'mqtt://127.0.0.1:1' }\n`,
  );
  const first = run('edge', 'run', '--config', join(folder, 'edge.yaml'));
  await first.line(/gateway runs/);
  const second = run('edge', 'run', '--config', join(folder, 'edge.yaml'));
  expect(await second.exited).toBe(1);
  expect(second.lines.map(({ text }) => text).join('\n')).toContain('already-running');
  expect(JSON.parse(await readFile(join(folder, 'state/outbox/outbox.json'), 'utf8'))).toMatchObject({ format: 1 });
});
