/** Drivers of devices that are neither serial nor Modbus, through real files, programs and sockets, against our simulators and against gpsd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Reading } from '../../edge/driver.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { runScenario } from '../../simulators/run.ts';
import { parseScenario } from '../../simulators/scenario.ts';
import { clock, driverBench } from '../e2e/driver-bench.ts';
import { program } from '../servers/machine.ts';
import { describeWith } from '../servers/needs.ts';
import { freePort } from '../servers/ports.ts';

const LONG = { timeout: 45_000, interval: 30 };
const { supervise, letGo, runDir } = driverBench();
const cleanup: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  await letGo();
  for (const clean of cleanup.splice(0).reverse()) await clean();
});

async function simulate(kind: string, options: object = {}) {
  const scenario = parseScenario({
    name: kind,
    vehicles: [{ id: 'van', route: [{ stop: 'yard', stopS: 60, latitude: 52.531, longitude: 13.381 }] }],
    devices: [{ id: 'device', kind, options, ...(/gps/.test(kind) && { vehicle: 'van' }) }],
  });
  const running = await runScenario({ scenario, seed: kind, clock, log: silentLog, runDir: runDir() });
  cleanup.push(() => running.stop());
  const address = running.devices[0]?.address ?? '';
  const command = (name: string, args = {}) => running.command('device', name, args);
  return { address, command };
}

const ofKind = (readings: readonly Reading[], kind: Reading['kind']) => readings.filter((one) => one.kind === kind);

describe('one-wire on a simulated bus', () => {
  it('reads its sensors, reports what is wrong with one, and finds the bus again', async () => {
    const bus = await simulate('one-wire');
    const { device, readings } = await supervise('one-wire', { folder: bus.address, intervalMs: 1_000 });
    const channels = () => new Set(ofKind(readings, 'temperature').map(({ channel }) => channel));
    await vi.waitFor(() => expect([...channels()].sort()).toEqual(['28-000005e2fdc3', '28-0316a2795aff']), LONG);
    await bus.command('checksum', { probability: 1 });
    await vi.waitFor(() => expect(readings).toContainEqual(expect.objectContaining({ code: 'value-refused' })), LONG);
    await bus.command('clear');
    await bus.command('unplug');
    await vi.waitFor(() => expect(device.health).toMatchObject({ state: 'offline' }), LONG);
    await bus.command('replug');
    const before = readings.length;
    const replugUs = clock.monotonicUs();
    const newer = () => ofKind(readings.slice(before), 'temperature').find(({ monotonicUs }) => monotonicUs > replugUs);
    await vi.waitFor(() => expect(newer()).toBeDefined(), LONG);
    expect(device.health.state).toBe('online');
  });
});

describe.each(['1.6.3', '2.1.2'])('gpio-contact with stand-ins of libgpiod %s', (version) => {
  it('reports doors, finds what it missed, comes back with its chip, and leaves no program behind', async () => {
    const doors = await simulate('gpio-contact', { version, inputs: 2 });
    const { device, readings } = await supervise('gpio-contact', {
      chip: 'gpiochip0',
      inputs: [
        { line: 17, channel: 'front' },
        { line: 18, channel: 'back' },
      ],
      debounceMs: 20,
      resyncMs: 2_000,
      programFolder: doors.address,
    });
    const states = (channel: string) =>
      readings.flatMap((one) => (one.kind === 'contact' && one.channel === channel ? one.open : []));
    await vi.waitFor(() => expect([states('front'), states('back')]).toEqual([[false], [false]]), LONG);
    await doors.command('open', { input: 1 });
    await vi.waitFor(() => expect(states('front')).toEqual([false, true]), LONG);
    await doors.command('miss', { input: 2 });
    await vi.waitFor(() => expect(states('back')).toEqual([false, true]), LONG);
    await doors.command('unplug');
    await vi.waitFor(() => expect(device.health).toMatchObject({ state: 'offline', code: 'port-missing' }), LONG);
    await doors.command('close', { input: 1 });
    await doors.command('replug');
    await vi.waitFor(() => expect(states('front').at(-1)).toBe(false), LONG);
    expect(device.health.state).toBe('online');
    await letGo();
    await vi.waitFor(async () => expect(await processesOf(doors.address)).toEqual([]), LONG);
  });
});

/** Processes with a program of this folder in their command line. */
async function processesOf(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(`${folder}/gpio`));
}

describe('gpsd, simulated', () => {
  it('gives positions, says when there is none, and is found again', async () => {
    const daemon = await simulate('gpsd');
    const [host, port] = daemon.address.split(':');
    const { device, readings } = await supervise('gpsd', { host, port: Number(port) });
    await vi.waitFor(() => expect(ofKind(readings, 'position').length).toBeGreaterThan(1), LONG);
    await daemon.command('void', { seconds: 2 });
    await vi.waitFor(() => expect(readings).toContainEqual(expect.objectContaining({ code: 'position-void' })), LONG);
    await daemon.command('unplug');
    await vi.waitFor(() => expect(device.health.state).toBe('offline'), LONG);
    await daemon.command('replug');
    const before = readings.length;
    await vi.waitFor(() => expect(ofKind(readings.slice(before), 'position')).not.toEqual([]), LONG);
  });
});

describeWith(['gpsd'], 'gpsd itself, fed by the GPS simulator', () => {
  it('gives the receiver’s position, altitude and time; nothing while there is no fix', async () => {
    const receiver = await simulate('nmea-gps');
    const port = await freePort();
    const gpsd: ChildProcess = spawn(program('gpsd'), ['-N', '-n', '-b', '-S', String(port), receiver.address], {
      stdio: 'ignore',
    });
    cleanup.push(async () => {
      const gone = gpsd.exitCode === null && gpsd.signalCode === null ? once(gpsd, 'exit') : undefined;
      gpsd.kill();
      await gone;
    });
    // Supervised before it listens: the supervisor waits for it.
    const { device, readings } = await supervise('gpsd', { host: '127.0.0.1', port, intervalMs: 0 });
    await vi.waitFor(() => expect(ofKind(readings, 'position').length).toBeGreaterThan(4), LONG);
    const positions = ofKind(readings, 'position');
    const last = positions.at(-1);
    expect(last).toMatchObject({
      latitude: expect.closeTo(52.531, 3),
      longitude: expect.closeTo(13.381, 3),
      altitudeMeters: expect.any(Number),
      satellites: expect.any(Number),
      hdop: expect.any(Number),
    });
    const times = positions.flatMap((one) => (one.kind === 'position' ? (one.utcMs ?? []) : []));
    expect(new Set(times).size).toBe(times.length);
    expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(20_000);
    await receiver.command('void', { seconds: 60 });
    await vi.waitFor(() => expect(readings).toContainEqual(expect.objectContaining({ code: 'position-void' })), LONG);
    const voidAt = readings.findIndex((one) => one.kind === 'status' && one.code === 'position-void');
    expect(ofKind(readings.slice(voidAt), 'position')).toEqual([]);
    expect(device.health.state).toBe('online');
  });
});
