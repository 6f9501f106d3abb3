/**
 * The drivers under their supervisor on real ports: pseudo-terminals through the operating system's serial driver, and TCP. The devices are
 * simulators; that those are accepted as the real thing by independent programs is tested with the simulators.
 */
import { closeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openSerial } from '../../edge/transport/serial.ts';
import { openNativePty } from '../../simulators/native-pty.ts';
import {
  accelerometer,
  clock,
  driverBench,
  eventually,
  gps,
  portal,
  STANDING,
  scanner,
  scanUntilHeard,
  tcp,
  thermometer,
} from './driver-bench.ts';

const { simulate, supervise, letGo, signal } = driverBench();

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
    await letGo();
    const third = await supervise('llrp', tcp(simulator.address));
    await eventually(() => expect(third.device.health.state).toBe('online'), 3_000);
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
    const wedged = await openSerial({ kind: 'serial', path: pty, baudRate: 9600 }, signal());
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
