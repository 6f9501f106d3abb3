/** What goes wrong at a dock door: the daemon runs on, says what is wrong with which device, and loses nothing that it accepted. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it, vi } from 'vitest';
import { freePort } from '../servers/ports.ts';
import { processBench } from './process-bench.ts';
import { healthy, milepost } from './stack.ts';

const { file, run } = processBench('faults');

interface Status {
  hub: { connected: boolean; code: string; message: string };
  outbox: { lanes: Record<string, { accepted: number; delivered: number; pending: number }> };
  devices: { id: string; state: string; code: string; message: string }[];
}

async function status(): Promise<Status> {
  const asked = milepost('edge', 'status', '--state-dir', file('state'), '--json');
  await asked.exited;
  return JSON.parse(asked.lines[0]?.text ?? '{}');
}

const settled = { timeout: 20_000, interval: 100 };
/** A gateway that was refused for a while tries again after half a minute at most. */
const tried = { timeout: 60_000, interval: 100 };

it('missing ports, nonsense on a line, an absent hub and refused credentials are told apart, and all is delivered in the end', async () => {
  const port = await freePort();
  const hubConfig = (password: string) => `dataDir: ${file('hub')}
mqtt: { listen: '127.0.0.1:${port}', users: { gw-1: ${password} } }
http: { listen: '127.0.0.1:0' }
`;
  await writeFile(
    file('edge.yaml'),
    `gateway: { id: gw-1, facility: DC-1, stateDir: ${file('state')} }
hub: { url: 'mqtt://127.0.0.1:${port}', username: gw-1, password: mellon-7531 }
readPoints: [{ id: door, businessStep: receiving }]
devices:
  - { id: scanner, driver: serial-barcode, readPoint: door, options: { path: ${file('scanner')} } }
  - { id: absent, driver: serial-barcode, readPoint: door, options: { path: ${file('nowhere')} } }
  - { id: portal, driver: llrp, readPoint: door, options: { host: 127.0.0.1, port: ${await freePort()} } }
  - { id: misread, driver: nmea, options: { path: ${file('shaker')} } }
`,
  );
  const scanner = run('sim', 'run', 'serial-barcode', '--path', file('scanner'), '--rate', '20', '--json');
  const shaker = run('sim', 'run', 'witmotion', '--path', file('shaker'), '--json');
  await Promise.all([scanner.line(/"started"/), shaker.line(/"started"/)]);
  const edge = run('edge', 'run', '--config', file('edge.yaml'));

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

  await writeFile(file('hub.yaml'), hubConfig('another'));
  const stranger = run('hub', 'run', '--config', file('hub.yaml'));
  await vi.waitFor(async () => expect((await status()).hub.code).toBe('hub-refused-credentials'), tried);
  expect((await status()).outbox.lanes.tracking?.delivered).toBe(0);
  expect(await stranger.stop()).toBe(0);

  await writeFile(file('hub.yaml'), hubConfig('mellon-7531'));
  const hub = run('hub', 'run', '--config', file('hub.yaml'));
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
    file('edge.yaml'),
    `gateway: { id: gw-1, vehicle: v, stateDir: ${file('state')} }\nhub: { url: 'mqtt://127.0.0.1:1' }\n`,
  );
  const first = run('edge', 'run', '--config', file('edge.yaml'));
  await first.line(/gateway runs/);
  const second = run('edge', 'run', '--config', file('edge.yaml'));
  expect(await second.exited).toBe(1);
  expect(second.lines.map(({ text }) => text).join('\n')).toContain('already-running');
  expect(JSON.parse(await readFile(file('state/outbox/outbox.json'), 'utf8'))).toMatchObject({ format: 1 });
});
