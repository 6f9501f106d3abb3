import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import exchanges from './fixtures/exchanges.json' with { type: 'json' };

const OPTIONS = {
  host: '192.0.2.40',
  units: [{ unitId: 1, map: 'xy-md02' }],
  intervalMs: 1_000,
  timeoutMs: 100,
  retries: 1,
};

/** The n-th answer of the server, with the transaction number of the request as a real one has it. */
function server(
  name: string,
  wrap: (answer: Buffer) => Buffer = (answer) => answer,
  pieces: number[] = [],
): MemoryTransport {
  const found = named(exchanges, name);
  return new MemoryTransport((bytes, device) => {
    const request = Buffer.from(found.request, 'hex');
    const answer = Buffer.from(found.answer, 'hex');
    bytes.copy(request, 0, 0, 2);
    bytes.copy(answer, 0, 0, 2);
    if (request.equals(bytes)) device.feed(wrap(answer), pieces);
  });
}

const CLIMATE = [
  { kind: 'temperature', temperatureCelsius: 30.5 },
  { kind: 'humidity', relativeHumidityPercent: 54.6 },
];

describe('modbus-tcp', () => {
  it('asks for the unit’s registers and reads the answer split at every offset', async () => {
    for (let at = 1; at < 13; at++) {
      const device = server('XY-MD02 behind a gateway', undefined, [at, 99]);
      const run = runDriver(driver, OPTIONS, device);
      await run.clock.advance(10);
      expect(run.measured()).toEqual(CLIMATE);
      expect(run.stats).toEqual({ bytes: 13, frames: 1, discardedBytes: 0, checksumErrors: 0 });
      await run.stop();
    }
  });

  it('passes over a late answer to an earlier request', async () => {
    const late = (answer: Buffer) => {
      const other = Buffer.from(answer);
      other.writeUInt16BE((answer.readUInt16BE(0) + 0xffff) & 0xffff, 0);
      other.writeUInt16BE(999, 9);
      return Buffer.concat([other, answer]);
    };
    const run = runDriver(driver, OPTIONS, server('XY-MD02 behind a gateway', late));
    await run.clock.advance(2_500);
    expect(run.measured()).toEqual([...CLIMATE, ...CLIMATE, ...CLIMATE]);
    await run.stop();
  });

  it('counts a gateway’s "target failed to respond" as silence of the unit', async () => {
    const run = runDriver(driver, OPTIONS, server('gateway: target failed to respond'));
    await run.clock.advance(5_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
    expect(run.stats.frames).toBeGreaterThan(0);
  });

  it('tells an exception', async () => {
    const points = [{ quantity: 'contact', functionCode: 1, address: 0x04a1 }];
    const run = runDriver(
      driver,
      { ...OPTIONS, units: [{ unitId: 1, points }] },
      server('exception: illegal data address'),
    );
    await run.clock.advance(3_000);
    expect(run.statuses()).toEqual([
      expect.stringMatching(/^unit-refused: unit 1 refused .*illegal-data-address \(2\)/),
    ]);
    await run.stop();
  });

  it('ends with device-silent when the server takes requests and says nothing', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    await run.clock.advance(5_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
    expect(device.writes).toHaveLength(6);
  });

  it('ends in order when the server closes', async () => {
    const device = server('XY-MD02 behind a gateway');
    const run = runDriver(driver, OPTIONS, device);
    await run.clock.advance(10);
    device.end();
    expect(await run.ended).toBeUndefined();
  });

  it('has port 502 as default and knows no serial options', () => {
    expect(driver.options.parse({ host: 'plc', units: OPTIONS.units })).toMatchObject({ port: 502 });
    expect(driver.options.safeParse({ ...OPTIONS, baudRate: 9600 }).success).toBe(false);
  });
});
