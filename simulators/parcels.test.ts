import { describe, expect, it } from 'vitest';
import { gs1CheckDigit, makeParcel, sscc96 } from './parcels.ts';

describe('parcels', () => {
  // GS1 EPC Tag Data Standard 2.3, annex E.3; nedap/retail-epcpy tests (filter 0).
  it.each([
    ['095201234567891235', 6, '311ba1b300ce0a6a83000000'],
    ['106141412345623458', 12, '31003932449f003039000000'],
  ])('encodes SSCC %s with a company prefix of %i digits', (sscc, digits, epcHex) => {
    expect(sscc96(sscc, digits)).toBe(epcHex);
  });

  // SSCCs of the same sources: the last digit is the check digit.
  it.each(['095201234567891235', '106141423456789018', '564103519136629878'])(
    'computes the check digit of %s',
    (sscc) => {
      expect(gs1CheckDigit(sscc.slice(0, 17))).toBe(Number(sscc.at(-1)));
    },
  );

  it('prints label and tag of the same SSCC', () => {
    const parcel = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });
    expect(parcel).toEqual({
      sscc: '095201234567891235',
      aim: ']C1',
      text: '00095201234567891235',
      epcHex: '311ba1b300ce0a6a83000000',
    });
  });
});
