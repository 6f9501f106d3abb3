import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import {
  decodeHidPosReport,
  decodeTemperFirmware,
  decodeTemperReport,
  decodeTemperText,
  encodeHidPosScan,
  HidPosAssembler,
  honeywellCodeId,
  temperQuery,
  temperScale,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: Record<string, unknown>;
}

function fixture(name: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as Vector[];
}

const reports = fixture('hid-pos');
const temper = fixture('temper-hid');
const FUZZ = { seed: 20261122, numRuns: 1000 };

describe('point-of-sale reports', () => {
  it.each(reports)('$name', ({ input, expected }) => {
    const report = decodeHidPosReport(fromHex(input));
    expect(report.aim).toBe(expected.aim);
    expect(report.data).toHaveLength(Number(expected.len));
    expect(report.vendorSymbology).toBe(expected.symByte);
    expect(report.more).toBe(expected.more);
    if (expected.data !== undefined) expect(report.data.toString()).toBe(expected.data);
  });

  it('writes a scan as the reader does', () => {
    const single = reports.find((vector) => vector.expected.data !== undefined);
    const [report, ...others] = encodeHidPosScan({
      aim: ']C0',
      data: Buffer.from(String(single?.expected.data)),
      vendorSymbology: Number(single?.expected.symByte),
    });
    expect(others).toEqual([]);
    expect(toHex(report ?? Buffer.alloc(0))).toBe(single?.input);
  });

  it('joins long scans and starts clean with the next', () => {
    const assembler = new HidPosAssembler();
    const data = Buffer.from('0123456789'.repeat(20));
    for (const turn of [1, 2]) {
      const scans = encodeHidPosScan({ aim: ']Q1', data }).map((report) => assembler.push(decodeHidPosReport(report)));
      expect(scans.slice(0, -1), `turn ${turn}`).toEqual([undefined, undefined, undefined]);
      expect(scans.at(-1)).toEqual({ aim: ']Q1', data, vendorSymbology: 0 });
    }
  });

  it('finds the AIM identifier one byte later', () => {
    const report = Buffer.alloc(64);
    report.set([2, 3, 0, ...Buffer.from(']d2ABC')]);
    expect(decodeHidPosReport(report)).toMatchObject({ aim: ']d2', data: Buffer.from('ABC') });
  });

  it('takes data that stands in the place of an AIM identifier', () => {
    // Layout of Newland FM430: length, data from byte 2, the maker's symbology number at 62.
    const report = Buffer.alloc(64);
    report.set([2, 13, ...Buffer.from('4006381333931')]);
    expect(decodeHidPosReport(report)).toEqual({
      data: Buffer.from('4006381333931'),
      vendorSymbology: 0,
      more: false,
    });
  });

  it('knows Honeywell’s letters, where they settle the AIM identifier', () => {
    expect(['j', 'I', 'd', 'D', '}', 'w', 's', 'é'].map(honeywellCodeId)).toEqual([
      ']C0',
      ']C1',
      ']E0',
      ']E4',
      ']e0',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is bounded', () => {
    const assembler = new HidPosAssembler();
    const endless = { data: Buffer.alloc(56, 1), vendorSymbology: 0, more: true };
    for (let i = 0; i < 2000; i++) assembler.push(endless);
    expect(assembler.push({ ...endless, more: false })).toBeUndefined();
    expect(assembler.droppedScans).toBe(1);
    expect(assembler.push({ ...endless, more: false })).toMatchObject({ data: endless.data });
  });

  it.each([
    ['', 'hid-pos-length@0'],
    [`03${'00'.repeat(63)}`, 'hid-pos-report-id@0'],
    [`0239${'00'.repeat(62)}`, 'hid-pos-data-length@1'],
    [`0238005d${'00'.repeat(60)}`, 'hid-pos-data-length@1'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeHidPosReport(fromHex(hex)))).toBe(fault);
  });
});

describe('TEMPer', () => {
  it.each(temper.filter((vector) => 'tempC' in vector.expected))('$name', ({ input, expected }) => {
    expect(decodeTemperReport(fromHex(input))).toEqual({
      kind: 'reading',
      probe: expected.probe ?? 'inner',
      temperatureCelsius: expected.tempC,
      ...(expected.rh === undefined ? {} : { humidityPercent: expected.rh }),
    });
  });

  it('date, firmware and queries', () => {
    const of = (part: string) => temper.find((vector) => vector.name.includes(part));
    expect(decodeTemperReport(fromHex(of('manufacture')?.input ?? ''))).toEqual({
      kind: 'manufactured',
      date: of('manufacture')?.expected.date,
    });
    const firmware = fromHex(of('firmware reply')?.input ?? '');
    expect(decodeTemperFirmware([firmware.subarray(0, 8), firmware.subarray(8)])).toBe(
      of('firmware reply')?.expected.firmware,
    );
    expect(toHex(temperQuery.reading())).toBe(of('query temperature')?.input);
    expect(toHex(temperQuery.firmware())).toBe(of('query firmware')?.input);
  });

  it('negative degrees, and 256ths of old firmware', () => {
    expect(decodeTemperReport(fromHex('8080fc184e200000'))).toMatchObject({ temperatureCelsius: -10 });
    expect(decodeTemperReport(fromHex('808019804e200000'), { unitsPerDegree: 256 })).toMatchObject({
      temperatureCelsius: 25.5,
    });
    expect(decodeTemperReport(fromHex('80804e204e200000'))).toEqual({ kind: 'reading', probe: 'inner' });
  });

  it.each([
    ['TEMPerGold_V3.1', 100],
    ['TEMPerGold_V3.5', 100],
    ['TEMPerX_V3.3', 100],
    ['TEMPer2_V4.1', 100],
    ['TEMPerF1.4', 256],
    ['TEMPer1F_V1.3', 256],
    ['TEMPer2_M12_V1.3', 256],
    ['RDing', undefined],
    ['', undefined],
  ])('firmware %j counts in 1/%s', (firmware, scale) => {
    expect(temperScale(firmware)).toBe(scale);
  });

  it('text of the serial model', () => {
    const vector = fixture('ascii-serial').find((one) => one.name.startsWith('TEMPerX232'));
    expect(decodeTemperText(vector?.input ?? '')).toEqual({
      kind: 'reading',
      probe: 'inner',
      temperatureCelsius: vector?.expected.tempC,
      humidityPercent: vector?.expected.rh,
    });
    expect(faultOf(() => decodeTemperText('Temp-Inner:xx'))).toBe('temper-text@0');
  });

  it.each([
    ['8080', 'temper-length@2'],
    ['8180000000000000', 'temper-report@0'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeTemperReport(fromHex(hex)))).toBe(fault);
  });
});

it('any bytes give a value or a CodecError', () => {
  const head = fc.constantFrom(Buffer.alloc(0), Buffer.of(2), Buffer.of(0x80));
  fc.assert(
    fc.property(head, fc.uint8Array({ minLength: 0, maxLength: 64 }), (first, rest) => {
      const bytes = Buffer.concat([first, rest]);
      const padded = Buffer.concat([bytes, Buffer.alloc(64)]).subarray(0, 64);
      faultOf(() => decodeHidPosReport(bytes));
      faultOf(() => decodeHidPosReport(padded));
      faultOf(() => decodeTemperReport(bytes.subarray(0, 8)));
      faultOf(() => decodeTemperText(bytes.toString('latin1')));
    }),
    FUZZ,
  );
});
