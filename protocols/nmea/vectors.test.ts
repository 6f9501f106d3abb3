import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../base/codec-error.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import { checksum, decodeNmea, encodeNmea, NmeaFramer, type NmeaSentence } from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    checksum?: string;
    checksumOk?: boolean;
    checksumPresent?: boolean;
    talker?: string;
    type?: string;
    status?: string;
    lat?: number | null;
    lon?: number | null;
    quality?: number;
    sats?: number;
    hdop?: number;
    altM?: number | null;
    courseTrue?: number;
    course?: number | null;
    speedKmh?: number;
    speedKn?: number | null;
    dateDDMMYY?: string | null;
    time?: string | null;
  };
}

const vectors = JSON.parse(readFileSync(new URL('./fixtures/nmea.json', import.meta.url), 'utf8')) as Vector[];
const valid = vectors.filter((vector) => vector.expected.checksumOk === true);
const FUZZ = { seed: 20261122, numRuns: 500 };

/** What the vectors' author wrote down, from our value; null where the sentence has nothing. */
function asVector(sentence: NmeaSentence): Record<string, unknown> {
  const position = 'position' in sentence ? sentence.position : undefined;
  const all: Record<string, unknown> = { lat: position?.latitude ?? null, lon: position?.longitude ?? null };
  if ('talker' in sentence) all.talker = sentence.talker;
  all.type = sentence.kind === 'other' ? sentence.formatter : sentence.kind.toUpperCase();
  if ('timeOfDayMs' in sentence || sentence.kind === 'rmc') {
    const ms = 'timeOfDayMs' in sentence ? sentence.timeOfDayMs : undefined;
    all.time = ms === undefined ? null : new Date(ms).toISOString().slice(11, 23).replaceAll(':', '');
  }
  if (sentence.kind === 'rmc') {
    all.status = sentence.valid ? 'A' : 'V';
    all.speedKn = sentence.speedKnots ?? null;
    all.course = sentence.courseDegrees ?? null;
    const date = sentence.date;
    const two = (value: number): string => String(value % 100).padStart(2, '0');
    all.dateDDMMYY = date === undefined ? null : two(date.day) + two(date.month) + two(date.year);
  }
  if (sentence.kind === 'gga') {
    all.quality = sentence.quality;
    all.sats = sentence.satellites;
    all.hdop = sentence.hdop;
    all.altM = sentence.altitudeMeters ?? null;
  }
  if (sentence.kind === 'vtg') {
    all.courseTrue = sentence.courseTrueDegrees;
    all.speedKmh = sentence.speedKilometersPerHour;
  }
  return all;
}

describe('outside sentences', () => {
  it.each(valid)('$name', ({ input, expected }) => {
    const found = asVector(decodeNmea(input));
    const { checksum: sum, checksumOk: _, time, ...rest } = expected;
    expect(checksum(input.slice(1, input.indexOf('*')))).toBe(Number.parseInt(sum ?? '', 16));
    for (const [name, value] of Object.entries(rest)) {
      if ((name === 'lat' || name === 'lon') && typeof value === 'number') expect(found[name]).toBeCloseTo(value, 7);
      else expect([name, found[name]]).toEqual([name, value]);
    }
    if (time !== undefined) expect(found.time).toBe(time === null ? null : `${time.slice(0, 6)}.000`);
  });

  it('without checksum only when configured', () => {
    const [vector] = vectors.filter((one) => one.expected.checksumPresent === false);
    const input = vector?.input ?? '';
    expect(faultOf(() => decodeNmea(input))).toBe(`nmea-checksum-missing@${input.length}`);
    const sentence = decodeNmea(input, { requireChecksum: false });
    expect(sentence.kind === 'gll' && sentence.position?.latitude).toBeCloseTo(vector?.expected.lat ?? 0, 7);
    expect(sentence.kind === 'gll' && sentence.position?.longitude).toBeCloseTo(vector?.expected.lon ?? 0, 7);
  });

  it.each([
    ['NEG wrong checksum', 'nmea-checksum@63'],
    ['NEG truncated (no *)', 'nmea-checksum-missing@34'],
    ['NEG merged sentences', 'nmea-character@36'],
  ])('%s: %s', (name, fault) => {
    const vector = vectors.find((one) => one.name === name);
    expect(faultOf(() => decodeNmea(vector?.input ?? ''))).toBe(fault);
  });

  it('dates: two-digit years are 1980–2079', () => {
    const dated = (ddmmyy: string) => {
      const sentence = decodeNmea(`$GPRMC,,V,,,,,,,${ddmmyy},,,N`, { requireChecksum: false });
      return sentence.kind === 'rmc' ? sentence.date : undefined;
    };
    expect(dated('130998')).toEqual({ year: 1998, month: 9, day: 13 });
    expect(dated('311279')).toEqual({ year: 2079, month: 12, day: 31 });
    expect(dated('060180')).toEqual({ year: 1980, month: 1, day: 6 });
    expect(dated('000000')).toBeUndefined();
  });
});

const waive = { requireChecksum: false };

describe('fields', () => {
  // Examples of the u-blox M8 protocol description, clause 31, and of NMEA 0183 as receiver manuals print it.
  it.each<[string, Record<string, unknown>]>([
    [
      '$GPGSV,3,1,10,23,38,230,44,29,71,156,47,07,29,116,41,08,09,081,36*7F',
      {
        kind: 'gsv',
        messages: 3,
        message: 1,
        inView: 10,
        satellites: { length: 4, 2: { id: 7, azimuthDegrees: 116 } },
      },
    ],
    [
      '$GPGSV,3,3,10,16,00,,,27,04,307,',
      { kind: 'gsv', satellites: { length: 2, 0: { id: 16, elevationDegrees: 0 } } },
    ],
    ['$GPGSV,1,1,03,12,,,42,24,,,47,32,,,37,5*66', { kind: 'gsv', signalId: '5', satellites: { length: 3 } }],
    [
      '$GPZDA,082710.00,16,09,2002,00,00*64',
      { kind: 'zda', timeOfDayMs: 30430000, date: { year: 2002, month: 9, day: 16 }, zoneHours: 0 },
    ],
    ['$HEHDT,174.4,T', { kind: 'hdt', talker: 'HE', headingTrueDegrees: 174.4 }],
    ['$GPHDT,,T', { kind: 'hdt' }],
    [
      '$GNGNS,103600.01,5114.51176,N,00012.29380,W,ANNN,07,1.18,111.5,45.6,,,V',
      { kind: 'gns', mode: 'ANNN', satellites: 7, hdop: 1.18, altitudeMeters: 111.5, navigationStatus: 'V' },
    ],
    ['$GNGNS,122310.2,3722.425671,N,12258.856215,W,NNNN,,,,,,,V', { kind: 'gns', mode: 'NNNN' }],
    ['$GPVTG,054.7,034.4,005.5,010.2', { kind: 'vtg', courseTrueDegrees: 54.7, speedKilometersPerHour: 10.2 }],
    ['$GPGLL,4916.45,N,12311.12,W', { kind: 'gll', valid: true }],
    ['$PUBX,00,x', { kind: 'proprietary', address: 'PUBX', fields: ['00', 'x'] }],
    ['$PMTK001,604,3*32', { kind: 'proprietary', address: 'PMTK001', fields: ['604', '3'] }],
    ['$GPGPQ,RMC', { kind: 'other', talker: 'GP', formatter: 'GPQ', fields: ['RMC'] }],
    [
      '!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C',
      { kind: 'other', talker: 'AI', formatter: 'VDM', encapsulated: true },
    ],
  ])('%s', (text, expected) => {
    const sentence = decodeNmea(text, waive);
    expect(sentence).toMatchObject(expected);
  });

  it('the outside checksums of these are right', () => {
    for (const text of ['$GPZDA,082710.00,16,09,2002,00,00*64', '$PMTK001,604,3*32']) {
      expect(faultOf(() => decodeNmea(text))).toBe('no fault');
    }
  });

  it.each([
    '$GPRMC,120000,V,4807.038,N,01131.000,E,,,,,',
    '$GPRMC,120000,A,4807.038,N,01131.000,E,,,,,,N',
    '$GPGGA,120000,4807.038,N,01131.000,E,0,00,,,M,,M,,',
    '$GPGLL,4807.038,N,01131.000,E,120000,V',
    '$GNGNS,120000,4807.038,N,01131.000,E,NN,00,,,,,',
    '$GPGGA,120000,0000.000,N,00000.000,E,0,00,,,M,,M,,',
  ])('a void sentence has no position: %s', (text) => {
    expect(decodeNmea(text, waive)).not.toHaveProperty('position');
  });

  it.each([
    ['$GPGLL,4960.00,N,12311.12,W,225444,A', 'nmea-field@7'],
    ['$GPGLL,9000.01,N,12311.12,W,225444,A', 'nmea-field@7'],
    ['$GPGLL,4916.45,N,18000.01,W,225444,A', 'nmea-field@17'],
    ['$GPGLL,4916.45,X,12311.12,W,225444,A', 'nmea-field@15'],
    ['$GPGLL,4916.45,,12311.12,W,225444,A', 'nmea-field@15'],
    ['$GPGLL,4916.45,N,12311.12,W,245444,A', 'nmea-field@28'],
    ['$GPGLL,49a6.45,N,12311.12,W,225444,A', 'nmea-field@7'],
    ['$GPRMC,,A,,,,,,,310299,,', 'nmea-field@16'],
    ['$GPGSA,A,4,,,,,,,,,,,,,,,', 'nmea-field@9'],
    ['$GPGGA,,,,,,12,,,,,,,,', 'nmea-field@12'],
    ['$GPVTG,1.2.3,T,,M,,N,,K', 'nmea-field@7'],
    ['GPGLL', 'nmea-start@0'],
    ['$GP', 'nmea-address@1'],
    ['$gpgll,', 'nmea-address@1'],
    ['$GPGLL,\u0001', 'nmea-character@7'],
    [`$GPTXT,${'x'.repeat(256)}`, 'nmea-too-long@256'],
  ])('%s: %s', (text, fault) => {
    expect(faultOf(() => decodeNmea(text, waive))).toBe(fault);
  });
});

describe('encoder', () => {
  it.each(valid)('$name: decodes to the same value', ({ input }) => {
    const value = decodeNmea(input);
    const again = decodeNmea(encodeNmea(value));
    const rounded = (sentence: NmeaSentence) =>
      JSON.parse(
        JSON.stringify(sentence, (_key, field) => (typeof field === 'number' ? Number(field.toFixed(6)) : field)),
      );
    expect(rounded(again)).toEqual(rounded(value));
  });

  it('writes what the standard prints', () => {
    expect(encodeNmea(decodeNmea('$GPZDA,082710.00,16,09,2002,00,00*64'))).toBe(
      '$GPZDA,082710.00,16,09,2002,00,00*64\r\n',
    );
    expect(encodeNmea(decodeNmea('$GPGLL,,,,,,V,N*64'))).toBe('$GPGLL,,,,,,V,N*64\r\n');
    expect(encodeNmea(decodeNmea('$PMTK001,604,3*32'))).toBe('$PMTK001,604,3*32\r\n');
  });

  it('59.999999 minutes become the next degree', () => {
    const position = { latitude: 10 - 1e-9, longitude: -(10 - 1e-9) };
    const text = encodeNmea({ kind: 'gll', talker: 'GP', valid: true, timeOfDayMs: 0, position });
    expect(text).toContain('$GPGLL,1000.00000,N,01000.00000,W,000000.00,A*');
  });

  it('positions survive to 2 cm', () => {
    const degrees = fc.double({ min: -89.9, max: 89.9, noNaN: true });
    fc.assert(
      fc.property(degrees, degrees, (latitude, half) => {
        const position = { latitude, longitude: 2 * half };
        const sentence = decodeNmea(encodeNmea({ kind: 'gll', talker: 'GN', valid: true, timeOfDayMs: 0, position }));
        if (sentence.kind !== 'gll') throw new Error('not a GLL');
        expect(Math.abs((sentence.position?.latitude ?? 999) - position.latitude)).toBeLessThan(1e-7);
        expect(Math.abs((sentence.position?.longitude ?? 999) - position.longitude)).toBeLessThan(1e-7);
      }),
      FUZZ,
    );
  });
});

describe('NmeaFramer', () => {
  const noise = Buffer.from('\u0000\xffxx$GPGGA,12$\r\n*4', 'latin1');

  it.each(valid)('$name, split at every offset, in noise', ({ input }) => {
    const stream = Buffer.concat([
      noise,
      Buffer.from(`${input}\r\n${input}\r\n`),
      Buffer.from([0x80]),
      Buffer.from(input),
    ]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new NmeaFramer();
      const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut)), ...framer.idle()];
      expect(found).toEqual([input, input, input]);
      expect(framer.stats).toMatchObject({ bytes: stream.length, frames: 3, discardedBytes: noise.length - 2 + 1 });
    }
  });

  it('a torn sentence costs only itself', () => {
    const merged = vectors.find((vector) => vector.name === 'NEG merged sentences')?.input ?? '';
    const framer = new NmeaFramer();
    // The second of the two is whole and its checksum right.
    expect(framer.push(Buffer.from(`${merged}\r\n`))).toEqual([merged.slice(36)]);
    expect(framer.stats.discardedBytes).toBe(36);
  });

  it('counts wrong checksums', () => {
    const framer = new NmeaFramer();
    const wrong = vectors.find((vector) => vector.name === 'NEG wrong checksum')?.input ?? '';
    expect(framer.push(Buffer.from(`${wrong}\r\n$GPGLL,,,,,,V,N*6x\r\n`))).toEqual([]);
    expect(framer.stats).toMatchObject({ checksumErrors: 2, discardedBytes: wrong.length + 18, frames: 0 });
  });

  it('takes sentences without checksum only when configured, at the end of their line or in silence', () => {
    const text = '$GPGLL,4916.45,N,12311.12,W,225444,A';
    const strict = new NmeaFramer();
    expect([...strict.push(Buffer.from(`${text}\r\n`)), ...strict.idle()]).toEqual([]);
    const lenient = new NmeaFramer({ requireChecksum: false });
    expect(lenient.push(Buffer.from(`${text}\r\n${text}`))).toEqual([text]);
    expect(lenient.idle()).toEqual([text]);
    expect(lenient.push(Buffer.from('$GP\r\n$GPGLL,,,,,,V,N*65\r\n'))).toEqual([]);
  });

  it('is bounded', () => {
    const framer = new NmeaFramer({ maximumCharacters: 82 });
    expect(framer.push(Buffer.from(`$GPTXT,${'x'.repeat(500)}`))).toEqual([]);
    expect(framer.stats.discardedBytes).toBe(507);
    expect(() => new NmeaFramer({ maximumCharacters: 1000 })).toThrow(RangeError);
  });
});

describe('TAG blocks', () => {
  // The block with grouping is the example of gpsd's AIVDM page; the short ones are assembled here.
  const GGA = '$GPGGA,172814.0,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*4F';

  it('in front of a sentence are skipped', () => {
    const block = '\\g:1-2-73874,n:157036,s:r003669945,c:1241544035*4A\\';
    const bare = '!AIVDM,1,1,,B,15N4cJ`005Jrek0H@9n`DW5608EP,0*13';
    expect(decodeNmea(`${block}${bare}\r\n`)).toEqual(decodeNmea(bare));
    expect(decodeNmea(`\\s:a*28\\${GGA}`)).toEqual(decodeNmea(GGA));
    expect(new NmeaFramer().push(Buffer.from(`${block}${GGA}\r\n`))).toEqual([GGA]);
  });

  it.each([
    ['\\s:a*29\\$GPGGA', 'nmea-tag-block', 5],
    ['\\s:a\\$GPGGA', 'nmea-tag-block', 4],
    ['\\s:a', 'nmea-tag-block', 4],
    ['\\s:a*28\\', 'nmea-start', 8],
    ['\\s:a*28\\$GPGGA,1*00', 'nmea-checksum', 17],
  ])('%s is %s', (text, code, offset) => {
    expect(() => decodeNmea(text)).toThrow(expect.objectContaining({ code, offset }));
  });
});

describe('any bytes', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(...vectors.map((vector) => Buffer.from(`${vector.input}\r\n`))),
    fc.constantFrom(...['$', '*', '$GP', '\r\n', '$GPGLL,1*'].map((text) => Buffer.from(text))),
  );

  it('frames do not depend on the chunks, and no byte is lost from the books', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 15 }), sizes, fc.boolean(), (parts, cuts, requireChecksum) => {
        const stream = Buffer.concat(parts);
        const whole = new NmeaFramer({ requireChecksum });
        const cut = new NmeaFramer({ requireChecksum });
        const expected = whole.push(stream);
        const found: string[] = [];
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          found.push(...cut.push(stream.subarray(at, at + size)));
          at += size;
        }
        expect(found).toEqual(expected);
        expect(cut.stats).toEqual(whole.stats);
        const given = [...expected, ...whole.idle()].reduce((sum, text) => sum + text.length, 0);
        const lineEnds = stream.filter((byte) => byte === 0x0d || byte === 0x0a).length;
        expect(whole.stats.bytes).toBe(given + whole.stats.discardedBytes + lineEnds);
      }),
      FUZZ,
    );
  });

  it('decode to a value or a CodecError', () => {
    const field = fc.oneof(
      fc.constantFrom('', '0', 'A', 'V', 'N', 'E', '4807.038', '123519', '9e9', '-1'),
      fc.string(),
    );
    const sentence = fc
      .tuple(
        fc.constantFrom('GGA', 'RMC', 'GLL', 'VTG', 'GSA', 'GSV', 'ZDA', 'HDT', 'GNS', 'XYZ'),
        fc.array(field, { maxLength: 22 }),
      )
      .map(([formatter, fields]) => `$GP${[formatter, ...fields].join(',')}`);
    fc.assert(
      fc.property(fc.oneof(sentence, fc.string(), fc.uint8Array()), (input) => {
        try {
          decodeNmea(input, waive);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { ...FUZZ, numRuns: 2000 },
    );
  });
});
