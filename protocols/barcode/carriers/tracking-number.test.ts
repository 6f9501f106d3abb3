import { describe, expect, it } from 'vitest';
import { loadVectors } from '../vectors.test-support.ts';
import { CARRIER_FORMATS, COURIERS } from './formats.ts';
import { checkTracking, matchTracking } from './tracking-number.ts';

interface Expected {
  courier: string;
  format: string;
  valid: boolean;
  reason?: string;
  parts: Record<string, string>;
}

/** Formats that the data repository only has a name for. */
const IDS: Record<string, string> = {
  'LaserShip 1LS7 (18)': 'lasership_1ls7_18',
  'Old Dominion': 'old_dominion',
  'Old Dominion Guaranteed Shipment': 'old_dominion_guaranteed',
  'UPS Waybill': 'ups_waybill',
};
const REASONS: Record<string, string> = { checkdigit: 'check-digit', 'lookup:Courier': 'not-listed' };

describe('tracking numbers', () => {
  it.each(loadVectors<Expected>('tracking-numbers.json'))('$name $input', ({ input, expected }) => {
    const format = IDS[expected.format] ?? expected.format;
    const verdict = checkTracking(format, input);
    if (!verdict) throw new Error(`no format ${format}`);
    expect(verdict.valid).toBe(expected.valid);
    if (verdict.valid) {
      expect(verdict.match).toMatchObject({ courier: expected.courier, format, parts: expected.parts });
      expect(Object.keys(verdict.match.parts)).toHaveLength(Object.keys(expected.parts).length);
      expect(matchTracking(input).map((match) => match.format)).toContain(format);
    } else {
      const reason = expected.reason ?? 'format';
      expect(verdict.reason).toBe(REASONS[reason] ?? reason);
      expect(verdict.parts).toEqual(expected.parts);
      expect(matchTracking(input).map((match) => match.format)).not.toContain(format);
    }
  });

  it.each(loadVectors<{ format: string; valid: boolean }>('tracking-numbers-more.json'))(
    '$name $input',
    ({ input, expected }) => {
      expect(checkTracking(expected.format, input)?.valid).toBe(expected.valid);
    },
  );

  // Known readings of the same numbers elsewhere in the data repository and in the carriers' label specifications.
  it.each([
    ['1001921334250001000300779017972697', 'fedex', '779017972697'],
    ['9622001560001234567100794808390594', 'fedex', '794808390594'],
    ['9611020987654312345672', 'fedex', '987654312345672'],
    ['32971514560102447849175802862014', 'fedex', '784917580286'],
    ['4201028200009261290113185417468510', 'usps', '9261290113185417468510'],
    ['420 22153 9101026837331000039521', 'usps', '9101026837331000039521'],
    ['0081 827 0998 0000 0200 45 327 276 N', 'dpd', '09980000020045'],
    ['0998 0000 0200 34D', 'dpd', '09980000020034'],
    [' 1 Z 8 V 9 2 A 7 0 3 6 7 2 0 3 0 2 4 ', 'ups', '1Z8V92A70367203024'],
  ])('%s is number %s of %s', (text, courier, number) => {
    expect(matchTracking(text)[0]).toMatchObject({ courier, number });
  });

  it('gives every reading of an ambiguous number, best first', () => {
    const couriers = (text: string) => matchTracking(text).map(({ courier }) => courier);
    expect(couriers('320595463938')).toContain('purolator');
    expect(couriers('000123450000000027')).toEqual(['fedex']);
    // Both checks hold for this one: found by search over Purolator numbers.
    const both = [...Array(500).keys()]
      .flatMap((serial) => [...Array(10).keys()].map((check) => `32059546${String(serial).padStart(3, '0')}${check}`))
      .find((text) => couriers(text).length === 2);
    expect(couriers(both ?? '')).toEqual(['fedex', 'purolator']);
  });

  it('has formats of known couriers, each with a unique id and lengths that its pattern keeps', () => {
    expect(new Set(CARRIER_FORMATS.map(({ id }) => id)).size).toBe(CARRIER_FORMATS.length);
    expect(new Set(CARRIER_FORMATS.map(({ courier }) => courier))).toEqual(new Set(COURIERS));
    expect(checkTracking('nobody', '1')).toBeUndefined();
  });
});
