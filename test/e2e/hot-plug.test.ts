/**
 * Hot-plug of every serial family and of LLRP, on real ports: from the moment a device is back to its first reading it takes two seconds at most,
 * and which device node an adapter gets makes no difference.
 */
import { realpath } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  accelerometer,
  driverBench,
  eventually,
  framedScanner,
  gps,
  mercury,
  portal,
  r200,
  reader18,
  scanner,
  scanUntilHeard,
  ssiReader,
  tcp,
  thermometer,
  vehicle,
} from './driver-bench.ts';

/** What the brief of a gateway promises. */
const REPLUG_LIMIT_MS = 2_000;
/** What the device itself takes: a GPS says something once a second only, an ELM327 resets and looks for the bus. */
const OWN_MS: Readonly<Record<string, number>> = { nmea: 1_100, elm327: 800 };
/** Long enough for the look-outs to be at their longest interval. */
const AWAY_MS = 1_500;

const { simulate, supervise } = driverBench();
const away = () => new Promise((resolve) => setTimeout(resolve, AWAY_MS));

// A busy machine may take a second of its own: what counts is that it can be done.
describe('unplugging', { retry: 3 }, () => {
  it.each([
    [
      'modbus-rtu',
      thermometer,
      { units: [{ unitId: 1, map: 'sht20' }], intervalMs: 200, timeoutMs: 300 },
      'temperature',
    ],
    ['witmotion', accelerometer, { vibrationWindowMs: 300 }, 'vibration'],
    ['nmea', gps, {}, 'position'],
    ['elm327', vehicle, { intervalMs: 200 }, 'vehicle'],
  ] as const)('%s reads again within two seconds of its return', async (kind, simulator, options, reading) => {
    const running = await simulate(simulator());
    const watched = await supervise(kind, { path: running.address, ...options });
    await eventually(() => expect(watched.of(reading).length).toBeGreaterThan(0));
    for (let turn = 0; turn < 2; turn++) {
      await running.command('unplug');
      await eventually(() => expect(watched.device.health.state).toBe('offline'));
      await away();
      expect(watched.device.health).toMatchObject({ state: 'offline', code: 'port-missing' });
      const before = watched.readings.length;
      const backAt = Date.now();
      await running.command('replug');
      await eventually(() => expect(watched.readings.length).toBeGreaterThan(before));
      expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS + (OWN_MS[kind] ?? 0));
    }
    expect(watched.device.health.reconnects).toBe(2);
    expect(watched.changes.filter((change) => change === 'online')).toHaveLength(3);
  });

  it.each([
    ['serial-barcode', scanner, {}],
    ['zebra-ssi', ssiReader, {}],
    ['honeywell', framedScanner, {}],
  ] as const)('%s hears a scan within two seconds of its return', async (kind, simulator, options) => {
    const running = await simulate(simulator());
    const watched = await supervise(kind, { path: running.address, ...options });
    await scanUntilHeard(running, watched, 'BEFORE');
    await running.command('unplug');
    await eventually(() => expect(watched.device.health.state).toBe('offline'));
    await away();
    const backAt = Date.now();
    await running.command('replug');
    await scanUntilHeard(running, watched, 'AFTER');
    expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS);
    expect(watched.of('scan').at(-1)).toMatchObject({ text: 'AFTER' });
  });

  it.each([
    ['r200', r200, {}],
    ['uhfreader18', reader18, {}],
    ['thingmagic', mercury, { region: 'eu3' }],
  ] as const)('%s reads a tag within two seconds of its return', async (kind, simulator, options) => {
    const running = await simulate(simulator());
    const watched = await supervise(kind, { path: running.address, ...options });
    await running.command('tag', { epc: '3074257bf7194e4000001a85', dwellMs: 20_000 });
    await eventually(() => expect(watched.of('tag').length).toBeGreaterThan(0));
    await running.command('unplug');
    await eventually(() => expect(watched.device.health.state).toBe('offline'));
    await away();
    const before = watched.of('tag').length;
    const backAt = Date.now();
    await running.command('replug');
    await running.command('tag', { epc: '3074257bf7194e4000001a86', dwellMs: 20_000 });
    await eventually(() => expect(watched.of('tag').length).toBeGreaterThan(before));
    expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS);
  });

  it('llrp reads again within two seconds of the reader’s return', async () => {
    const running = await simulate(portal());
    const watched = await supervise('llrp', tcp(running.address));
    await eventually(() => expect(watched.changes).toEqual(['online']));
    await running.command('unplug');
    await eventually(() => expect(watched.device.health.state).toBe('offline'));
    await away();
    const backAt = Date.now();
    await running.command('replug');
    await running.command('tag', { epc: '3074257bf7194e4000001a85', antenna: 1, dwellMs: 5_000 });
    await eventually(() => expect(watched.of('tag').length).toBeGreaterThan(0));
    expect(Date.now() - backAt).toBeLessThan(REPLUG_LIMIT_MS);
  });
});

describe('two adapters of one make', () => {
  it('come back with each other’s device node, and every scan is still its own scanner’s', async () => {
    // The simulators’ links stand for those of /dev/serial/by-id and by-path: they follow the adapter, the node behind them does not.
    const [left, right] = [await simulate(scanner('left')), await simulate(scanner('right'))];
    const watched = {
      left: await supervise('serial-barcode', { path: left.address }),
      right: await supervise('serial-barcode', { path: right.address }),
    };
    await scanUntilHeard(left, watched.left, 'LEFT');
    await scanUntilHeard(right, watched.right, 'RIGHT');
    const nodes = async () => [await realpath(left.address), await realpath(right.address)];
    const before = await nodes();
    // The system gives the lowest free number; another program may have taken one in between.
    for (let turn = 0, after = before; String(after) !== String(before.toReversed()); turn++) {
      expect(turn).toBeLessThan(10);
      await left.command('unplug');
      await right.command('unplug');
      await eventually(() => expect(watched.left.device.health.state).toBe('offline'));
      await eventually(() => expect(watched.right.device.health.state).toBe('offline'));
      const [first, second] = (before[0] ?? '') < (before[1] ?? '') ? [right, left] : [left, right];
      await first.command('replug');
      await second.command('replug');
      after = await nodes();
    }
    for (let scan = 0; scan < 5; scan++) {
      await scanUntilHeard(left, watched.left, 'LEFT');
      await scanUntilHeard(right, watched.right, 'RIGHT');
    }
    expect(new Set(watched.left.of('scan').map(({ text }) => text))).toEqual(new Set(['LEFT']));
    expect(new Set(watched.right.of('scan').map(({ text }) => text))).toEqual(new Set(['RIGHT']));
  });
});
