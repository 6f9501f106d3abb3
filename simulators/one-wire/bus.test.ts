import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc8Dallas, parseW1Slave } from '../../protocols/onewire/index.ts';
import { testContext } from '../testing/context.ts';
import { oneWire, oneWireOptions } from './bus.ts';

let runDir: string;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'milepost-w1-'));
});
afterEach(() => rm(runDir, { recursive: true, force: true }));

async function setup(options: object = {}) {
  const { clock, context, ledger } = testContext();
  const bus = await oneWire('bus', oneWireOptions.parse(options)).start({ ...context, runDir });
  const [first = '', second = ''] = oneWireOptions.parse(options).roms;
  const read = (rom = first) => readFile(join(bus.address, rom, 'w1_slave'), 'latin1');
  /** A second passes, and the files are written: a command waits for what is under way. */
  const second_ = async () => {
    await clock.advance(1_000);
    await bus.command('clear');
    await bus.command('attach', { sensor: 1 });
  };
  return { clock, bus, ledger, read, first, second, tick: second_ };
}

describe('a 1-Wire bus', () => {
  it('shows its sensors as the kernel does', async () => {
    const { bus, read, first, second } = await setup();
    expect((await readdir(bus.address)).sort()).toEqual([second, first, 'w1_bus_master1'].sort());
    const text = await read();
    expect(text).toMatch(/^([0-9a-f]{2} ){9}: crc=[0-9a-f]{2} YES\n([0-9a-f]{2} ){9}t=-?\d+\n$/);
    expect(parseW1Slave(text).temperatureCelsius).toBeGreaterThan(2);
    expect(parseW1Slave(text).temperatureCelsius).toBeLessThan(6);
    const bytes = Buffer.from(text.slice(0, 26).replaceAll(' ', ''), 'hex');
    expect(crc8Dallas(bytes, 0, 8)).toBe(bytes[8]);
    await bus.stop();
    expect(await readdir(runDir)).toEqual([]);
  });

  it('goes to another temperature and back, below zero too', async () => {
    const { bus, clock, ledger, read, tick } = await setup({ noiseCelsius: 0, swingCelsius: 0 });
    await bus.command('excursion', { to: -20, rampS: 1, holdS: 5 });
    await clock.advance(2_000);
    await tick();
    expect(parseW1Slave(await read()).temperatureCelsius).toBe(-20);
    expect(ledger).toEqual([expect.objectContaining({ kind: 'excursion' })]);
    await clock.advance(20_000);
    await tick();
    expect(parseW1Slave(await read()).temperatureCelsius).toBe(4);
    await bus.stop();
  });

  it('loses a sensor, its power, its checksum, itself', async () => {
    const { bus, read, first, second, tick } = await setup();
    await bus.command('power-on');
    expect(parseW1Slave(await read())).toMatchObject({ temperatureCelsius: 85, suspectPowerOn: true });
    await bus.command('remove', { sensor: 1 });
    await expect(read()).rejects.toMatchObject({ code: 'ENOENT' });
    await bus.command('attach', { sensor: 1 });
    expect(parseW1Slave(await read(first)).suspectPowerOn).toBe(false);
    await bus.command('checksum', { count: 1 });
    await bus.command('attach');
    expect(await read()).toContain('NO\n');
    await tick();
    expect(await read()).toContain('YES\n');
    await bus.command('unplug');
    expect(await readdir(runDir)).toEqual([]);
    await tick();
    expect(await readdir(runDir)).toEqual([]);
    await bus.command('replug');
    expect(parseW1Slave(await read(second)).suspectPowerOn).toBe(false);
    await bus.stop();
  });

  it('takes no folder of somebody else’s, and no sensor that it does not have', async () => {
    const { context } = testContext();
    const occupied = oneWire('bus', oneWireOptions.parse({ path: tmpdir() })).start({ ...context, runDir });
    await expect(occupied).rejects.toMatchObject({ code: 'sim-path-occupied' });
    const { bus } = await setup();
    await expect(bus.command('remove', { sensor: 3 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(bus.command('dance')).rejects.toMatchObject({ code: 'sim-command-unknown' });
    await bus.stop();
  });
});
