import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import { formatOf, isEnvelope, parseEnvelope } from './iso15434.ts';
import { transportLabel } from './maxicode.ts';
import { isLicensePlate, parseDataIdentifier } from './mh10.ts';
import { loadVectors } from './vectors.test-support.ts';

interface Expected {
  format?: string;
  format05?: Record<string, string>;
  format07?: string;
  tracking1Z: string;
  weightLb?: string;
  [field: string]: unknown;
}

describe('ISO/IEC 15434 with UPS MaxiCode', () => {
  it.each(loadVectors<Expected>('maxicode-15434.json'))('$name', ({ input, expected }) => {
    const envelope = parseEnvelope(input);
    expect(envelope.defects).toEqual([]);
    const { tracking1Z, weightLb, format, format05, format07, ...fields } = expected;
    const label = transportLabel(envelope);
    expect(label).toMatchObject({ carrier: 'ups', tracking: tracking1Z, ...fields });
    if (format) expect(envelope.formats[0]?.format).toBe(format);
    if (weightLb) expect(label?.weight).toEqual({ value: Number(weightLb), unit: 'lb' });
    if (format05) {
      const data = formatOf(envelope, '05')?.data ?? [];
      expect(Object.fromEntries(data.map(({ di, value }) => [di, value]))).toEqual(format05);
    }
    if (format07) {
      expect(envelope.formats[1]).toEqual({ format: '07', raw: input.slice(input.indexOf('\x1e07') + 3, -2) });
    }
  });

  it.each(loadVectors<Record<string, unknown>>('labels.json'))('$name', ({ input, expected }) => {
    expect(transportLabel(parseEnvelope(input))).toMatchObject(expected);
  });

  it('reads the other formats of a FedEx label', () => {
    const { input } = loadVectors('labels.json').find(({ name }) => name.startsWith('FedEx')) ?? { input: '' };
    const envelope = parseEnvelope(input);
    expect(envelope.defects).toEqual([]);
    expect(envelope.formats.map(({ format }) => format)).toEqual(['01', '06', '09']);
    expect(formatOf(envelope, '06')?.data).toContainEqual({
      di: '11Z',
      value: 'Recipient Corp',
      title: 'mutually defined',
    });
    expect(envelope.formats[2]).toEqual({ format: '09', type: 'FDX', compression: 'z', bytes: "\x17\x04';0?\x7f@" });
  });
});

describe('real labels', () => {
  const whole = loadVectors<Expected>('maxicode-15434.json')[0]?.input ?? '';

  it.each([
    ['no [)>', whole.slice(3), ['no-header']],
    ['no [', whole.slice(1), ['no-header']],
    ['no header at all', whole.slice(4), ['no-header']],
    ['RS stripped behind the header', whole.replace('[)>\x1e', '[)>'), ['no-header']],
    ['no EOT', whole.slice(0, -1), ['no-trailer']],
    ['no RS EOT', whole.slice(0, -2), ['no-trailer']],
    ['no RS', whole.replace('\x1e\x04', '\x04'), ['no-trailer']],
  ])('%s', (_name, text, defects) => {
    expect(isEnvelope(text)).toBe(true);
    const envelope = parseEnvelope(text);
    expect(envelope.defects).toEqual(defects);
    expect(transportLabel(envelope)?.tracking).toBe('1Z410E1W0214647438');
  });

  it('gives what is left of a label truncated anywhere', () => {
    const shipperAt = whole.indexOf('410E1W') + 6;
    for (let length = 6; length <= whole.length; length++) {
      const label = transportLabel(parseEnvelope(whole.slice(0, length)));
      if (length >= shipperAt) expect(label?.tracking).toBe('1Z410E1W0214647438');
      else expect(label?.tracking).toBeUndefined();
    }
  });

  it.each(['', 'ABC', '[)>', '[)>\x1e', '[', '01', '0109506000134352', '[)>\x1eAB'])('refuses %j', (text) => {
    expect(isEnvelope(text)).toBe(false);
    try {
      parseEnvelope(text);
      expect.unreachable();
    } catch (error) {
      expect(isCodecError(error) && error.code).toBe('iso15434-header');
    }
  });

  it('bounds the number of formats', () => {
    expect(() => parseEnvelope(`[)>\x1e${'07A\x1e'.repeat(40)}`)).toThrow(/more than 32/);
  });
});

describe('format 06 and data identifiers', () => {
  // ISO/IEC 15434 annex, and MH10.8.2 examples of license plates.
  it('reads license plate, order and quantity', () => {
    const { formats, defects } = parseEnvelope('[)>\x1e06\x1d1JUN123456789A2B4C6D8E\x1dK4711\x1dQ25\x1d7Q10KG\x1e\x04');
    expect(defects).toEqual([]);
    expect(formats).toEqual([
      {
        format: '06',
        data: [
          { di: '1J', value: 'UN123456789A2B4C6D8E', title: 'license plate of a unit at the lowest packaging level' },
          { di: 'K', value: '4711', title: 'purchase order' },
          { di: 'Q', value: '25', title: 'quantity' },
          { di: '7Q', value: '10KG', title: 'quantity with unit of measure' },
        ],
        loose: [],
      },
    ]);
  });

  it('reads GS1 application identifiers in format 05', () => {
    const { formats } = parseEnvelope('[)>\x1e05\x1d00106141412345678908\x1d40012345\x1e\x04');
    expect(formats[0]).toMatchObject({
      format: '05',
      elements: [{ ai: '00' }, { ai: '400', value: '12345' }],
      data: [],
    });
  });

  it('keeps the category of a DI without title, and knows license plates', () => {
    expect(parseDataIdentifier('999ZX')).toEqual({ di: '999Z', value: 'X', title: 'mutually defined' });
    expect(parseDataIdentifier('16KX')?.title).toBe('transaction reference');
    expect(parseDataIdentifier('1234Z')).toBeUndefined();
    expect(parseDataIdentifier('')).toBeUndefined();
    expect(['J', '1J', '6J', '7J', '3S'].map(isLicensePlate)).toEqual([true, true, true, false, false]);
  });
});
