import { describe, expect, it } from 'vitest';
import { aimScan, parseAim, scanText, stripEci } from './aim.ts';
import { loadVectors } from './vectors.test-support.ts';

/** The words of the vectors for what we say with symbology and modifier. */
const WORDS: Record<string, string> = {
  'code128 fnc1 2nd': 'code128 industry',
  'gs1-databar / composite': 'gs1-databar gs1',
  'itf no check': 'itf none',
  'itf check verified': 'itf verified',
  'maxicode mode 2/3 (structured carrier message) ': 'maxicode mode 2 or 3, structured carrier message',
  code39: 'code39 none',
  'gs1-datamatrix': 'gs1-datamatrix gs1',
  'gs1-dotcode': 'gs1-dotcode gs1',
};

describe('AIM symbology identifiers', () => {
  interface Expected {
    aim: string;
    symbology: string;
    data: string;
  }
  it.each(loadVectors<Expected>('aim-ids.json'))('$name', ({ input, expected }) => {
    const scan = parseAim(input);
    expect({ aim: scan?.aim, data: scan?.data }).toEqual({ aim: expected.aim, data: expected.data });
    const said = [scan?.symbology, scan?.modifier.fnc1 ?? scan?.modifier.check ?? scan?.modifier.note]
      .filter((word) => word !== undefined)
      .join(' ');
    const known = said.replace(/^pdf417 protocol of 1994$/, 'pdf417');
    expect(known).toBe(WORDS[expected.symbology] ?? expected.symbology);
  });

  // ISO/IEC 15424 and protocol facts: FNC1 means GS1 under these and no others of their symbologies.
  it.each([']C1', ']d2', ']Q3', ']e0', ']J1', ']d5', ']Q4', ']J4'])('%s is GS1', (aim) => {
    expect(parseAim(`${aim}01`)?.modifier.fnc1).toBe('gs1');
  });
  it.each([']C0', ']C2', ']C4', ']d1', ']d3', ']Q1', ']Q5', ']J0', ']E0', ']I1', ']L0', ']U1', ']z0'])(
    '%s is not GS1',
    (aim) => {
      expect(parseAim(`${aim}01`)?.modifier.fnc1).not.toBe('gs1');
    },
  );

  it.each(['', ']', ']C', 'C1DATA', ']?1X', ']C?X', '1]C1'])('finds none in %j', (text) => {
    expect(parseAim(text)).toBeUndefined();
  });

  it('keeps a symbology whose modifier it does not know', () => {
    expect(parseAim(']C9X')).toEqual({ aim: ']C9', symbology: 'code128', modifier: {}, data: 'X' });
    expect(parseAim(']y0X')).toEqual({ aim: ']y0', symbology: 'unknown', modifier: {}, data: 'X' });
  });

  it('takes an identifier that came apart from the data', () => {
    expect(aimScan('d2', '01')).toEqual(parseAim(']d201'));
  });

  it('takes ECI sequences out', () => {
    expect(stripEci('\\000026Z\\\\rich')).toBe('Z\\rich');
    expect(stripEci('plain')).toBe('plain');
  });

  it('reads bytes as UTF-8 where they are, else loses none', () => {
    expect(scanText(Buffer.from('Zürich'))).toBe('Zürich');
    expect(scanText(Buffer.from([0x5a, 0xfc]))).toBe('Zü');
  });
});
