import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultOfPoint } from '../check-point.ts';
import type { Point } from '../time-series.ts';
import { Lines } from './line-protocol.ts';

const point = (rest: Partial<Point>): Point => ({
  measurement: 'temperature',
  tags: { gateway: 'gw-1' },
  fields: { temperatureCelsius: 21.5 },
  atMs: 1_465_839_830_100,
  subMsNs: 400_200,
  ...rest,
});

/** As one would write it. */
function straightforward({ measurement, tags, fields, atMs, subMsNs }: Point): string {
  const name = (text: string) => text.replace(/[,= ]/g, '\\$&');
  const series = Object.entries(tags)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `,${name(key)}=${name(value)}`);
  const values = Object.entries(fields).map(
    ([key, value]) =>
      `${name(key)}=${typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value)}`,
  );
  const at = BigInt(atMs) * 1_000_000n + BigInt(subMsNs);
  return `${measurement.replace(/[, ]/g, '\\$&')}${series.join('')} ${values.join(',')} ${at}`;
}

function linesOf(points: readonly Point[], lines = new Lines()): Lines {
  for (const each of points) lines.add(each);
  return lines;
}

describe('line protocol', () => {
  // The escapes are the examples of InfluxData's line protocol reference, "Special characters" and "Quotes".
  it.each([
    ['a point', {}, 'temperature,gateway=gw-1 temperatureCelsius=21.5 1465839830100400200'],
    [
      'nanoseconds with leading zeros',
      { subMsNs: 7 },
      'temperature,gateway=gw-1 temperatureCelsius=21.5 1465839830100000007',
    ],
    ['no tags', { tags: {} }, 'temperature temperatureCelsius=21.5 1465839830100400200'],
    ['an empty tag', { tags: { a: '', b: 'x' } }, 'temperature,b=x temperatureCelsius=21.5 1465839830100400200'],
    ['a whole number, which stays a float', { fields: { x: 21 } }, 'temperature,gateway=gw-1 x=21 1465839830100400200'],
    [
      'several fields',
      { fields: { a: 1e21, b: true, c: 'x' } },
      'temperature,gateway=gw-1 a=1e+21,b=true,c="x" 1465839830100400200',
    ],
    [
      'measurement with space and comma',
      { measurement: 'wea ther, x=y' },
      'wea\\ ther\\,\\ x=y,gateway=gw-1 temperatureCelsius=21.5 1465839830100400200',
    ],
    [
      'tag key and value',
      { tags: { 'loc ation,=': 'us, mid=west' } },
      'temperature,loc\\ ation\\,\\==us\\,\\ mid\\=west temperatureCelsius=21.5 1465839830100400200',
    ],
    [
      'quotes and backslashes in a text field',
      { fields: { 'te mp': '"too\\hot"' } },
      'temperature,gateway=gw-1 te\\ mp="\\"too\\\\hot\\"" 1465839830100400200',
    ],
    [
      'what is beyond ASCII',
      { tags: { ort: 'Köln, Süd' }, fields: { Größe: 1.25, wort: '„kühl“ 🧊' } },
      'temperature,ort=Köln\\,\\ Süd Größe=1.25,wort="„kühl“ 🧊" 1465839830100400200',
    ],
    ['the first second', { atMs: 7, subMsNs: 0 }, 'temperature,gateway=gw-1 temperatureCelsius=21.5 7000000'],
  ])('writes %s', (_, rest, line) => {
    expect(faultOfPoint(point(rest))).toBeUndefined();
    expect(
      linesOf([point(rest)])
        .between(0, 1)
        .toString(),
    ).toBe(line);
  });

  it.each([
    ['a line feed in a tag', { tags: { a: 'x\ny' } }, 'control character'],
    ['a NUL in a field', { fields: { a: '\u0000' } }, 'control character'],
    ['a backslash that would swallow the comma', { tags: { a: 'x\\', b: 'y' } }, 'backslash'],
    ['a backslash before a space', { measurement: 'a\\ b' }, 'backslash'],
    ['NaN', { fields: { a: Number.NaN } }, 'NaN'],
    ['no field', { fields: {} }, 'no field'],
    ['an empty name', { fields: { '': 1 } }, 'empty'],
    ['a time beyond 64 bits', { atMs: 1e16 }, 'time'],
    ['half a millisecond', { atMs: 1.5 }, 'time'],
    ['nanoseconds that are milliseconds', { subMsNs: 1_000_000 }, 'nanoseconds'],
  ])('refuses %s', (_, rest, reason) => {
    expect(faultOfPoint(point(rest))).toContain(reason);
  });

  it('keeps a backslash that stands in front of nothing special', () => {
    expect(faultOfPoint(point({ tags: { a: 'x\\y' } }))).toBeUndefined();
  });

  it('judges tags anew under another measurement', () => {
    const tags = { a: 'x' };
    expect(faultOfPoint(point({ tags }))).toBeUndefined();
    expect(faultOfPoint(point({ tags, measurement: 'a\nb' }))).toContain('control character');
    expect(faultOfPoint(point({ tags }))).toBeUndefined();
  });

  it('gives any part of its lines, without the last line feed, and is used again', () => {
    const points = Array.from({ length: 2_000 }, (_, index) => point({ subMsNs: index, fields: { a: index / 8 } }));
    const expected = points.map(straightforward);
    const lines = linesOf(points);
    for (const [from, to] of [
      [0, 2_000],
      [0, 1],
      [1, 2],
      [999, 2_000],
      [1_999, 2_000],
      [5, 5],
    ] as const) {
      expect(lines.between(from, to).toString()).toBe(expected.slice(from, to).join('\n'));
    }
    lines.clear();
    expect([lines.count, lines.byteLength]).toEqual([0, 0]);
    expect(linesOf(points.slice(7, 9), lines).between(0, 2).toString()).toBe(expected.slice(7, 9).join('\n'));
  });

  it('writes what a straightforward builder of texts writes', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'Z', '7', '-', ',', '=', ' ', 'é', '中', '🧊'), minLength: 1 });
    const decimal = fc
      .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 9 }))
      .map(([digits, places]) => digits / 10 ** places);
    const value = fc.oneof(
      decimal,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      fc.constantFrom(0, -0, 1e-6, 1e-7, 9e-7, -1e-6, 99_999_999.999_999_9, 1e8, 0.1 + 0.2),
      fc.boolean(),
      fc.string({ unit: fc.constantFrom('a', '"', '\\', ' ', 'ß', '🧊') }),
    );
    const shared = fc.dictionary(name, fc.oneof(name, fc.constant('')), { maxKeys: 4 });
    const one = fc.record({
      measurement: name,
      fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }),
      atMs: fc.oneof(
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.integer({ min: 1.7e12, max: 1.9e12 }),
        fc.constantFrom(999_999, 1_000_000, 9_223_372_036_853),
      ),
      subMsNs: fc.integer({ min: 0, max: 999_999 }),
    });
    const series = fc.tuple(shared, fc.array(one, { maxLength: 12 }));
    const lines = new Lines();
    fc.assert(
      fc.property(fc.array(series, { maxLength: 4 }), (all) => {
        const points = all.flatMap(([tags, each]) => each.map((rest) => ({ ...rest, tags })));
        lines.clear();
        linesOf(points, lines);
        expect(lines.between(0, points.length).toString()).toBe(points.map(straightforward).join('\n'));
      }),
      { seed: 20261123, numRuns: 300 },
    );
  });
});
