import { describe, expect, it } from 'vitest';
import { formatW1Slave } from '../../../protocols/onewire/index.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import type { FileRequest } from '../../transport/transport.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/w1-slave.json' with { type: 'json' };

const A = '28-0316a2795aff';
const B = '28-000005e2fdc3';
const ROUND_MS = 10_000;

function file(celsius: number): string {
  const found = vectors.find(({ expected }) => 'tempC' in expected && expected.tempC === celsius);
  if (!found) throw new Error(`no fixture of ${celsius} °C`);
  return found.input;
}

/** Configuration register 3f (data sheet of the DS18B20). */
const TEN_BITS = '58 01 4b 46 3f ff 0c 10 22 : crc=22 YES\n58 01 4b 46 3f ff 0c 10 22 t=21500\n';
const NO = vectors.find(({ name }) => name.endsWith('NO'))?.input ?? '';

/** A folder of the kernel's; what is not in it does not exist. An `undefined` file hangs. */
function bus(files: Record<string, string | undefined>, pieces: number[] = []) {
  const asked: FileRequest[] = [];
  const answer = (request: FileRequest): object | undefined => {
    if ('list' in request) return { names: ['w1_bus_master1', ...new Set(Object.keys(files).map(romOf))] };
    const name = 'read' in request ? request.read : request.write;
    if (!(name in files)) return { error: 'ENOENT', path: name };
    if ('write' in request) return { wrote: name };
    return files[name] === undefined ? undefined : { read: name, text: files[name] };
  };
  const device = new MemoryTransport((bytes, self) => {
    const request = JSON.parse(bytes.toString()) as FileRequest;
    asked.push(request);
    const said = answer(request);
    if (said) self.feed(`${JSON.stringify(said)}\n`, pieces);
  });
  return { device, asked };
}

function romOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function temperature(channel: string, temperatureCelsius: number) {
  return { kind: 'temperature', channel, temperatureCelsius };
}

describe('one-wire', () => {
  it('reads every thermometer of the bus under its ROM id, in pieces of any size', async () => {
    for (const size of [1, 2, 3, 7, 50]) {
      const { device } = bus(
        { [`${A}/w1_slave`]: file(23.125), [`${B}/w1_slave`]: file(15.125), '29-00000000abcd/x': '' },
        [size],
      );
      const run = runDriver(driver, {}, device);
      await run.clock.advance(ROUND_MS + 100);
      const round = [temperature(A, 23.125), temperature(B, 15.125)];
      expect(run.measured()).toEqual([...round, ...round]);
      expect(run.stats.discardedBytes).toBe(0);
      await run.stop();
    }
  });

  it('calls configured sensors by their channel, and says which one is missing, once, and when it is back', async () => {
    const files: Record<string, string> = { [`${A}/w1_slave`]: file(23.125) };
    const { device } = bus(files);
    const sensors = [{ rom: B, channel: 'freezer' }, { rom: A.toUpperCase() }];
    const run = runDriver(driver, { sensors }, device);
    await run.clock.advance(2 * ROUND_MS + 100);
    expect(run.measured()).toEqual(Array(3).fill(temperature(A, 23.125)));
    expect(run.statuses()).toEqual([`sensor-absent: freezer (${B}) is not on the bus: check its wiring`]);
    files[`${B}/w1_slave`] = file(15.125);
    await run.clock.advance(ROUND_MS);
    expect(run.measured().at(-2)).toEqual(temperature('freezer', 15.125));
    expect(run.statuses().at(-1)).toBe(`sensor-recovered: freezer (${B}) reads again`);
    await run.stop();
  });

  it('a sensor that disappears and comes under way', async () => {
    const files: Record<string, string> = { [`${A}/w1_slave`]: file(23.125), [`${B}/w1_slave`]: file(15.125) };
    const { device } = bus(files);
    const run = runDriver(driver, {}, device);
    await run.clock.advance(100);
    delete files[`${B}/w1_slave`];
    await run.clock.advance(2 * ROUND_MS);
    expect(run.statuses()).toEqual([expect.stringMatching(/^sensor-absent: 28-000005e2fdc3/)]);
    expect(run.measured()).toHaveLength(4);
    await run.stop();
  });

  it.each([
    ['a wrong checksum', NO, /w1-crc/],
    ['nothing', '', /w1-empty/],
    ['the value of power-on', file(85), /exactly 85 °C/],
  ])('refuses %s', async (_, text, reason) => {
    const files: Record<string, string> = { [`${A}/w1_slave`]: text, [`${B}/w1_slave`]: file(15.125) };
    const { device } = bus(files);
    const run = runDriver(driver, {}, device);
    await run.clock.advance(ROUND_MS + 100);
    expect(run.measured()).toEqual(Array(2).fill(temperature(B, 15.125)));
    expect(run.statuses()).toEqual([expect.stringMatching(/^value-refused: /)]);
    expect(run.statuses()[0]).toMatch(reason);
    expect(run.stats.checksumErrors).toBe(reason.source === 'w1-crc' ? 2 : 0);
    files[`${A}/w1_slave`] = file(23.125);
    await run.clock.advance(ROUND_MS);
    expect(run.statuses()[1]).toMatch(/^sensor-recovered: /);
    await run.stop();
  });

  it('takes 85 °C where it was nearly as hot before', async () => {
    const hot = formatW1Slave(81.25);
    const files = { [`${A}/w1_slave`]: hot };
    const { device } = bus(files);
    const run = runDriver(driver, {}, device);
    await run.clock.advance(100);
    files[`${A}/w1_slave`] = file(85);
    await run.clock.advance(ROUND_MS);
    expect(run.measured()).toEqual([temperature(A, 81.25), temperature(A, 85)]);
    await run.stop();
  });

  it('sets the resolution when a sensor comes, and when it has lost it', async () => {
    const files: Record<string, string> = { [`${A}/w1_slave`]: file(23.125), [`${A}/resolution`]: '12\n' };
    const { device, asked } = bus(files);
    const run = runDriver(driver, { resolutionBits: 10 }, device);
    const written = () => asked.filter((request) => 'write' in request);
    await run.clock.advance(2 * ROUND_MS);
    // The sensor says that it still has 12 bits (it lost its power): it is told again in each round.
    expect(written()).toEqual(Array(3).fill({ write: `${A}/resolution`, text: '10\n' }));
    files[`${A}/w1_slave`] = TEN_BITS;
    await run.clock.advance(2 * ROUND_MS);
    expect(written()).toHaveLength(4);
    delete files[`${A}/resolution`];
    const slave = files[`${A}/w1_slave`] ?? '';
    delete files[`${A}/w1_slave`];
    await run.clock.advance(ROUND_MS);
    files[`${A}/w1_slave`] = slave;
    await run.clock.advance(ROUND_MS);
    expect(written()).toHaveLength(5);
    expect(run.statuses()).toContainEqual(expect.stringMatching(/^resolution-refused: .*ENOENT/));
    await run.stop();
  });

  it('reads the plain file where that is asked for', async () => {
    const { device } = bus({ [`${A}/temperature`]: '-10125\n' });
    const run = runDriver(driver, { file: 'temperature' }, device);
    await run.clock.advance(100);
    expect(run.measured()).toEqual([temperature(A, -10.125)]);
    await run.stop();
  });

  it('does not ask a sensor that hangs again before it has come back', async () => {
    const { device, asked } = bus({ [`${A}/w1_slave`]: undefined });
    const run = runDriver(driver, { timeoutMs: 3_000, intervalMs: 4_000 }, device);
    await run.clock.advance(7_900);
    expect(asked.filter((request) => 'read' in request)).toHaveLength(1);
    expect(run.statuses()).toEqual([expect.stringMatching(/^sensor-silent: .* within 3000 ms/)]);
    // The late answer belongs to the question of long ago, and is not taken for another's.
    device.feed(`${JSON.stringify({ read: `${A}/w1_slave`, text: file(23.125) })}\n`);
    await run.clock.advance(4_000);
    expect(asked.filter((request) => 'read' in request)).toHaveLength(2);
    expect(run.measured()).toEqual([]);
    await run.stop();
  });

  it('ends with device-silent when no sensor gives anything', async () => {
    const { device } = bus({});
    const run = runDriver(driver, {}, device);
    await run.clock.advance(3 * ROUND_MS);
    expect(await run.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringContaining('no thermometer'),
    });
  });

  it('ends in order when the port ends', async () => {
    const run = runDriver(driver, {}, new MemoryTransport((_, device) => device.end()));
    expect(await run.ended).toBeUndefined();
  });
});
