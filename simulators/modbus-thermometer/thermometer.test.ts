import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { testContext } from '../testing/context.ts';
import { modbusThermometer, type ThermometerOptions, thermometerOptions } from './thermometer.ts';

const STILL = { swingCelsius: 0, noiseCelsius: 0 };

async function started(options: Partial<ThermometerOptions> = {}) {
  const test = testContext();
  const thermometer = await modbusThermometer('t1', thermometerOptions.parse({ ...STILL, ...options })).start(
    test.context,
  );
  const line = test.line('t1');
  const ask = async (...requests: string[]): Promise<string> => {
    line.sent.length = 0;
    for (const request of requests) line.fromHost(Buffer.from(request, 'hex'));
    await test.clock.advance(100);
    return Buffer.concat(line.sent).toString('hex');
  };
  return { ...test, thermometer, ask };
}

const temperatureOf = (answer: string): number => Buffer.from(answer, 'hex').readInt16BE(3) / 10;

// Requests: mbpoll against pymodbus, captured; XY-MD02 manual. Answers with their CRCs from the same captures.
const READ_BOTH = '010400010002200b';
const READ_TEMPERATURE = '010400010001600a';

describe('Modbus thermometer', () => {
  it('answers the temperature like the manual', async () => {
    const { ask } = await started({ baseCelsius: 30.5 });
    expect(await ask(READ_TEMPERATURE)).toBe('01040201317974');
  });

  it('answers temperature and humidity in one read', async () => {
    const { ask } = await started({ baseCelsius: -7.3, humidityPercent: 55 });
    const answer = Buffer.from(await ask(READ_BOTH), 'hex');
    expect(answer.subarray(0, 3).toString('hex')).toBe('010404');
    expect(answer.readInt16BE(3)).toBe(-73);
    expect(Math.abs(answer.readUInt16BE(5) - 550)).toBeLessThan(60);
  });

  it('puts a request together from any pieces', async () => {
    const { ask, clock, line } = await started({ baseCelsius: 30.5 });
    for (let at = 1; at < 8; at++) {
      line('t1').fromHost(Buffer.from(READ_TEMPERATURE.slice(0, 2 * at), 'hex'));
      await clock.advance(10);
      expect(await ask(READ_TEMPERATURE.slice(2 * at))).toBe('01040201317974');
    }
  });

  it('keeps silent to other units and to a wrong CRC, and to a torn frame once the line was quiet', async () => {
    const { ask } = await started({ baseCelsius: 30.5 });
    expect(await ask('090300010001d482')).toBe('');
    expect(await ask('010400010001600b')).toBe('');
    expect(await ask('01040001')).toBe('');
    expect(await ask(READ_TEMPERATURE)).toBe('01040201317974');
  });

  it.each([
    // Exception frames computed by hand from MODBUS over Serial Line, clause 6.2.2.
    ['an address it lacks', '0103003000018405', '018302c0f1'],
    ['a function it lacks', '01020000000879cc', '018201'],
  ])('refuses %s with an exception', async (_what, request, start) => {
    const { ask } = await started();
    expect((await ask(request)).startsWith(start)).toBe(true);
  });

  it('lets a host read and set its address, which it answers to from then on', async () => {
    const { ask } = await started({ baseCelsius: 30.5 });
    expect(await ask('0103010100041435')).toMatch(/^0103080001000000000000/);
    const echo = await ask('010601010008d830');
    expect(echo.slice(0, 12)).toBe('010601010008');
    expect(await ask(READ_TEMPERATURE)).toBe('');
    expect((await ask('0804000100022092')).slice(0, 10)).toBe('0804040131');
  });

  it('serves the register map of the clones', async () => {
    const { ask } = await started({ registers: 'xy-md02-clone', baseCelsius: 21.5 });
    expect(temperatureOf(await ask('010300000002c40b'))).toBe(21.5);
    expect((await ask(READ_TEMPERATURE)).slice(0, 6)).toBe('018402');
  });

  it('goes through an excursion and comes back', async () => {
    const { ask, clock, thermometer, ledger } = await started({ baseCelsius: 4 });
    await thermometer.command('excursion', { to: 12, rampS: 4, holdS: 10 });
    expect(ledger).toMatchObject([{ kind: 'excursion', detail: { toCelsius: 12, rampS: 4, holdS: 10 } }]);
    await clock.advance(1900);
    expect(temperatureOf(await ask(READ_BOTH))).toBeCloseTo(8, 0);
    await clock.advance(6000);
    expect(temperatureOf(await ask(READ_BOTH))).toBe(12);
    await clock.advance(12_000);
    expect(temperatureOf(await ask(READ_BOTH))).toBe(4);
    await expect(thermometer.command('excursion', { to: 500 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
  });

  it('gives the same curve for the same seed, however often it is asked', async () => {
    const readings = async (polls: number): Promise<number[]> => {
      const { ask, clock } = await started({ baseCelsius: 4, noiseCelsius: 0.5, swingCelsius: 1 });
      const values: number[] = [];
      for (let second = 0; second < 5; second++) {
        for (let poll = 0; poll < polls; poll++) {
          const value = temperatureOf(await ask(READ_BOTH));
          if (poll === 0) values.push(value);
        }
        await clock.advance(1000 - polls * 100);
      }
      return values;
    };
    const once = await readings(1);
    expect(await readings(3)).toEqual(once);
    expect(new Set(once).size).toBeGreaterThan(2);
  });

  it('spoils its CRC, keeps silent, repeats itself on command', async () => {
    const { ask, thermometer } = await started({ baseCelsius: 30.5 });
    await thermometer.command('checksum', { count: 1 });
    expect(await ask(READ_TEMPERATURE)).toMatch(/^010402013179(?!74)/);
    await thermometer.command('silence', { count: 1 });
    expect(await ask(READ_TEMPERATURE)).toBe('');
    await thermometer.command('duplicate', { count: 1 });
    expect(await ask(READ_TEMPERATURE)).toBe('0104020131797401040201317974');
  });

  it('speaks Modbus TCP beside it', async () => {
    const { thermometer } = await started({ baseCelsius: 30.5, tcpPort: 0 });
    const port = Number(thermometer.otherAddresses?.[0]?.split(':')[1]);
    const socket = createConnection({ host: '127.0.0.1', port });
    const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.write(Buffer.from('00070000000601' + '0400010001', 'hex'));
    expect((await answer).toString('hex')).toBe('00070000000501' + '04020131');
    socket.destroy();
    await thermometer.stop();
  });

  it('leaves no timer behind', async () => {
    const { ask, clock, thermometer, line } = await started();
    await ask('0104');
    await thermometer.stop();
    expect(line('t1').closed).toBe(true);
    expect(clock.timers).toBe(0);
  });
});
