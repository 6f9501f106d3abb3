import { describe, expect, it } from 'vitest';
import {
  decodeNmea,
  encodeNmea,
  type Fix,
  type NoFix,
  PositionAssembler,
  sentencesOfFix,
  sentencesOfNoFix,
} from './index.ts';

const waive = { requireChecksum: false };

/** All epochs of a recording; the last one ends in silence. */
function assemble(lines: readonly string[], assembler = new PositionAssembler()): (Fix | NoFix)[] {
  const epochs = [...lines.map((line) => assembler.push(decodeNmea(line, waive))), assembler.idle()];
  return epochs.filter((epoch) => epoch !== undefined);
}

describe('PositionAssembler', () => {
  // Sentences of one receiver (SparkFun's u-blox recording, fixtures/nmea.json), set to one second.
  it('merges the sentences of one second', () => {
    const [fix, ...others] = assemble([
      '$GNRMC,001031.00,A,4404.13993,N,12118.86023,W,0.146,84.4,100117,,,A*7B'.slice(0, -3),
      '$GNVTG,,T,,M,0.146,N,0.271,K,A',
      '$GNGGA,001031.00,4404.13993,N,12118.86023,W,2,12,0.98,1113.0,M,-21.3,M,,',
      '$GNGSA,A,3,80,71,73,79,69,,,,,,,,1.83,1.09,1.47',
      '$GPGSV,1,1,00',
      '$GNGLL,4404.13993,N,12118.86023,W,001031.00,A,A',
    ]);
    expect(others).toEqual([]);
    expect(fix).toEqual({
      kind: 'fix',
      latitude: 44.068998833,
      longitude: -121.314337167,
      altitudeMeters: 1113,
      speedMetersPerSecond: (0.146 * 1852) / 3600,
      courseDegrees: 84.4,
      hdop: 0.98,
      satellites: 12,
      dimensions: 3,
      utc: { ms: Date.UTC(2017, 0, 10, 0, 10, 31) },
      quality: 'differential',
    });
  });

  it('gives an epoch when the next begins', () => {
    const assembler = new PositionAssembler();
    const first = '$GPRMC,235959.50,A,4807.038,N,01131.000,E,0.0,,311226,,,A';
    expect(assembler.push(decodeNmea(first, waive))).toBeUndefined();
    const next = assembler.push(decodeNmea('$GPGGA,000000.50,4807.040,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,', waive));
    expect(next).toMatchObject({
      kind: 'fix',
      latitude: 48.1173,
      utc: { ms: Date.UTC(2026, 11, 31, 23, 59, 59, 500) },
    });
    // The second epoch has no date of its own: it follows the first across midnight.
    expect(assembler.idle()).toMatchObject({ altitudeMeters: 545.4, utc: { ms: Date.UTC(2027, 0, 1, 0, 0, 0, 500) } });
    expect(assembler.idle()).toBeUndefined();
  });

  it.each([
    ['u-blox cold start, without time', ['$GPRMC,,V,,,,,,,,,,N', '$GPVTG,,,,,,,,,N', '$GPGGA,,,,,,0,00,99.99,,,,,,']],
    ['a stale position under status V', ['$GPRMC,120000,V,4807.038,N,01131.000,E,000.0,,130998,,,N']],
    [
      'one void sentence among valid ones',
      [
        '$GPGGA,120000,4807.038,N,01131.000,E,1,08,0.9,545.4,M,,M,,',
        '$GPRMC,120000,V,4807.038,N,01131.000,E,0,,130998,,',
      ],
    ],
    ['quality 0 at 0,0', ['$GPGGA,120000,0000.000,N,00000.000,E,0,00,,,M,,M,,']],
  ])('no position: %s', (_name, lines) => {
    const epochs = assemble(lines);
    expect(epochs).toHaveLength(1);
    expect(epochs[0]?.kind).toBe('no-fix');
  });

  it('void epochs without time are told apart by repetition', () => {
    const second = ['$GPRMC,,V,,,,,,,,,,N', '$GPGGA,,,,,,0,00,99.99,,,,,,', '$GPGLL,,,,,,V,N'];
    expect(assemble([...second, ...second, ...second])).toHaveLength(3);
  });

  it('a void epoch does not date the ones after it', () => {
    // A receiver's backup clock may be wrong until it has a fix.
    const epochs = assemble([
      '$GPRMC,120000,V,,,,,,,060180,,,N',
      '$GPGGA,120001,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,',
    ]);
    expect(epochs.map((epoch) => epoch.kind)).toEqual(['no-fix', 'fix']);
    expect(epochs[1]).not.toHaveProperty('utc');
  });

  it('dates by ZDA where no RMC comes, and forgets the date on reset()', () => {
    const assembler = new PositionAssembler();
    const gga = '$GPGGA,082710.00,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,';
    expect(assemble([gga, '$GPZDA,082710.00,16,09,2026,00,00'], assembler)).toMatchObject([
      { utc: { ms: Date.UTC(2026, 8, 16, 8, 27, 10) } },
    ]);
    assembler.reset();
    expect(assemble([gga], assembler)[0]).not.toHaveProperty('utc');
  });

  it.each([
    [4, 'rtk-fixed'],
    [8, 'simulated'],
  ])('GGA quality %i is %s', (quality, name) => {
    expect(assemble([`$GPGGA,120000,4807.038,N,01131.000,E,${quality},08,0.9,545.4,M,,M,,`])).toMatchObject([
      { quality: name },
    ]);
  });

  it('quality from the mode of RMC and GNS, the best of several systems', () => {
    const at = '120000,5114.51176,N,00012.29380,W';
    expect(assemble([`$GNGNS,${at},ADNN,07,1.18,111.5,45.6,,`])).toMatchObject([{ quality: 'differential' }]);
    expect(assemble(['$GPRMC,120000,A,4807.038,N,01131.000,E,0,,130998,,,F'])).toMatchObject([
      { quality: 'rtk-float' },
    ]);
    expect(assemble(['$GPRMC,120000,A,4807.038,N,01131.000,E,0,,130998,,'])).toMatchObject([
      { quality: 'unspecified' },
    ]);
  });

  it('takes speed from VTG, heading from HDT', () => {
    expect(
      assemble([
        '$GPGGA,120000,4807.038,N,01131.000,E,1,08,0.9,545.4,M,,M,,',
        '$GPVTG,054.7,T,034.4,M,005.5,N,036.0,K',
        '$HEHDT,60.5,T',
      ]),
    ).toMatchObject([{ speedMetersPerSecond: 10, courseDegrees: 54.7, headingDegrees: 60.5 }]);
  });

  it('says nothing when no sentence spoke of a position', () => {
    expect(assemble(['$GPVTG,054.7,T,034.4,M,005.5,N,010.2,K', '$GPGSA,A,1,,,,,,,,,,,,,,,', '$PUBX,00'])).toEqual([]);
    expect(assemble(['$GPZDA,082710.00,16,09,2026,00,00'])).toEqual([]);
  });
});

describe('sentences of a simulated receiver', () => {
  it('assemble to the fix they came from', () => {
    const simulated = {
      utcMs: Date.UTC(2026, 10, 22, 13, 14, 15, 250),
      latitude: -33.8688,
      longitude: 151.2093,
      altitudeMeters: 58,
      speedMetersPerSecond: 13.9,
      courseDegrees: 271.5,
    };
    const lines = sentencesOfFix(simulated, { talker: 'GN', withZda: true }).map(encodeNmea);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(82);
    const [fix] = assemble(lines);
    expect(fix).toMatchObject({ kind: 'fix', altitudeMeters: 58, courseDegrees: 271.5, satellites: 8, dimensions: 3 });
    if (fix?.kind !== 'fix') return;
    expect(fix.latitude).toBeCloseTo(simulated.latitude, 6);
    expect(fix.longitude).toBeCloseTo(simulated.longitude, 6);
    expect(fix.speedMetersPerSecond).toBeCloseTo(13.9, 2);
    expect(fix.utc).toEqual({ ms: simulated.utcMs });
  });

  it('assemble to no fix without one, with a clock and without', () => {
    for (const utcMs of [undefined, Date.UTC(2026, 10, 22)]) {
      expect(assemble(sentencesOfNoFix(utcMs, { withZda: true }).map(encodeNmea))).toEqual([
        { kind: 'no-fix', satellites: 0 },
      ]);
    }
  });
});
