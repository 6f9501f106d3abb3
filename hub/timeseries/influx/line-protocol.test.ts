import { describe, expect, it } from 'vitest';
import { faultOfPoint } from '../check-point.ts';
import type { Point } from '../time-series.ts';
import { lineOf } from './line-protocol.ts';

const point = (rest: Partial<Point>): Point => ({
  measurement: 'temperature',
  tags: { gateway: 'gw-1' },
  fields: { temperatureCelsius: 21.5 },
  atMs: 1_465_839_830_100,
  subMsNs: 400_200,
  ...rest,
});

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
  ])('writes %s', (_, rest, line) => {
    expect(faultOfPoint(point(rest))).toBeUndefined();
    expect(lineOf(point(rest))).toBe(line);
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
});
