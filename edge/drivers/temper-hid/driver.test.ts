import { describe, expect, it } from 'vitest';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { parseHidReport } from '../../transport/transport.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/temper-hid.json' with { type: 'json' };

function capture(name: string): Buffer {
  const found = vectors.find((entry) => entry.name.includes(name));
  if (!found) throw new Error(`no fixture '${name}'`);
  return Buffer.from(found.input, 'hex');
}

const READING_QUERY = `00${capture('query temperature').toString('hex')}`;
const FIRMWARE_QUERY = `00${capture('query firmware').toString('hex')}`;

/** The firmware's name, in reports of eight bytes; as many as it fills. */
function firmware(name: string): Buffer[] {
  const text = Buffer.from(name.padEnd(16, ' '));
  return [text.subarray(0, 8), text.subarray(8, 16)];
}

/** A stick that answers so; after `deafFor` questions only. */
function stick(name: string, reports: readonly Buffer[], deafFor = 0) {
  const asked: string[] = [];
  const device = new MemoryTransport((bytes, self) => {
    const { kind, bytes: report } = parseHidReport(bytes);
    const query = Buffer.from(report).toString('hex');
    asked.push(`${kind} ${query}`);
    if (asked.length <= deafFor) return;
    for (const answer of query === FIRMWARE_QUERY ? firmware(name) : reports) self.feed(answer);
  });
  return { device, asked };
}

const temperature = (temperatureCelsius: number, channel?: string) => ({
  kind: 'temperature',
  temperatureCelsius,
  ...(channel !== undefined && { channel }),
});

describe('temper-hid', () => {
  it('is found by the maker’s ids on interface 1, or by what is configured', () => {
    const transport = (options: object) => driver.transport(driver.options.parse(options));
    expect(transport({})).toMatchObject({
      kind: 'hid',
      usbIds: expect.arrayContaining(['413d:2107']),
      interfaceNumber: 1,
    });
    expect(transport({ usbId: '1A86:E025', usbPort: '1-2' })).toEqual({
      kind: 'hid',
      usbIds: ['1a86:e025'],
      usbPort: '1-2',
      interfaceNumber: 1,
    });
  });

  it('waits a second, asks for the firmware, then for the temperature every interval', async () => {
    const { device, asked } = stick('TEMPerGold_V3.5', [capture('TEMPerGold temperature')]);
    const run = runDriver(driver, { intervalMs: 5_000 }, device);
    await run.clock.advance(990);
    expect(asked).toEqual([]);
    await run.clock.advance(11_000);
    expect(asked).toEqual([`output ${FIRMWARE_QUERY}`, ...Array(3).fill(`output ${READING_QUERY}`)]);
    expect(run.measured()).toEqual(Array(3).fill(temperature(35.12)));
    expect(run.stats).toMatchObject({ frames: 5, discardedBytes: 0 });
    await run.stop();
  });

  it('reads humidity', async () => {
    const { device } = stick('TEMPerHUM_V3.5', [capture('TEMPerHUM temperature+RH')]);
    const run = runDriver(driver, { offsetCelsius: -1.5 }, device);
    await run.clock.advance(2_000);
    expect(run.measured()).toEqual([temperature(32.38), { kind: 'humidity', relativeHumidityPercent: 31.01 }]);
    await run.stop();
  });

  it('reads both probes of a TEMPer2', async () => {
    const { device } = stick('TEMPer2_V3.9', [capture('TEMPer2 inner'), capture('TEMPer2 outer')]);
    const run = runDriver(driver, { outerChannel: 'freezer' }, device);
    await run.clock.advance(2_000);
    expect(run.measured()).toEqual([temperature(27.25), temperature(22.87, 'freezer')]);
    await run.stop();
  });

  it('counts in 256ths with old firmware, or when told so', async () => {
    // 19.5 °C in 256ths is 1380.
    const report = Buffer.from('808013804e200000', 'hex');
    for (const [name, options] of [
      ['TEMPerF1.4', {}],
      ['unknown', { unitsPerDegree: 256 }],
    ] as const) {
      const { device } = stick(name, [report]);
      const run = runDriver(driver, options, device);
      await run.clock.advance(2_000);
      expect(run.measured()).toEqual([temperature(19.5)]);
      await run.stop();
    }
  });

  it('says nothing of an empty slot', async () => {
    const { device } = stick('TEMPerX_V3.3', [Buffer.from('80804e204e200000', 'hex')]);
    const run = runDriver(driver, {}, device);
    await run.clock.advance(12_000);
    expect(run.readings).toEqual([]);
    await run.stop();
  });

  it('refuses what cannot be, once, and says when it is over', async () => {
    const reports: Buffer[] = [Buffer.from('808075304e200000', 'hex')];
    const { device } = stick('TEMPerGold_V3.5', reports);
    const run = runDriver(driver, {}, device);
    await run.clock.advance(12_000);
    expect(run.measured()).toEqual([]);
    expect(run.statuses()).toEqual([expect.stringMatching(/^value-refused: .*300 °C cannot be/)]);
    reports[0] = capture('TEMPerGold temperature');
    await run.clock.advance(10_000);
    expect(run.measured()).toEqual([temperature(35.12)]);
    expect(run.statuses()[1]).toMatch(/^sensor-recovered: /);
    await run.stop();
  });

  it('asks again when it hears nothing, and ends with device-silent when it never does', async () => {
    const { device } = stick('TEMPerGold_V3.5', [capture('TEMPerGold temperature')], 3);
    const patient = runDriver(driver, {}, device);
    await patient.clock.advance(4_000);
    expect(patient.measured()).toHaveLength(1);
    await patient.stop();

    const mute = runDriver(driver, {}, new MemoryTransport());
    await mute.clock.advance(4_000);
    expect(await mute.ended).toMatchObject({ code: 'device-silent' });
  });
});
