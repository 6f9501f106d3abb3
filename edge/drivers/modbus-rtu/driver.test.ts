import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { settle } from '../../transport/event-loop-clock.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import exchanges from './fixtures/exchanges.json' with { type: 'json' };

const XY = { path: '/dev/serial/by-path/x', units: [{ unitId: 1, map: 'xy-md02' }] };
const both = exchange('XY-MD02, both registers');

function exchange(name: string) {
  const found = named(exchanges, name);
  return { request: found.request, answer: Buffer.from(found.answer, 'hex') };
}

/** A bus on which these requests are answered, in pieces of these sizes; others are not. */
function bus(answers: { request: string; answer: Buffer }[], pieces: number[] = []): MemoryTransport {
  return new MemoryTransport((bytes, device) => {
    const found = answers.find(({ request }) => request === bytes.toString('hex'));
    if (found) device.feed(found.answer, pieces);
  });
}

const hex = (transport: MemoryTransport) => transport.writes.map((bytes) => bytes.toString('hex'));

describe('modbus-rtu', () => {
  it.each([
    [both.answer.toString('hex'), 30.5, 54.6],
    [exchange('23.5 °C, 56.7 %RH').answer.toString('hex'), 23.5, 56.7],
  ])('reads %s split at every offset', async (answer, temperatureCelsius, relativeHumidityPercent) => {
    for (let at = 1; at < answer.length / 2; at++) {
      const device = bus([{ ...both, answer: Buffer.from(answer, 'hex') }], [at, 99]);
      const run = runDriver(driver, XY, device);
      await run.clock.advance(100);
      expect(run.measured()).toEqual([
        { kind: 'temperature', temperatureCelsius },
        { kind: 'humidity', relativeHumidityPercent },
      ]);
      expect(hex(device)).toEqual([both.request]);
      expect(run.stats).toEqual({ bytes: 9, frames: 1, discardedBytes: 0, checksumErrors: 0 });
      await run.stop();
    }
  });

  it('asks again every interval, and once more than `retries` in a round', async () => {
    const device = bus([]);
    const run = runDriver(driver, { ...XY, intervalMs: 5_000, timeoutMs: 200, retries: 2 }, device);
    await run.clock.advance(1_000);
    expect(device.writes).toHaveLength(3);
    await run.clock.advance(5_000);
    expect(device.writes).toHaveLength(6);
    expect(run.readings).toEqual([]);
  });

  it('ends with device-silent after three rounds without any answer', async () => {
    const run = runDriver(driver, { ...XY, intervalMs: 1_000, timeoutMs: 100, retries: 0 }, bus([]));
    await run.clock.advance(10_000);
    expect(await run.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringMatching(/^unit 1 did not answer in 1 tries of 100 ms.*baud rate/),
    });
    expect(run.readings).toEqual([]);
  });

  it('finds the answer in noise and behind an echo of the request', async () => {
    const noisy = Buffer.concat([Buffer.from('0104ff00', 'hex'), Buffer.from(both.request, 'hex'), both.answer]);
    const run = runDriver(driver, XY, bus([{ ...both, answer: noisy }], [3]));
    await run.clock.advance(100);
    expect(run.measured()).toHaveLength(2);
    expect(run.stats).toMatchObject({ frames: 1, discardedBytes: noisy.length - both.answer.length });
    await run.stop();
  });

  it('tells silence of one unit once while another goes on, and its return', async () => {
    let present = false;
    const second = { ...exchange('three holding registers of unit 17') };
    const device = new MemoryTransport((bytes, transport) => {
      if (bytes.toString('hex') === both.request) transport.feed(both.answer);
      if (bytes.toString('hex') === second.request && present) transport.feed(second.answer);
    });
    const run = runDriver(
      driver,
      {
        ...XY,
        intervalMs: 1_000,
        timeoutMs: 100,
        retries: 0,
        units: [
          {
            unitId: 17,
            points: [107, 108, 109].map((address) => ({ quantity: 'temperature', functionCode: 3, address })),
          },
          { unitId: 1, map: 'xy-md02', channel: 'dock' },
        ],
      },
      device,
    );
    await run.clock.advance(5_500);
    expect(run.statuses()).toEqual([expect.stringMatching(/^unit-silent: unit 17 did not answer/)]);
    expect(run.measured()).toContainEqual({ kind: 'temperature', temperatureCelsius: 30.5, channel: 'dock' });
    present = true;
    await run.clock.advance(2_000);
    expect(run.statuses().slice(1)).toEqual(['unit-recovered: unit 17 reads again']);
    // AE41 as a signed number: the point's type is int16.
    expect(run.measured()).toContainEqual({ kind: 'temperature', temperatureCelsius: 0xae41 - 0x10000 });
    await run.stop();
  });

  it('tells an exception once, with its name and what was asked', async () => {
    const { request, answer } = exchange('exception 4 of unit 17');
    const points = [{ quantity: 'temperature', functionCode: 3, address: 107, type: 'int16' }];
    const asked = [...points, { ...points[0], address: 109 }, { ...points[0], address: 108 }];
    const device = bus([{ request, answer }]);
    const run = runDriver(driver, { ...XY, intervalMs: 1_000, units: [{ unitId: 17, points: asked }] }, device);
    await run.clock.advance(3_500);
    expect(run.statuses()).toEqual([
      'unit-refused: unit 17 refused function 3, address 107, quantity 3: server-device-failure (4): check its register map',
    ]);
    expect(device.writes).toHaveLength(4);
    await run.stop();
  });

  it('reads contacts with either polarity', async () => {
    const points = [0, 1, 2, 3, 4, 5, 6, 7].map((address) => ({
      quantity: 'contact',
      functionCode: 2,
      address,
      openWhen: address !== 7,
      channel: `door-${address}`,
    }));
    const run = runDriver(driver, { ...XY, units: [{ unitId: 1, points }] }, bus([exchange('eight discrete inputs')]));
    await run.clock.advance(100);
    // Inputs 1,0,1,1,0,0,0,1; the last one is closed when it is set.
    expect(run.measured()).toEqual(
      [true, false, true, true, false, false, false, false].map((open, i) => ({
        kind: 'contact',
        open,
        channel: `door-${i}`,
      })),
    );
    await run.stop();
  });

  it('tells a value that cannot be true instead of emitting it', async () => {
    // 7FFF: 3276.7 °C. The frame's CRC is computed over the manual's answer with only this register changed.
    const run = runDriver(driver, XY, bus([{ ...both, answer: Buffer.from('0104047fff02225319', 'hex') }]));
    await run.clock.advance(100);
    expect(run.measured()).toEqual([{ kind: 'humidity', relativeHumidityPercent: 54.6 }]);
    expect(run.statuses()).toEqual(['value-refused: unit 1: temperature is out-of-range, raw value 32767']);
    await run.stop();
  });

  it('converts units, and gives a marked value no reading', async () => {
    const answer = exchange('three holding registers of unit 17');
    const units = [
      {
        unitId: 17,
        points: [
          { quantity: 'temperature', functionCode: 3, address: 107, type: 'uint16', scale: 0.01, unit: 'kelvin' },
          { quantity: 'temperature', functionCode: 3, address: 108, type: 'uint16', scale: 0.01, unit: 'fahrenheit' },
          { quantity: 'temperature', functionCode: 3, address: 109, type: 'uint16', invalid: [0x4340] },
        ],
      },
    ];
    const run = runDriver(driver, { ...XY, units }, bus([answer]));
    await run.clock.advance(100);
    expect(run.measured()).toEqual([
      { kind: 'temperature', temperatureCelsius: 172.94 },
      { kind: 'temperature', temperatureCelsius: 104.989 },
    ]);
    expect(run.statuses()).toEqual(['value-refused: unit 17: temperature 3 is invalid, raw value 17216']);
    await run.stop();
  });

  it('waits for quiet after a time-out, so that a late answer is not taken for the next', async () => {
    let first = true;
    const device = new MemoryTransport((_, transport) => {
      if (first) run.clock.after(140, () => transport.feed(exchange('23.5 °C, 56.7 %RH').answer));
      else transport.feed(both.answer);
      first = false;
    });
    const run = runDriver(driver, { ...XY, timeoutMs: 120, retries: 1 }, device);
    await run.clock.advance(1_000);
    expect(run.measured()).toEqual([
      { kind: 'temperature', temperatureCelsius: 30.5 },
      { kind: 'humidity', relativeHumidityPercent: 54.6 },
    ]);
    await run.stop();
  });

  it('ends in order when the port ends, and with the port’s error when it is lost', async () => {
    const ended = bus([both]);
    const run = runDriver(driver, XY, ended);
    await run.clock.advance(100);
    ended.end();
    expect(await run.ended).toBeUndefined();

    const lost = bus([both]);
    const other = runDriver(driver, XY, lost);
    await other.clock.advance(100);
    lost.lose();
    expect(await other.ended).toMatchObject({ code: 'port-lost' });
    await settle();
    expect(other.clock.timers).toBe(0);
  });
});

describe('modbus-rtu options', () => {
  const parse = (options: object) =>
    driver.options.safeParse({ path: '/dev/x', units: [{ unitId: 1, map: 'sht20' }], ...options });

  it('has the factory settings of the family as defaults', () => {
    expect(parse({}).data).toMatchObject({ baudRate: 9600, parity: 'none', intervalMs: 10_000, retries: 2 });
  });

  it.each([
    ['an unknown key', { baudrate: 9600 }],
    ['a relative path', { path: 'ttyUSB0' }],
    ['no unit', { units: [] }],
    ['an unknown map', { units: [{ unitId: 1, map: 'xy-md03' }] }],
    ['neither map nor points', { units: [{ unitId: 1 }] }],
    ['both', { units: [{ unitId: 1, map: 'sht20', points: [{ quantity: 'contact', functionCode: 2, address: 0 }] }] }],
    ['the broadcast', { units: [{ unitId: 0, map: 'sht20' }] }],
    [
      'a contact in a register',
      { units: [{ unitId: 1, points: [{ quantity: 'contact', functionCode: 4, address: 0 }] }] },
    ],
    [
      'a temperature in a bit',
      { units: [{ unitId: 1, points: [{ quantity: 'temperature', functionCode: 2, address: 0 }] }] },
    ],
  ])('refuses %s', (_, options) => {
    expect(parse(options).success).toBe(false);
  });
});
