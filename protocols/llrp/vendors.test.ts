import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import {
  decodeMessage,
  decodeParameters,
  decodeTagReads,
  decodeVendorParameter,
  encodeMessage,
  encodeParameters,
  encodeVendorParameter,
  impinjEnableExtensions,
  impinjEnableExtensionsResponse,
  impinjExtensionsStatus,
  isImpinjEnableExtensions,
  llrpStatus,
  type Parameter,
  type ParameterOf,
  STATUS_CODE,
  tagReportData,
  VENDOR,
} from './index.ts';

const VECTORS: { name: string; input: string; expected: object }[] = JSON.parse(
  readFileSync(new URL('fixtures/vendors.json', import.meta.url), 'utf8'),
);

function custom(hex: string): ParameterOf<'Custom'> {
  const [parameter] = decodeParameters(Buffer.from(hex, 'hex'));
  if (parameter?.name !== 'Custom') throw new Error(`${hex} is no vendor's parameter`);
  return parameter;
}

describe.each(VECTORS)('$name', ({ input, expected }) => {
  it('is read, and written as it was', () => {
    const parameter = decodeVendorParameter(custom(input));
    expect(parameter).toEqual(expected);
    if (parameter) expect(encodeParameters([encodeVendorParameter(parameter)]).toString('hex')).toBe(input);
  });

  it('is refused when it is cut', () => {
    const { data, ...rest } = custom(input);
    for (let length = 0; length < data.length; length++) {
      expect(() => decodeVendorParameter({ ...rest, data: data.subarray(0, length) })).toThrow(
        expect.objectContaining({ name: 'CodecError' }),
      );
    }
  });
});

it('asks an Impinj reader for everything that it can tell, as sllurp asks', () => {
  const on = (name: 'ImpinjEnableRFPhaseAngle' | 'ImpinjEnablePeakRSSI' | 'ImpinjEnableRFDopplerFrequency') =>
    encodeVendorParameter({ name, mode: 1 });
  const selector = encodeVendorParameter({
    name: 'ImpinjTagReportContentSelector',
    parameters: [on('ImpinjEnableRFPhaseAngle'), on('ImpinjEnablePeakRSSI'), on('ImpinjEnableRFDopplerFrequency')],
  });
  expect(encodeParameters([selector]).toString('hex')).toBe(
    '03ff00360000651a0000003203ff000e0000651a00000034000103ff000e0000651a00000035000103ff000e0000651a000000430001',
  );
  const inside = decodeVendorParameter(selector);
  expect(inside && 'parameters' in inside && inside.parameters).toHaveLength(3);
});

it('asks a Zebra reader for the phase with one bit of 32', () => {
  const selector = encodeVendorParameter({
    name: 'MotoTagReportContentSelector',
    enableZoneId: false,
    enableZoneName: false,
    enableAntennaPhysicalPort: false,
    enablePhase: true,
    enableGps: false,
    enableMltReport: false,
  });
  expect(Buffer.from(selector.data).toString('hex')).toBe('10000000');
});

it('enables Impinj’s extensions as sllurp does, and knows the answer', () => {
  const request = { ...impinjEnableExtensions, version: 1, id: 5 };
  const bytes = encodeMessage(request);
  expect(bytes.toString('hex')).toBe('07ff00000013000000050000651a1500000000');
  expect(isImpinjEnableExtensions(decodeMessage(bytes))).toBe(true);
  const status = llrpStatus(STATUS_CODE.M_UnsupportedMessage, 'no');
  const answer = decodeMessage(encodeMessage(impinjEnableExtensionsResponse({ version: 1, id: 5 }, status)));
  expect(impinjExtensionsStatus(answer)).toEqual(status);
  expect(impinjExtensionsStatus(decodeMessage(bytes))).toBeUndefined();
});

it('leaves alone what it does not know', () => {
  const other: ParameterOf<'Custom'> = { name: 'Custom', vendorId: 99, subtype: 56, data: Buffer.alloc(2) };
  expect(decodeVendorParameter(other)).toBeUndefined();
  expect(decodeVendorParameter({ ...other, vendorId: VENDOR.impinj, subtype: 9999 })).toBeUndefined();
});

describe('a tag report', () => {
  const report = (extra: Parameter[]) => {
    const tag = tagReportData({ epc: '3074257bf7194e4000001a85', antennaId: 2, peakRssiDbm: -60 });
    const parameters = [{ ...tag, parameters: [...tag.parameters, ...extra] }];
    return encodeMessage({ name: 'RO_ACCESS_REPORT', version: 1, id: 1, parameters });
  };

  it('gives Impinj’s and Zebra’s measurements with the read', () => {
    const extra = VECTORS.filter(({ name }) => /RSSI|Phase|Doppler|TID/.test(name)).map(({ input }) => custom(input));
    const impinj = extra.filter(({ vendorId }) => vendorId === VENDOR.impinj);
    expect(decodeTagReads(report(impinj))[0]).toMatchObject({
      peakRssiDbm: -60,
      vendor: { rssiDbm: -60, dopplerHz: -1, tid: 'e2801160', phaseDegrees: (291 / 4096) * 360 },
    });
    const zebra = extra.filter(({ vendorId }) => vendorId === VENDOR.motorola);
    expect(decodeTagReads(report(zebra))[0]?.vendor?.phaseDegrees).toBeCloseTo(360 - (24364 / 65536) * 360, 9);
    expect(decodeTagReads(report([]))[0]?.vendor).toBeUndefined();
  });

  it('stands whatever a vendor’s parameter holds', () => {
    const data = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
    const vendorId = fc.constantFrom(VENDOR.impinj, VENDOR.motorola, 7);
    const subtype = fc.constantFrom(50, 55, 56, 57, 58, 68, 450, 708, 709, 712);
    fc.assert(
      fc.property(vendorId, subtype, data, (vendor, type, bytes) => {
        const parameter: ParameterOf<'Custom'> = { name: 'Custom', vendorId: vendor, subtype: type, data: bytes };
        expect(decodeTagReads(report([parameter]))[0]?.epc).toBe('3074257bf7194e4000001a85');
        try {
          decodeVendorParameter(parameter);
        } catch (error) {
          expect(isCodecError(error)).toBe(true);
        }
      }),
      { seed: 20261123, numRuns: 500 },
    );
  });
});
