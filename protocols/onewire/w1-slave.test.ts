import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../base/codec-error.ts';
import { crc8Dallas, formatW1Slave, parseW1Slave, parseW1Temperature } from './index.ts';

const vectors = JSON.parse(readFileSync(new URL('./fixtures/w1-slave.json', import.meta.url), 'utf8')) as {
  name: string;
  input: string;
  expected: { valid: boolean; tempC?: number; suspect85?: boolean };
}[];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return 'no fault';
}

describe('w1_slave', () => {
  it.each(vectors.map((vector) => [vector.expected.tempC, vector] as const))(
    '%s °C',
    (_celsius, { input, expected }) => {
      if (!expected.valid) {
        expect(codeOf(() => parseW1Slave(input))).toMatch(/^w1-/);
        return;
      }
      expect(parseW1Slave(input)).toEqual({
        temperatureCelsius: expected.tempC,
        suspectPowerOn: expected.suspect85,
        // All of them have 7f in the configuration register: 12 bits.
        resolutionBits: 12,
      });
    },
  );

  it.each([
    ['', 'w1-empty'],
    ['\n', 'w1-empty'],
    [vectors.find((vector) => vector.name === 'w1_slave crc NO')?.input ?? '', 'w1-crc'],
    // Data line at ground: the CRC of zeros is zero, and the kernel says YES.
    ['00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n', 'w1-grounded'],
    ['f2 00 4b 46 7f ff 0c 10 69 : crc=69 YES\nf2 00 4b 46 7f ff 0c 10 69', 'w1-format'],
    ['f2 00 4b 46 7f ff 0c 10 : crc=69 YES\n', 'w1-format'],
    ['f3 00 4b 46 7f ff 0c 10 69 : crc=69 YES\nf3 00 4b 46 7f ff 0c 10 69 t=15187\n', 'w1-crc'],
    ['f2 00 4b 46 7f ff 0c 10 69 : crc=69 YES\nf2 00 4b 46 7f ff 0c 10 69 t=125001\n', 'w1-range'],
  ])('refuses %j: %s', (text, code) => {
    expect(codeOf(() => parseW1Slave(text))).toBe(code);
  });

  it('writes what the kernel shows, below zero too', () => {
    const kernel = vectors.filter((vector) => vector.input.includes('0c 10 69'));
    for (const vector of kernel) {
      if (vector.expected.tempC === 15.125) expect(formatW1Slave(15.125)).toBe(vector.input);
    }
    // Data sheet of the DS18B20: −10.125 °C is FF5E.
    expect(formatW1Slave(-10.125)).toMatch(/^5e ff .* t=-10125\n$/s);
  });

  it('survives format and parse', () => {
    fc.assert(
      fc.property(fc.integer({ min: -880, max: 2000 }), (sixteenths) => {
        const celsius = Math.trunc((sixteenths * 1000) / 16) / 1000;
        expect(parseW1Slave(formatW1Slave(sixteenths / 16)).temperatureCelsius).toBeCloseTo(celsius, 9);
      }),
      { seed: 20261122, numRuns: 500, examples: [[-1], [1]] },
    );
  });

  it('any text gives a value or a CodecError', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(60), (noise, cut) => {
        codeOf(() => parseW1Slave(noise));
        codeOf(() => parseW1Temperature(noise));
        codeOf(() => parseW1Slave(formatW1Slave(20).slice(0, cut) + noise));
      }),
      { seed: 20261122, numRuns: 500 },
    );
  });
});

it('tells the resolution of a sensor that has one', () => {
  // Configuration register 1f and 3f: 9 and 10 bits (data sheet). A DS18S20 has ff there, and nothing to set.
  const file = (bytes: string) => {
    const crc = crc8Dallas(Buffer.from(bytes.replaceAll(' ', ''), 'hex'))
      .toString(16)
      .padStart(2, '0');
    return `${bytes} ${crc} : crc=${crc} YES\n${bytes} ${crc} t=21500\n`;
  };
  expect(parseW1Slave(file('58 01 4b 46 1f ff 0c 10'))).toMatchObject({ resolutionBits: 9 });
  expect(parseW1Slave(file('58 01 4b 46 3f ff 0c 10'))).toMatchObject({ resolutionBits: 10 });
  expect(parseW1Slave(file('2b 00 4b 46 ff ff 0c 10'))).not.toHaveProperty('resolutionBits');
});

describe('temperature', () => {
  it('thousandths of a degree', () => {
    expect(parseW1Temperature('-10125\n')).toEqual({ temperatureCelsius: -10.125, suspectPowerOn: false });
    expect(parseW1Temperature('85000\n')).toEqual({ temperatureCelsius: 85, suspectPowerOn: true });
    expect(codeOf(() => parseW1Temperature(''))).toBe('w1-empty');
    expect(codeOf(() => parseW1Temperature('warm'))).toBe('w1-format');
    expect(codeOf(() => parseW1Temperature('-55001'))).toBe('w1-range');
  });
});

it('CRC-8/MAXIM-DOW matches the catalogue', () => {
  expect(crc8Dallas(Buffer.from('123456789'))).toBe(0xa1);
});
