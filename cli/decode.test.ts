import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECODE_KINDS, decodeLine } from './decode.ts';
import { DECODERS, type DecodeOptions } from './decode-kinds.ts';

function run(kind: string, data: string, options: DecodeOptions = {}) {
  const decoder = DECODERS[kind];
  if (!decoder) throw new Error(`no kind '${kind}'`);
  const { lines, ok } = decodeLine(decoder, data, options);
  return { ok, objects: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** Inputs from outside, by kind. */
const GOOD: Record<string, { data: string; expected: object }> = {
  barcode: { data: ']C100340123451234567895', expected: {} },
  epc: { data: '3074257BF7194E4000001A85', expected: {} },
  nmea: { data: '$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47', expected: { kind: 'gga' } },
  llrp: { data: '043f000000200000000000f600160080000c0000000000000001010000060000', expected: {} },
  ssi: { data: '04D00400FF28', expected: {} },
  modbus: { data: '01 04 02 01 31 79 74', expected: {} },
  shock: { data: '5551000000000008000000ae'.slice(0, 22), expected: {} },
  'rfid-serial': {
    data: 'bb02220011c43000e200001d7315016521408fc6b83ec27e',
    expected: { module: 'r200', command: 0x22 },
  },
  elm327: { data: '41 0C 1A F8\\r\\r>', expected: { kind: 'data', values: [{ name: 'engine-speed', value: 1726 }] } },
  'one-wire': {
    data: '50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\\n50 05 4b 46 7f ff 0c 10 1c t=85000',
    expected: {},
  },
  gpsd: {
    data: '{"class":"VERSION","release":"3.22","proto_major":3,"proto_minor":14}',
    expected: { kind: 'version' },
  },
};

describe('decode', () => {
  it('knows every kind that is promised', () => {
    expect(DECODE_KINDS).toEqual(
      expect.arrayContaining(['barcode', 'epc', 'nmea', 'llrp', 'ssi', 'modbus', 'shock', 'rfid-serial', 'uplink']),
    );
  });

  it.each(Object.entries(GOOD).filter(([kind]) => kind !== 'shock'))('decodes %s', (kind, { data, expected }) => {
    const { ok, objects } = run(kind, data);
    expect(objects).toEqual([expect.objectContaining({})]);
    expect(objects[0]).toMatchObject(expected);
    expect(ok).toBe(true);
  });

  it('takes an acceleration frame that was captured', () => {
    const frames = JSON.parse(
      readFileSync(new URL('../protocols/shock/fixtures/witmotion.json', import.meta.url), 'utf8'),
    ) as { input: string }[];
    expect(frames.some(({ input }) => run('shock', input).ok)).toBe(true);
  });

  it('takes text kinds in hexadecimal as well', () => {
    const { data } = GOOD.nmea ?? { data: '' };
    expect(run('nmea', `0x${Buffer.from(data).toString('hex')}`)).toEqual(run('nmea', data));
  });

  it('finds out the RFID module, or takes the one that is named', () => {
    const two = 'bb01ff000115167ebb01ff000115167e';
    expect(run('rfid-serial', two).objects).toHaveLength(2);
    expect(run('rfid-serial', 'ff0022040084e0').objects).toMatchObject([
      { module: 'thingmagic', direction: 'reply', statusName: 'no-tag' },
    ]);
    expect(run('rfid-serial', '050001fbf23d', { module: 'r200' })).toEqual({
      ok: false,
      objects: [{ error: { code: 'rfid-length', message: expect.any(String), offset: expect.any(Number) } }],
    });
  });

  it.each([
    ['modbus', '01040201317975', 'modbus-crc'],
    ['rfid-serial', 'bb00220000237e', 'rfid-checksum'],
    ['nmea', '$GPGGA,123519*00', 'nmea-checksum'],
    ['epc', '30zz', 'hex-invalid'],
    ['hid', '0102', 'hid-pos-length'],
    ['elm327', '41 0', 'elm327-hex'],
  ])('%s %s is %s, with an offset', (kind, data, code) => {
    const { ok, objects } = run(kind, data);
    expect(ok).toBe(false);
    expect(objects).toEqual([{ error: { code, message: expect.any(String), offset: expect.any(Number) } }]);
  });

  it('says what the bits of a tag are that hold no EPC', () => {
    expect(run('epc', '307C257BF7194E4000001A85')).toEqual({
      ok: false,
      objects: [
        {
          error: { code: 'epc-partition', message: expect.any(String), offset: 1 },
          scheme: 'raw',
          bits: 96,
          rawUri: 'urn:epc:raw:96.x307C257BF7194E4000001A85',
        },
      ],
    });
  });

  it('takes an EPC whose last byte is half', () => {
    const sgln195 = '3934257BF46072C0000000000000000000000000000000000';
    expect(run('epc', sgln195).objects).toMatchObject([{ tagUri: 'urn:epc:tag:sgln-195:1.0614141.12345.0' }]);
  });

  it('takes Modbus ASCII as it stands on the line', () => {
    expect(run('modbus', ':1103006B00037E').objects).toMatchObject([{ transport: 'ascii', unitId: 0x11 }]);
    expect(run('modbus', '11:03:00:6b:00:03:76:87').objects).toMatchObject([{ transport: 'rtu', unitId: 0x11 }]);
  });

  it('takes what a capture of an accelerometer’s line has of frames', () => {
    const still = '5551000000000008c4097b';
    expect(run('shock', `00ff12${still}aabb${still}`)).toMatchObject({ ok: true, objects: [{ zG: 1 }, { zG: 1 }] });
    expect(run('shock', `${still}7b`.replace('c4', 'c5')).objects).toMatchObject([
      { error: { code: 'witmotion-length' } },
    ]);
  });

  it('takes both reports of a TEMPer’s firmware', () => {
    expect(run('hid', '54454d506572476f6c645f56332e3520').objects).toEqual([
      { kind: 'firmware', firmware: 'TEMPerGold_V3.5' },
    ]);
  });

  it('counts the offset of a label from its symbology identifier', () => {
    expect(run('barcode', ']C100340123451234567890').objects).toMatchObject([
      { error: { code: 'gs1-check-digit', offset: 5 } },
    ]);
    expect(run('barcode', '0x5d433130303334').objects).toMatchObject([
      { error: { code: 'gs1-value-length', offset: 5 } },
    ]);
  });

  it('gives JSON for any line of any kind', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      fc.constantFrom(...Object.values(GOOD).map(({ data }) => data)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...DECODE_KINDS), line, (kind, data) => {
        const { ok, objects } = run(kind, data);
        if (!ok) expect(objects).toMatchObject([{ error: { code: expect.any(String), offset: expect.any(Number) } }]);
      }),
      { seed: 20261123, numRuns: 2_000 },
    );
  });
});
