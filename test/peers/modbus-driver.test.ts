/** The Modbus drivers against a server that is not ours (pymodbus), over a pair of ptys that are not ours (socat) and over TCP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import type { Reading } from '../../edge/driver.ts';
import { DRIVERS } from '../../edge/drivers/index.ts';
import { openTransport } from '../../edge/transport/open.ts';
import { superviseDevice } from '../../edge/transport/supervisor.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { program, python } from '../servers/machine.ts';
import { describeWith } from '../servers/needs.ts';
import { freePort } from '../servers/ports.ts';

const SERVER = fileURLToPath(new URL('modbus-server.py', import.meta.url));
const UNITS = [
  { unitId: 1, map: 'xy-md02' },
  {
    unitId: 2,
    points: [0, 1, 2, 3].map((address) => ({
      quantity: 'contact',
      functionCode: 2,
      address,
      channel: `door-${address}`,
    })),
  },
  // Nobody is there; pymodbus answers for it with an exception on TCP and not at all on the bus.
  { unitId: 9, map: 'xy-md02', channel: 'absent' },
];
const POLL = { units: UNITS, intervalMs: 300, timeoutMs: 200, retries: 1 };

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0).reverse()) {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill();
    await gone;
  }
});

function start(command: string, args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}

async function startServer(...args: string[]): Promise<void> {
  const server = start(python, [SERVER, ...args]);
  let output = '';
  server.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await vi.waitFor(() => expect(output).toContain('ready'), { timeout: 20_000, interval: 50 });
}

async function readings(kind: string, options: object): Promise<Reading[]> {
  const driver = await DRIVERS[kind]?.();
  if (!driver) throw new Error(`no driver '${kind}'`);
  const stop = new AbortController();
  const taken: Reading[] = [];
  const device = superviseDevice({
    deviceId: kind,
    driver,
    options: driver.options.parse({ ...options, ...POLL }),
    openTransport,
    clock: systemClock(),
    log: silentLog,
    random: Math.random,
    signal: stop.signal,
    onReading: async (reading) => void taken.push(reading),
    onHealthChange: () => {},
  });
  await vi.waitFor(() => expect(taken.length).toBeGreaterThan(20), { timeout: 15_000, interval: 50 });
  stop.abort();
  await device.done;
  return taken;
}

function expectRound(taken: Reading[]): void {
  const [temperature, humidity, ...doors] = taken.slice(0, 6);
  expect(temperature).toMatchObject({ kind: 'temperature', temperatureCelsius: -11.5 });
  expect(humidity).toMatchObject({ kind: 'humidity', relativeHumidityPercent: 56.7 });
  expect(doors).toEqual(
    [true, false, true, true].map((open, i) =>
      expect.objectContaining({ kind: 'contact', open, channel: `door-${i}` }),
    ),
  );
  const statuses = taken.filter(({ kind }) => kind === 'status');
  expect(statuses).toEqual([
    expect.objectContaining({
      code: expect.stringMatching(/^unit-(silent|refused)$/),
      message: expect.stringMatching(/unit 9/),
    }),
  ]);
}

describeWith(['pymodbus', 'socat'], 'modbus-rtu against pymodbus', () => {
  it('reads an XY-MD02 and a contact module on one bus', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'milepost-modbus-'));
    const [device, host] = [join(folder, 'device'), join(folder, 'host')];
    start(program('socat'), [`pty,raw,echo=0,link=${device}`, `pty,raw,echo=0,link=${host}`]);
    await vi.waitFor(() => expect(existsSync(device) && existsSync(host)).toBe(true), { timeout: 5_000 });
    await startServer('serial', device);
    expectRound(await readings('modbus-rtu', { path: host }));
    await rm(folder, { recursive: true, force: true });
  });
});

describeWith(['pymodbus'], 'modbus-tcp against pymodbus', () => {
  it('reads an XY-MD02 and a contact module behind one address', async () => {
    const port = await freePort();
    await startServer('tcp', String(port));
    expectRound(await readings('modbus-tcp', { host: '127.0.0.1', port }));
  });
});
