import { describe, expect, it } from 'vitest';
import { Journey } from '../journey.ts';
import { seededRandom } from '../random.ts';
import { testContext } from '../testing/context.ts';
import { gpsOptions, nmeaGps } from './receiver.ts';
import { sentence, sentencesFor } from './sentences.ts';

const FIX = {
  latitude: -37.8608333,
  longitude: 145.1226667,
  altitudeMeters: 12.3,
  speedMetersPerSecond: 10,
  courseDegrees: 54.7,
};
const AT_MS = Date.UTC(2026, 10, 23, 8, 18, 36);

async function started() {
  const test = testContext();
  const journey = new Journey([
    { stop: 'hub', stopS: 5, latitude: 52.531, longitude: 13.381, speedKmh: 36 },
    { stop: 'door', stopS: 5, latitude: 52.5355, longitude: 13.381 },
  ]);
  const drive = { now: () => journey.at(test.clock.monotonicUs() / 1e6) };
  const gps = await nmeaGps('gps', gpsOptions.parse({}), drive).start(test.context);
  return { ...test, gps, line: test.line('gps') };
}

const linesOf = (text: string): string[] => text.split('\r\n').filter((line) => line !== '');
const checksumIsRight = (line: string): boolean => {
  const [body = '', given] = line.slice(1).split('*');
  return Number.parseInt(given ?? '', 16) === [...Buffer.from(body)].reduce((sum, byte) => sum ^ byte, 0);
};

describe('NMEA sentences', () => {
  // Widely published sentences: body and checksum.
  it.each([
    'GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47',
    'GPRMC,081836,A,3751.65,S,14507.36,E,000.0,360.0,130998,011.3,E*62',
    'GPGLL,4916.45,N,12311.12,W,225444,A,*1D',
  ])('checks %s', (text) => {
    const [body = ''] = text.split('*');
    expect(sentence(body)).toBe(`$${text}\r\n`);
  });

  it('says date, place, speed in knots and course', () => {
    const [rmc, gga, gsa, ...gsv] = sentencesFor(AT_MS, FIX, seededRandom(1));
    expect(rmc).toContain('GPRMC,081836.00,A,3751.65000,S,14507.36000,E,19.438,54.70,231126,,,A');
    expect(gga).toContain('GPGGA,081836.00,3751.65000,S,14507.36000,E,1,08,0.90,12.3,M,46.9,M,,');
    expect(gsa).toContain('GPGSA,A,3,02,05,07,12,15,21,25,29,,,,,1.70,0.90,1.44');
    expect(gsv).toHaveLength(3);
    expect(gsv[0]).toContain('GPGSV,3,1,10,');
    expect([rmc, gga, gsa, ...gsv].every((line) => checksumIsRight(String(line).trimEnd()))).toBe(true);
  });

  it('never writes 60 minutes', () => {
    const [rmc] = sentencesFor(AT_MS, { ...FIX, latitude: 9.99999999999, longitude: -0.00000001 }, seededRandom(1));
    expect(rmc).toContain(',1000.00000,N,00000.00000,W,');
  });

  it('without a fix it says so and leaves every place empty', () => {
    const [rmc, gga, gsa] = sentencesFor(AT_MS, undefined, seededRandom(1));
    expect(rmc).toContain('GPRMC,081836.00,V,,,,,,,231126,,,N');
    expect(gga).toContain('GPGGA,081836.00,,,,,0,00,99.99,,,,,,');
    expect(gsa).toContain('GPGSA,A,1,,,,,,,,,,,,,99.99');
  });
});

describe('GPS receiver', () => {
  it('writes six sentences each full second', async () => {
    const { clock, line } = await started();
    await clock.advance(3500);
    const lines = linesOf(line.text);
    expect(lines).toHaveLength(18);
    expect(lines.every(checksumIsRight)).toBe(true);
    const times = lines.filter((text) => text.startsWith('$GPRMC')).map((text) => text.split(',')[1]);
    expect(times).toEqual(['080001.00', '080002.00', '080003.00']);
  });

  it('follows its vehicle', async () => {
    const { clock, line } = await started();
    await clock.advance(30_000);
    const knots = linesOf(line.text)
      .filter((text) => text.startsWith('$GPRMC'))
      .map((text) => Number(text.split(',')[7]));
    expect(knots.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(knots.at(-1)).toBeCloseTo(19.438, 2);
  });

  it('loses its fix for a while', async () => {
    const { clock, line, gps, ledger } = await started();
    await gps.command('void', { seconds: 2.5 });
    expect(ledger).toMatchObject([{ kind: 'void-fix', detail: { seconds: 2.5 } }]);
    await clock.advance(4200);
    const status = linesOf(line.text)
      .filter((text) => text.startsWith('$GPRMC'))
      .map((text) => text.split(',')[2]);
    expect(status).toEqual(['V', 'V', 'A', 'A']);
    await expect(gps.command('void', { seconds: 0 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
  });

  it('writes a wrong checksum on command', async () => {
    const { clock, line, gps } = await started();
    await gps.command('checksum', { count: 1 });
    await clock.advance(1000);
    expect(linesOf(line.text).map(checksumIsRight)).toEqual([false, true, true, true, true, true]);
  });

  it('leaves no timer behind', async () => {
    const { clock, gps } = await started();
    await clock.advance(1500);
    await gps.stop();
    expect(clock.timers).toBe(0);
  });
});
