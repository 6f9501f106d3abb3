/**
 * The drivers under their supervisor on real ports: pseudo-terminals through the operating system's serial driver, and TCP. The devices are
 * simulators; that those are accepted as the real thing by independent programs is tested with the simulators.
 */
import { closeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import type { Reading } from '../../edge/driver.ts';
import { DRIVERS } from '../../edge/drivers/index.ts';
import type { DeviceHealth } from '../../edge/transport/device-health.ts';
import { openTransport } from '../../edge/transport/open.ts';
import { openSerial } from '../../edge/transport/serial.ts';
import { type SupervisedDevice, superviseDevice } from '../../edge/transport/supervisor.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { llrpReader, readerOptions } from '../../simulators/llrp-reader/reader.ts';
import { modbusThermometer, thermometerOptions } from '../../simulators/modbus-thermometer/thermometer.ts';
import { openNativePty } from '../../simulators/native-pty.ts';
import { gpsOptions, nmeaGps } from '../../simulators/nmea-gps/receiver.ts';
import { openPty } from '../../simulators/pty.ts';
import { seededRandom } from '../../simulators/random.ts';
import { scannerOptions, serialBarcode } from '../../simulators/serial-barcode/scanner.ts';
import type { RunningSimulator, Simulator } from '../../simulators/simulator.ts';
import { witmotion, witmotionOptions } from '../../simulators/witmotion/sensor.ts';

/** What the brief of a gateway promises: from the moment a device is back to its first reading. */
const REPLUG_LIMIT_MS = 2_000;
const STANDING = {
  latitude: 50.1,
  longitude: 8.6,
  altitudeMeters: 110,
  speedMetersPerSecond: 0,
  courseDegrees: 0,
  stop: 'hub',
  stopLeftS: 3600,
};
const drive = { now: () => STANDING };
const clock = systemClock();

let runDir: string;
let stop: AbortController;
let simulators: RunningSimulator[];
let devices: SupervisedDevice[];

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'milepost-drivers-'));
  stop = new AbortController();
  simulators = [];
  devices = [];
});

afterEach(async () => {
  stop.abort();
  await Promise.all(devices.map(({ done }) => done));
  await Promise.all(simulators.map((simulator) => simulator.stop()));
  await rm(runDir, { recursive: true, force: true });
});

async function simulate(simulator: Simulator): Promise<RunningSimulator> {
  const context = { clock, random: seededRandom(7), log: silentLog, emit: () => {}, runDir, openLine: openPty };
  const running = await simulator.start(context);
  simulators.push(running);
  return running;
}

const scanner = () => serialBarcode('scanner', scannerOptions.parse({}));
const thermometer = (more: object = {}) => modbusThermometer('thermometer', thermometerOptions.parse(more));
const gps = () => nmeaGps('gps', gpsOptions.parse({}), drive);
const accelerometer = () => witmotion('shock', witmotionOptions.parse({}), drive);
const portal = (more: object = {}) => llrpReader('portal', readerOptions.parse(more), new Map());

interface Watched {
  device: SupervisedDevice;
  readings: Reading[];
  changes: string[];
  of<K extends Reading['kind']>(kind: K): Extract<Reading, { kind: K }>[];
}

async function supervise(kind: string, options: object): Promise<Watched> {
  const driver = await DRIVERS[kind]?.();
  if (!driver) throw new Error(`no driver '${kind}'`);
  const readings: Reading[] = [];
  const changes: string[] = [];
  const device = superviseDevice({
    deviceId: kind,
    driver,
    options: driver.options.parse(options),
    openTransport,
    clock,
    log: silentLog,
    random: Math.random,
    signal: stop.signal,
    onReading: async (reading) => void readings.push(reading),
    onHealthChange: ({ state, code }: DeviceHealth) => void changes.push(code ? `${state} ${code}` : state),
  });
  devices.push(device);
  const of: Watched['of'] = (wanted) =>
    readings.filter((reading): reading is Extract<Reading, { kind: typeof wanted }> => reading.kind === wanted);
  return { device, readings, changes, of };
}

const eventually = (check: () => void, timeoutMs = 10_000) => vi.waitFor(check, { timeout: timeoutMs, interval: 20 });

function tcp(address: string): { host: string; port: number } {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

/** Scans until one arrives: a reader does not know when somebody listens. */
async function scanUntilHeard(simulator: RunningSimulator, watched: Watched, text: string): Promise<void> {
  const before = watched.of('scan').length;
  await vi.waitFor(
    async () => {
      await simulator.command('scan', { text, aim: ']C1' });
      expect(watched.of('scan').length).toBeGreaterThan(before);
    },
    { timeout: 10_000, interval: 50 },
  );
}

describe('five devices, really spoken to', () => {
  it('reads a scan from the serial bar code reader', async () => {
    const simulator = await simulate(scanner());
    const watched = await supervise('serial-barcode', { path: simulator.address });
    await scanUntilHeard(simulator, watched, '00340123450000000018');
    expect(watched.of('scan')[0]).toMatchObject({ text: '00340123450000000018', aim: ']C1' });
    expect(watched.changes).toEqual(['online']);
    expect(watched.device.health.stats.discardedBytes).toBe(0);
  });

  it('reads temperature and humidity over Modbus RTU and Modbus TCP', async () => {
    const simulator = await simulate(thermometer({ tcpPort: 0 }));
    const options = { units: [{ unitId: 1, map: 'xy-md02' }], intervalMs: 200, timeoutMs: 300 };
    const rtu = await supervise('modbus-rtu', { path: simulator.address, ...options });
    const overTcp = await supervise('modbus-tcp', { ...tcp(simulator.otherAddresses?.[0] ?? ''), ...options });
    for (const { of } of [rtu, overTcp]) {
      await eventually(() => {
        expect(of('temperature').length).toBeGreaterThan(3);
        expect(of('humidity').length).toBeGreaterThan(3);
      });
      for (const { temperatureCelsius } of of('temperature')) expect(Math.abs(temperatureCelsius - 4)).toBeLessThan(2);
    }
    expect(rtu.device.health.stats).toMatchObject({ discardedBytes: 0, checksumErrors: 0 });
  });

  it('measures a shock and vibration', async () => {
    const simulator = await simulate(accelerometer());
    const watched = await supervise('witmotion', { path: simulator.address, vibrationWindowMs: 1_000 });
    await eventually(() => expect(watched.of('vibration').length).toBeGreaterThan(2));
    await simulator.command('shock', { peakG: 11, durationMs: 70, axis: 'x' });
    await eventually(() => expect(watched.of('shock')).toHaveLength(1));
    const [shock] = watched.of('shock');
    expect(shock?.peakG).toBeGreaterThan(9);
    expect(shock?.peakG).toBeLessThan(13);
    expect(shock?.sampleRateHz).toBeGreaterThan(180);
    expect(watched.of('status')).toEqual([]);
  });

  it('reads a position, and none without a fix', async () => {
    const simulator = await simulate(gps());
    const watched = await supervise('nmea', { path: simulator.address });
    await eventually(() => expect(watched.of('position').length).toBeGreaterThan(1));
    const [position] = watched.of('position');
    expect(position?.latitude).toBeCloseTo(STANDING.latitude, 3);
    expect(Math.abs((position?.utcMs ?? 0) - Date.now())).toBeLessThan(10_000);
    await simulator.command('void', { seconds: 30 });
    await eventually(() => expect(watched.of('status').map(({ code }) => code)).toEqual(['position-void']));
    const count = watched.of('position').length;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(watched.of('position')).toHaveLength(count);
  });

  it('reads tags from two antennas over LLRP, and lets the reader go', async () => {
    const simulator = await simulate(portal());
    const watched = await supervise('llrp', { ...tcp(simulator.address), antennas: [1, 2], transmitPowerDbm: 27 });
    await eventually(() => expect(watched.changes).toEqual(['online']));
    await simulator.command('tag', { epc: '3074257bf7194e4000001a85', antenna: 1, dwellMs: 500 });
    await simulator.command('tag', { epc: '3005fb63ac1f3841ec880467', antenna: 2, dwellMs: 500 });
    const seen = () => new Set(watched.of('tag').map(({ epcHex, antenna }) => `${epcHex} ${antenna}`));
    await eventually(() =>
      expect([...seen()].sort()).toEqual(['3005fb63ac1f3841ec880467 2', '3074257bf7194e4000001a85 1']),
    );
    // A second client is turned away as long as the first is there …
    const second = await supervise('llrp', tcp(simulator.address));
    await eventually(() => expect(second.device.health).toMatchObject({ state: 'fault', code: 'reader-busy' }));
    // … and that one learns of it; when all have gone in order, the reader is free within a moment.
    await eventually(() => expect(watched.of('status').map(({ code }) => code)).toContain('reader-second-client'));
    stop.abort();
    await Promise.all(devices.map(({ done }) => done));
    stop = new AbortController();
    const third = await supervise('llrp', tcp(simulator.address));
    await eventually(() => expect(third.device.health.state).toBe('online'), 3_000);
  });
});

describe('unplugging', () => {
  it.each([
    [
      'modbus-rtu',
      thermometer,
      { units: [{ unitId: 1, map: 'sht20' }], intervalMs: 200, timeoutMs: 300 },
      'temperature',
    ],
    ['witmotion', accelerometer, { vibrationWindowMs: 300 }, 'vibration'],
    ['nmea', gps, {}, 'position'],
  ] as const)('%s reads again within two seconds of its return', async (kind, simulator, options, reading) => {
    const running = await simulate(simulator());
    const watched = await supervise(kind, { path: running.address, ...options });
    await eventually(() => expect(watched.of(reading).length).toBeGreaterThan(0));
    for (let turn = 0; turn < 2; turn++) {
      await running.command('unplug');
      await eventually(() => expect(watched.device.health.state).toBe('offline'));
      // Long enough for the look-outs to be at their longest interval.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      expect(watched.device.health).toMatchObject({ state: 'offline', code: 'port-missing' });
      const before = watched.readings.length;
      const backAt = Date.now();
      await running.command('replug');
      // The GPS itself says something once a second only.
      await eventually(() => expect(watched.readings.length).toBeGreaterThan(before));
      expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS + (kind === 'nmea' ? 1_100 : 0));
    }
    expect(watched.device.health.reconnects).toBe(2);
    expect(watched.changes.filter((change) => change === 'online')).toHaveLength(3);
  });

  it('serial-barcode hears a scan within two seconds of its return', async () => {
    const running = await simulate(scanner());
    const watched = await supervise('serial-barcode', { path: running.address });
    await scanUntilHeard(running, watched, 'BEFORE');
    await running.command('unplug');
    await eventually(() => expect(watched.device.health.state).toBe('offline'));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const backAt = Date.now();
    await running.command('replug');
    await scanUntilHeard(running, watched, 'AFTER');
    expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS);
  });

  it('llrp reads again within two seconds of the reader’s return', async () => {
    const running = await simulate(portal());
    const watched = await supervise('llrp', tcp(running.address));
    await eventually(() => expect(watched.changes).toEqual(['online']));
    await running.command('unplug');
    await eventually(() => expect(watched.device.health.state).toBe('offline'));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const backAt = Date.now();
    await running.command('replug');
    await running.command('tag', { epc: '3074257bf7194e4000001a85', antenna: 1, dwellMs: 5_000 });
    await eventually(() => expect(watched.of('tag').length).toBeGreaterThan(0));
    expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS);
  });
});

describe('what is wrong is said', () => {
  it('a port that does not exist, and one that somebody else has', async () => {
    const missing = await supervise('nmea', { path: '/dev/serial/by-id/usb-not-there' });
    await eventually(() => expect(missing.changes).toEqual(['offline port-missing']));
    expect(missing.device.health.message).toContain('milepost edge devices');

    const simulator = await simulate(scanner());
    const first = await supervise('serial-barcode', { path: simulator.address });
    await eventually(() => expect(first.changes).toEqual(['online']));
    const second = await supervise('serial-barcode', { path: simulator.address });
    await eventually(() => expect(second.changes).toEqual(['fault port-busy']));
    await scanUntilHeard(simulator, first, 'STILL HEARD');
  });

  it('the wrong driver for what hangs on the port', async () => {
    const simulator = await simulate(accelerometer());
    const watched = await supervise('nmea', { path: simulator.address });
    await eventually(() => expect(watched.device.health).toMatchObject({ state: 'fault', code: 'nonsense' }));
    expect(watched.changes).toEqual(['fault nonsense']);
    expect(watched.device.health.message).toMatch(/baud rate.*driver/);
    expect(watched.readings).toEqual([]);
  });

  it('a sensor that does not answer, and its return', async () => {
    const simulator = await simulate(thermometer());
    await simulator.command('silence', { seconds: 3_600 });
    const options = { units: [{ unitId: 1, map: 'sht20' }], intervalMs: 100, timeoutMs: 100, retries: 0 };
    const watched = await supervise('modbus-rtu', { path: simulator.address, ...options });
    await eventually(() => expect(watched.device.health).toMatchObject({ state: 'fault', code: 'device-silent' }));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    // Opened again and again, but never called online in between.
    expect(watched.changes).toEqual(['fault device-silent']);
    await simulator.command('clear');
    await eventually(() => expect(watched.device.health.state).toBe('online'));
  });

  it('a device that does not exist on the network', async () => {
    const simulator = await simulate(portal());
    const address = tcp(simulator.address);
    await simulator.stop();
    const watched = await supervise('llrp', address);
    await eventually(() => expect(watched.changes).toEqual(['offline connect-refused']));
  });
});

describe('a real pseudo-terminal under the serial transport', () => {
  it('is given up when the device takes no bytes, and meanwhile delays nobody', async () => {
    // Nobody reads this master: after some kilobytes the kernel takes no more.
    const { master, slave, pty } = openNativePty();
    closeSync(slave);
    const wedged = await openSerial({ kind: 'serial', path: pty, baudRate: 9600 }, stop.signal);
    const stuck = expect(wedged.write(Buffer.alloc(1_000_000))).rejects.toMatchObject({ code: 'port-failed' });

    const simulator = await simulate(scanner());
    const healthy = await supervise('serial-barcode', { path: simulator.address });
    await scanUntilHeard(simulator, healthy, 'FIRST');
    const delays: number[] = [];
    for (let scan = 0; scan < 20; scan++) {
      const text = `SCAN ${scan}`;
      const sentUs = clock.monotonicUs();
      await simulator.command('scan', { text });
      const heard = () => healthy.of('scan').find((reading) => reading.text === text);
      await eventually(() => expect(heard()).toBeDefined());
      delays.push(((heard()?.monotonicUs ?? 0) - sentUs) / 1000);
    }
    expect(Math.max(...delays)).toBeLessThan(50);
    await stuck;
    await wedged.close();
    closeSync(master);
  });
});
