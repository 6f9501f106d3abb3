/** Independent programs take the simulators for the real thing. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import { silentLog } from '../../protocols/base/log.ts';
import type { DeviceKind } from '../../simulators/devices.ts';
import { type RunningScenario, runScenario } from '../../simulators/run.ts';
import { type SingleDeviceOptions, singleDeviceScenario } from '../../simulators/single-device.ts';
import { program, python } from '../servers/machine.ts';
import { describeWith } from '../servers/needs.ts';
import { freePort } from '../servers/ports.ts';

let runDir: string;
const cleanup: (() => Promise<unknown> | unknown)[] = [];
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'milepost-peers-'));
});
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean();
  await rm(runDir, { recursive: true, force: true });
});

async function simulate(kind: DeviceKind, options: SingleDeviceOptions = {}): Promise<RunningScenario> {
  const scenario = singleDeviceScenario(kind, options);
  const running = await runScenario({ scenario, seed: 'peers', clock: systemClock(), log: silentLog, runDir });
  cleanup.push(() => running.stop());
  return running;
}

/** Runs a program to its end; what it said, however it ended. */
function run(file: string, args: readonly string[], timeoutMs: number): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: timeoutMs }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: stdout + stderr });
    });
  });
}

const registers = (output: string): number[] =>
  [...output.matchAll(/^\[\d+\]:\s+(-?\d+)/gm)].map(([, value]) => Number(value));

describeWith(['mbpoll'], 'mbpoll reads the Modbus thermometer', () => {
  const rtu = (...args: string[]) => {
    const line = [
      '-q',
      '-m',
      'rtu',
      '-b',
      '9600',
      '-P',
      'none',
      '-0',
      '-1',
      ...args,
      join(runDir, 'modbus-thermometer'),
    ];
    return run(program('mbpoll'), line, 10_000);
  };

  it('over RTU: temperature, humidity, settings', async () => {
    await simulate('modbus-thermometer');
    const { code, output } = await rtu('-a', '1', '-t', '3', '-r', '1', '-c', '2');
    expect(code, output).toBe(0);
    const [temperature = 0, humidity = 0] = registers(output);
    expect(Math.abs(temperature - 40)).toBeLessThan(15);
    expect(Math.abs(humidity - 620)).toBeLessThan(60);
    expect(registers((await rtu('-a', '1', '-t', '4', '-r', '257', '-c', '4')).output)).toEqual([1, 0, 0, 0]);
  });

  it('over RTU: an exception for an address that does not exist, silence for another unit', async () => {
    await simulate('modbus-thermometer');
    expect((await rtu('-a', '1', '-t', '3', '-r', '5', '-c', '1')).output).toContain('Illegal data address');
    expect((await rtu('-a', '9', '-t', '3', '-r', '1', '-c', '1', '-o', '0.5')).output).toContain('timed out');
  });

  it('over RTU: spoilt answers are refused, and the next one is right', async () => {
    const running = await simulate('modbus-thermometer');
    await running.command('modbus-thermometer', 'checksum', { count: 1 });
    const spoilt = await rtu('-a', '1', '-t', '3', '-r', '1', '-c', '1', '-o', '0.5');
    expect(spoilt.output).toMatch(/Invalid CRC|timed out/);
    expect(registers((await rtu('-a', '1', '-t', '3', '-r', '1', '-c', '1')).output)).toHaveLength(1);
  });

  it('over TCP', async () => {
    const running = await simulate('modbus-thermometer', { port: 0 });
    const port = running.devices[0]?.otherAddresses[0]?.split(':')[1] ?? '';
    const args = ['-q', '-m', 'tcp', '-p', port, '-a', '1', '-t', '3', '-0', '-r', '1', '-c', '2', '-1', '127.0.0.1'];
    const { code, output } = await run(program('mbpoll'), args, 10_000);
    expect(code, output).toBe(0);
    expect(registers(output)).toHaveLength(2);
  });
});

interface GpsReport {
  class: string;
  mode?: number;
  time?: string;
  lat?: number;
  lon?: number;
  nSat?: number;
  driver?: string;
  devices?: { driver?: string }[];
}

describeWith(['gpsd', 'gpspipe'], 'gpsd reads the GPS receiver', () => {
  it('gets a three-dimensional fix of today, satellites, and no fix when there is none', async () => {
    const running = await simulate('nmea-gps');
    const port = String(await freePort());
    const link = join(runDir, 'nmea-gps');
    const gpsd = spawn(program('gpsd'), ['-N', '-n', '-b', '-S', port, link], { stdio: 'ignore' });
    cleanup.push(async () => {
      gpsd.kill();
      if (gpsd.exitCode === null) await once(gpsd, 'exit');
    });
    const reports: GpsReport[] = [];
    const pipe = await connected(port, reports);
    cleanup.push(() => pipe.kill());

    await until(() => reports.some((report) => report.class === 'TPV' && report.mode === 3), 'a fix');
    const fix = reports.find((report) => report.class === 'TPV' && report.mode === 3);
    expect(fix?.lat).toBeCloseTo(52.531, 2);
    expect(fix?.lon).toBeCloseTo(13.381, 2);
    expect(Math.abs(Date.parse(fix?.time ?? '') - Date.now())).toBeLessThan(20_000);
    await until(() => reports.some((report) => report.class === 'SKY' && report.nSat === 10), 'satellites');

    await running.command('nmea-gps', 'void', { seconds: 30 });
    reports.length = 0;
    const isVoid = (report: GpsReport): boolean => report.class === 'TPV' && (report.mode ?? 0) <= 1;
    await until(() => reports.some(isVoid), 'the loss of the fix');
    expect(reports.find(isVoid)).not.toHaveProperty('lat');
  });
});

/** gpspipe, once gpsd listens. */
async function connected(port: string, reports: GpsReport[]) {
  for (let attempt = 0; attempt < 40; attempt++) {
    const pipe = spawn(program('gpspipe'), ['-w', `127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface({ input: pipe.stdout }).on('line', (line) => reports.push(JSON.parse(line) as GpsReport));
    await Promise.race([once(pipe, 'exit'), until(() => reports.length > 0, 'the greeting of gpsd')]);
    if (reports.length > 0) return pipe;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('gpsd does not listen');
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface SllurpLine {
  tag?: { 'EPC-96'?: string; AntennaID?: number; PeakRSSI?: number; TagSeenCount?: number };
  event?: { ConnectionAttemptEvent?: { Status: string } };
  capabilities?: { MaxNumberOfAntennaSupported: number };
  mode?: { ModeIdentifier: number };
  disconnected?: boolean;
}

describeWith(['sllurp'], 'sllurp inventories the LLRP reader', () => {
  const script = fileURLToPath(new URL('./sllurp-inventory.py', import.meta.url));

  it('connects, takes capabilities and mode, reads tags on both antennas, leaves in order, and may come again', async () => {
    const running = await simulate('llrp-reader', { port: 0, rate: 4 });
    const [host = '', port = ''] = running.devices[0]?.address.split(':') ?? [];
    for (let visit = 0; visit < 2; visit++) {
      const { code, output } = await run(python, [script, host, port, '1,2', '4'], 30_000);
      expect(code, output).toBe(0);
      const lines = output.split('\n').filter((line) => line.startsWith('{'));
      const said = lines.map((line) => JSON.parse(line) as SllurpLine);
      expect(said.some(({ event }) => event?.ConnectionAttemptEvent?.Status === 'Success')).toBe(true);
      expect(said.find(({ capabilities }) => capabilities)).toMatchObject({
        capabilities: { MaxNumberOfAntennaSupported: 2 },
        mode: { ModeIdentifier: 1 },
      });
      const tags = said.flatMap(({ tag }) => (tag ? [tag] : []));
      expect(new Set(tags.map((tag) => tag.AntennaID))).toEqual(new Set([1, 2]));
      expect(tags.every((tag) => (tag.PeakRSSI ?? 0) < -30 && (tag.TagSeenCount ?? 0) > 0)).toBe(true);
      expect(said.at(-1)).toEqual({ disconnected: true });

      const told = new Set(tags.map((tag) => tag['EPC-96']));
      const entered = new Set(running.ledger.observations().map(({ epcHex }) => epcHex));
      expect(told.size).toBeGreaterThan(4);
      for (const epc of told) expect(entered).toContain(epc);
    }
  });
});
