/**
 * The bench of the driver tests: drivers under their supervisor on real ports (pseudo-terminals through the operating system's serial driver, TCP),
 * with simulators at the other end. That those are accepted as the real thing by independent programs is tested with the simulators.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import type { Reading } from '../../edge/driver.ts';
import { DRIVERS } from '../../edge/drivers/index.ts';
import type { DeviceHealth } from '../../edge/transport/device-health.ts';
import { openTransport } from '../../edge/transport/open.ts';
import { type SupervisedDevice, superviseDevice } from '../../edge/transport/supervisor.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { adapterOptions, elm327 } from '../../simulators/elm327/adapter.ts';
import { honeywell, honeywellOptions } from '../../simulators/honeywell/scanner.ts';
import { llrpReader, readerOptions } from '../../simulators/llrp-reader/reader.ts';
import { modbusThermometer, thermometerOptions } from '../../simulators/modbus-thermometer/thermometer.ts';
import { gpsOptions, nmeaGps } from '../../simulators/nmea-gps/receiver.ts';
import { openPty } from '../../simulators/pty.ts';
import { r200Module, r200Options } from '../../simulators/r200/module.ts';
import { seededRandom } from '../../simulators/random.ts';
import { scannerOptions, serialBarcode } from '../../simulators/serial-barcode/scanner.ts';
import type { RunningSimulator, Simulator, SimulatorContext } from '../../simulators/simulator.ts';
import { moduleOptions, thingMagicModule } from '../../simulators/thingmagic/module.ts';
import { uhfReader18, uhfReader18Options } from '../../simulators/uhfreader18/reader.ts';
import { witmotion, witmotionOptions } from '../../simulators/witmotion/sensor.ts';
import { ssiReaderOptions, zebraSsi } from '../../simulators/zebra-ssi/reader.ts';

export const STANDING = {
  latitude: 50.1,
  longitude: 8.6,
  altitudeMeters: 110,
  speedMetersPerSecond: 0,
  courseDegrees: 0,
  stop: 'hub',
  stopLeftS: 3600,
};
const drive = { now: () => STANDING };
export const clock = systemClock();

export const scanner = (id = 'scanner') => serialBarcode(id, scannerOptions.parse({}));
export const ssiReader = () => zebraSsi('ssi', ssiReaderOptions.parse({}));
export const framedScanner = () => honeywell('framed', honeywellOptions.parse({}));
export const thermometer = (more: object = {}) => modbusThermometer('thermometer', thermometerOptions.parse(more));
export const gps = () => nmeaGps('gps', gpsOptions.parse({}), drive);
export const accelerometer = () => witmotion('shock', witmotionOptions.parse({}), drive);
export const vehicle = () => elm327('vehicle', adapterOptions.parse({}), drive);
export const portal = (more: object = {}) => llrpReader('portal', readerOptions.parse(more), new Map());
export const r200 = () => r200Module('r200', r200Options.parse({}), new Map());
export const reader18 = () => uhfReader18('reader18', uhfReader18Options.parse({}), new Map());
export const mercury = () => thingMagicModule('mercury', moduleOptions.parse({}), new Map());

export interface Watched {
  device: SupervisedDevice;
  readings: Reading[];
  changes: string[];
  of<K extends Reading['kind']>(kind: K): Extract<Reading, { kind: K }>[];
}

/** One bench per test: everything that was started is stopped behind it. */
export function driverBench() {
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
    await letGo();
    await Promise.all(simulators.map((simulator) => simulator.stop()));
    await rm(runDir, { recursive: true, force: true });
  });

  async function letGo(): Promise<void> {
    stop.abort();
    await Promise.all(devices.map(({ done }) => done));
    stop = new AbortController();
  }

  /** @param told where its log and its ledger go. */
  async function simulate(
    simulator: Simulator,
    told: Partial<Pick<SimulatorContext, 'log' | 'emit'>> = {},
  ): Promise<RunningSimulator> {
    const silent = { log: silentLog, emit: () => {} };
    const clocks = { clock, wireClock: clock };
    const context = { ...clocks, random: seededRandom(7), runDir, openLine: openPty, ...silent, ...told };
    const running = await simulator.start(context);
    simulators.push(running);
    return running;
  }

  /** @param take what happens to each reading: unless told, every scan is safe. */
  async function supervise(kind: string, options: object, take = acknowledge): Promise<Watched> {
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
      onReading: async (reading) => {
        readings.push(reading);
        take(reading);
      },
      onHealthChange: ({ state, code }: DeviceHealth) => void changes.push(code ? `${state} ${code}` : state),
    });
    devices.push(device);
    const of: Watched['of'] = (wanted) =>
      readings.filter((reading): reading is Extract<Reading, { kind: typeof wanted }> => reading.kind === wanted);
    return { device, readings, changes, of };
  }

  return {
    simulate,
    supervise,
    /** All devices are stopped, and others may be supervised. */
    letGo,
    signal: () => stop.signal,
    runDir: () => runDir,
  };
}

function acknowledge(reading: Reading): void {
  if (reading.kind === 'scan') reading.acknowledge?.(true);
}

export const eventually = (check: () => void, timeoutMs = 10_000) =>
  vi.waitFor(check, { timeout: timeoutMs, interval: 20 });

export function tcp(address: string): { host: string; port: number } {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

/**
 * Scans until one arrives: a reader does not know when somebody listens. At the pace of a hurried hand: a driver that sets its reader up waits for the
 * line to be quiet.
 */
export async function scanUntilHeard(simulator: RunningSimulator, watched: Watched, text: string): Promise<void> {
  const before = watched.of('scan').length;
  await vi.waitFor(
    async () => {
      await simulator.command('scan', { text, aim: ']C1' });
      expect(watched.of('scan').length).toBeGreaterThan(before);
    },
    { timeout: 20_000, interval: 400 },
  );
}
