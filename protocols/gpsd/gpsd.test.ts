import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import vectors from './fixtures/reports.json' with { type: 'json' };
import { decodeGpsd, encodeGpsdWatch, gpsdFix } from './index.ts';

function tpv(line: string) {
  const report = decodeGpsd(line);
  if (report.kind !== 'tpv') throw new Error(`${report.kind} is no TPV`);
  return report;
}

describe('a report of gpsd', () => {
  it.each(vectors)('$name', ({ input, expected }) => {
    expect(decodeGpsd(input)).toEqual(expected);
  });

  it.each([
    ['', /^gpsd-json@/],
    ['{"class":"TPV"', /^gpsd-json@/],
    ['nonsense', /^gpsd-json@0$/],
    ['{"class":"TPV","lat":nan}', /^gpsd-json@/],
    ['[]', /^gpsd-class@0$/],
    ['null', /^gpsd-class@0$/],
    ['{"class":7}', /^gpsd-class@0$/],
  ])('refuses %s', (line, code) => {
    expect(faultOf(() => decodeGpsd(line))).toMatch(code);
  });

  it('leaves out what is of another type or out of range', () => {
    expect(decodeGpsd('{"class":"TPV","mode":"3","lat":"52","lon":13,"speed":null,"time":"soon"}')).toEqual({
      kind: 'tpv',
      mode: 0,
    });
    expect(decodeGpsd('{"class":"TPV","mode":3,"lat":91,"lon":13}')).toEqual({ kind: 'tpv', mode: 3 });
    expect(decodeGpsd('{"class":"DEVICES","devices":[7,{"path":8}]}')).toEqual({ kind: 'devices', receivers: [] });
    expect(decodeGpsd('{"class":"DEVICE"}')).toEqual({ kind: 'other', class: 'DEVICE' });
  });

  it('says that a device went', () => {
    const gone = '{"class":"DEVICE","path":"/dev/ttyUSB0","activated":0}';
    expect(decodeGpsd(gone)).toEqual({ kind: 'device', receiver: { path: '/dev/ttyUSB0', active: false } });
  });

  it('any text gives a value or a CodecError', () => {
    const known = fc.constantFrom(...vectors.map(({ input }) => input));
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), known), fc.nat(), fc.string({ maxLength: 3 }), (text, at, noise) => {
        const cut = at % (text.length + 1);
        faultOf(() => decodeGpsd(text));
        faultOf(() => decodeGpsd(text.slice(0, cut) + noise + text.slice(cut)));
      }),
      { seed: 20261123, numRuns: 500 },
    );
  });
});

describe('a fix', () => {
  it('is none below mode 2, even with coordinates', () => {
    const line = '{"class":"TPV","mode":1,"lat":52.5,"lon":13.4}';
    expect(gpsdFix(tpv(line), { kind: 'sky', satellitesUsed: 2 })).toEqual({ kind: 'no-fix', satellites: 2 });
    expect(gpsdFix(tpv('{"class":"TPV","mode":3}'))).toEqual({ kind: 'no-fix' });
  });

  it('has an altitude in three dimensions only', () => {
    const line = '{"class":"TPV","mode":2,"lat":52.5,"lon":13.4,"altMSL":40,"status":2}';
    expect(gpsdFix(tpv(line))).toEqual({
      kind: 'fix',
      latitude: 52.5,
      longitude: 13.4,
      dimensions: 2,
      quality: 'differential',
    });
    expect(gpsdFix(tpv(line.replace('2', '3')))).toMatchObject({ dimensions: 3, altitudeMeters: 40 });
  });
});

it('asks within the 80 characters of a request', () => {
  expect(encodeGpsdWatch().toString()).toBe('?WATCH={"enable":true,"json":true};\n');
});
