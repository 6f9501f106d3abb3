/** Rules of the standard, one line per case: what is refused and why, and what is easily got wrong. */
import { describe, expect, it } from 'vitest';
import { toHex } from '../base/bytes.ts';
import { decodeControl, decodeEpc, encodeEpc, type PlusEpc, packageIdOfEpc, pureUriOfKey, readEpc } from './index.ts';

/** Bits written as in the standard's tables, with zeros up to a byte. */
function bank(...segments: string[]): Buffer {
  const bits = segments.join('').replaceAll(' ', '');
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
  return Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

const bin = (value: number | bigint, width: number) => value.toString(2).padStart(width, '0');
const bcd = (digits: string) => [...digits].map((digit) => bin(Number(digit), 4)).join('');
const ascii = (text: string) => [...text].map((character) => bin(character.charCodeAt(0), 7)).join('');
const fault = (code: string) => expect.objectContaining({ name: 'CodecError', code });

describe('bits that are no EPC', () => {
  it.each<[string, string | Buffer, string]>([
    ['nothing', '', 'epc-truncated'],
    ['an unprogrammed tag', '000000000000000000000000', 'epc-header'],
    ['the class identifier of a TID bank', 'E2801160600002054CC2096F', 'epc-header'],
    ['a header of the future', 'FE0000000000000000000000', 'epc-header'],
    ['a header of the retired 64-bit schemes', '0800000000000000', 'epc-header'],
    ['partition value 7', '307C257BF7194E4000001A85', 'epc-partition'],
    [
      'a company prefix of seven digits in six',
      bank('00110000 000 110', bin(1_000_000, 20), bin(0, 24 + 38)),
      'epc-range',
    ],
    ['an item reference beyond its digits', bank('00110000 000 000', bin(1, 40), bin(10, 4), bin(0, 38)), 'epc-range'],
    [
      'a location reference where there is no room for one',
      bank('00110010 000 000', bin(1, 40), '1', bin(0, 41)),
      'epc-range',
    ],
    ['an SSCC with something in its reserved bits', '3114257BF4499602D2000001', 'epc-reserved'],
    ['a GSRN with something in its reserved bits', '2D14257BF4499602D2800000', 'epc-reserved'],
    [
      'a serial number of no characters',
      bank('00110110 000 101', bin(614141, 24), bin(812345, 20), bin(0, 140)),
      'epc-padding',
    ],
    [
      'a character behind the end of the string',
      bank('00110110 000 101', bin(614141, 24), bin(812345, 20), ascii('A'), bin(0, 7), ascii('B'), bin(0, 119)),
      'epc-padding',
    ],
    [
      'a character that is not in table A-1 ($)',
      bank('00110110 000 101', bin(614141, 24), bin(812345, 20), ascii('A$'), bin(0, 126)),
      'epc-character',
    ],
    [
      'a character that is only in set 39 (#)',
      bank('00110110 000 101', bin(614141, 24), bin(812345, 20), ascii('#1'), bin(0, 126)),
      'epc-character',
    ],
    [
      'an asset reference longer than its company prefix allows',
      bank('00111000 000 000', bin(1, 40), ascii('A'.repeat(19)), bin(0, 15)),
      'epc-length',
    ],
    [
      'bits that are left over from the characters of an asset reference',
      bank('00111000 000 000', bin(1, 40), ascii('A'), bin(0, 140), '1'),
      'epc-padding',
    ],
    [
      'a coupon serial without its leading 1',
      bank('00111111 000 101', bin(614141, 24), bin(1, 17), bin(25, 41)),
      'epc-range',
    ],
    ['a coupon serial of no digits', bank('00111111 000 101', bin(614141, 24), bin(1, 17), bin(1, 41)), 'epc-range'],
    [
      'a piece number above 99',
      bank('01000000 000 101', bin(614141, 24), bin(812345, 20), bin(100, 7), bin(2, 7), bin(1, 38)),
      'epc-range',
    ],
    [
      'a CAGE code with an O',
      bank('00101111 0011', '00100000', ...[...'CAGOY'].map((c) => bin(c.charCodeAt(0), 8)), bin(1, 36)),
      'epc-character',
    ],
    [
      'an ADI without the end of its serial number',
      bank('00111011 000011', '100000', bin(0x3_1234_5678n, 34)),
      'epc-character',
    ],
    [
      'an ADI with # inside its serial number',
      bank('00111011 000011', '100000 110011 110101 111001 110110 110010', '000000', '000001 100011 000000'),
      'epc-character',
    ],
    [
      'an ADI without a serial number',
      bank('00111011 000011', '100000 110011 110101 111001 110110 110010', '000001 000000', '000000'),
      'epc-length',
    ],
    [
      'a part reference without characters',
      bank('00111101 000 101', bin(614141, 24), '000000', bin(1, 40)),
      'epc-length',
    ],
    ['a hexadecimal digit in a GTIN', 'F73795211411A34538566CB0AFC4', 'epc-character'],
    ['encoding indicator 6', bank('11110111 0 011', bcd('79521141123453'), '110 00101', bin(0, 35)), 'epc-reserved'],
    [
      'a serial number of no characters',
      bank('11110111 0 011', bcd('79521141123453'), '000 00000', bin(0, 35)),
      'epc-length',
    ],
    ['a serial number of 21', bank('11110111 0 011', bcd('79521141123453'), '001 10101', bin(0, 84)), 'epc-length'],
    ['a number beyond its digits', bank('11110111 0 011', bcd('79521141123453'), '000 00001', '1010'), 'epc-range'],
    ['URN Code 40 of value 0', bank('11110111 0 011', bcd('79521141123453'), '101 00011', bin(0, 16)), 'epc-character'],
    [
      'URN Code 40 that is padded inside',
      bank('11110111 0 011', bcd('79521141123453'), '101 00011', bin(1601, 16)),
      'epc-character',
    ],
    [
      'URN Code 40 without its padding',
      bank('11110111 0 011', bcd('79521141123453'), '101 00001', bin(1642, 16)),
      'epc-character',
    ],
    ['7-bit $', bank('11110111 0 011', bcd('79521141123453'), '100 00001', ascii('$')), 'epc-character'],
    [
      'a date type that is reserved',
      bank('11111011 0 011', '0111', bin(22, 7), bin(6, 4), bin(30, 5), bin(0, 100)),
      'epc-reserved',
    ],
    ['31 June', bank('11111011 0 011', '0100', bin(22, 7), bin(6, 4), bin(31, 5), bin(0, 100)), 'epc-date'],
    ['month 13', bank('11111011 0 011', '0100', bin(22, 7), bin(13, 4), bin(1, 5), bin(0, 100)), 'epc-date'],
    ['month 0', bank('11111011 0 011', '0100', bin(22, 7), bin(0, 4), bin(1, 5), bin(0, 100)), 'epc-date'],
    [
      'a GIAI that does not begin with a digit',
      bank('11111010 0 011', '1110', '100 00001', ascii('A')),
      'epc-character',
    ],
    ['nibble C in a GIAI', bank('11111010 0 011', '0001 1100'), 'epc-character'],
    ['a GIAI that never ends', bank('11111010 0 011', bcd('1'.repeat(40))), 'epc-length'],
    [
      'lower case in a CPI',
      bank('11110000 0 011', bcd('9521141'), '1110', '010 00001', '1010', '0001', '0001'),
      'epc-character',
    ],
    [
      'a hostname sequence that is reserved',
      bank('11101111 0 000', bcd('095201234567891235'), '1 000010', '0000011 0000001'),
      'epc-reserved',
    ],
    [
      'half a hostname sequence',
      bank('11101111 0 000', bcd('095201234567891235'), '1 000001', '0000000 0000001'),
      'epc-reserved',
    ],
    [
      'a 7-bit hostname value that is reserved',
      bank('11101111 0 000', bcd('095201234567891235'), '1 000001', '0000100'),
      'epc-reserved',
    ],
  ])('%s', (_name, input, code) => {
    expect(() => decodeEpc(input)).toThrow(fault(code));
    if (input.length > 0) expect(readEpc(input)).toMatchObject({ scheme: 'raw', fault: { code } });
  });

  it('is a fault of the caller when it is not hexadecimal', () => {
    expect(() => decodeEpc('30xx')).toThrow(fault('hex-invalid'));
    expect(() => readEpc('30xx')).toThrow(fault('hex-invalid'));
  });
});

describe('what is easily got wrong', () => {
  it.each([
    ['a four-digit reference keeps its zeros', 'urn:epc:tag:grai-96:1.06141411.0001.5', '(8003)0061414110001X5'],
    ['a company prefix of 12 leaves no asset type', 'urn:epc:tag:grai-96:0.061414113245..0', '(8003)0061414113245X0'],
    ['GLN extension 0 is none', 'urn:epc:tag:sgln-96:1.0614141.12345.0', '(414)061414112345X'],
    ['GLN extension 00 is one', 'urn:epc:tag:sgln-195:1.0614141.12345.00', '(414)061414112345X(254)00'],
    [
      'the indicator digit moves to the front',
      'urn:epc:tag:sgtin-96:3.0614141.812345.6789',
      '(01)8061414112345X(21)6789',
    ],
    ['the extension digit moves to the front', 'urn:epc:tag:sscc-96:3.0614141.1234567890', '(00)10614141234567890X'],
    [
      'leading zeros of a long serial stay',
      'urn:epc:tag:sgtin-198:3.0614141.812345.0006789',
      '(01)8061414112345X(21)0006789',
    ],
    ['leading zeros of a coupon serial stay', 'urn:epc:tag:sgcn-96:0.4012345.67890.00', '(255)401234567890X00'],
    [
      'a serial may begin and end with a dot',
      'urn:epc:tag:sgtin-198:0.0614141.812345..a.',
      '(01)8061414112345X(21).a.',
    ],
    [
      'every character that URIs escape',
      'urn:epc:tag:sgtin-198:0.0614141.812345.%22%25%26%2F%3C%3E%3F',
      '(01)8061414112345X(21)"%&/<>?',
    ],
    [
      'the characters that URIs do not escape',
      "urn:epc:tag:sgtin-198:0.0614141.812345.!'()*+,-.:;=_",
      "(01)8061414112345X(21)!'()*+,-.:;=_",
    ],
    [
      'the largest serial of 38 bits',
      'urn:epc:tag:sgtin-96:7.0614141.812345.274877906943',
      '(01)8061414112345X(21)274877906943',
    ],
    [
      'the deprecated GDTI-113',
      'urn:epc:tag:gdti-113:3.9521141.98765.00012345678901234',
      '(253)952114198765X00012345678901234',
    ],
    ['a slash in a part reference', 'urn:epc:tag:cpi-var:0.0614141.A%2FB-%23.1', '(8010)0614141A/B-#(8011)1'],
  ])('%s', (_name, uri, expected) => {
    const epc = decodeEpc(encodeEpc(uri).bytes);
    expect(epc.tagUri).toBe(uri);
    const pattern = expected.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace('X', '\\d');
    expect(epc.elementString).toMatch(new RegExp(`^${pattern}$`));
  });

  it('percent-encodes all but unreserved characters in a Digital Link', () => {
    const epc = decodeEpc(encodeEpc("urn:epc:tag:sgtin-198:0.0614141.812345.!a(b)*c'_-.").bytes);
    expect(epc.digitalLink).toBe('https://id.gs1.org/01/80614141123458/21/%21a%28b%29%2Ac%27_-.');
  });

  it('has no GS1 form for identities that are not GS1 keys', () => {
    for (const uri of [
      'urn:epc:tag:gid-96:1.2.3',
      'urn:epc:tag:usdod-96:0.2S194.1',
      'urn:epc:tag:adi-var:3.2S194..%23A',
    ]) {
      const epc = decodeEpc(encodeEpc(uri).bytes);
      expect(epc).toMatchObject({ tagUri: uri, elements: [], keys: {} });
      expect(epc.elementString).toBeUndefined();
      expect(epc.digitalLink).toBeUndefined();
      expect(packageIdOfEpc(epc)).toBe(`epc:${epc.pureUri}`);
    }
  });
});

describe('the protocol control word', () => {
  const epc = '3074257BF7194E4000001A85';

  it('bounds the EPC', () => {
    expect(decodeEpc(`${epc}FFFF`, { pc: 0x3000 })).toEqual(decodeEpc(epc));
    expect(() => decodeEpc(epc, { pc: 0x3800 })).toThrow(fault('epc-truncated'));
    expect(() => decodeEpc(epc, { pc: 0x2800 })).toThrow(fault('epc-truncated'));
    expect(readEpc(epc, { pc: 0x2800 })).toMatchObject({ rawUri: 'urn:epc:raw:80.x3074257BF7194E400000' });
  });

  it('adds control fields to the tag URI, not to the pure one', () => {
    const decoded = decodeEpc(epc, { pc: 0x3000 | 0x0400 | 0x1a });
    expect(decoded.tagUri).toBe('urn:epc:tag:[att=x1A][umi=1]:sgtin-96:3.0614141.812345.6789');
    expect(decoded.pureUri).toBe('urn:epc:id:sgtin:0614141.812345.6789');
    expect(encodeEpc(decoded.tagUri ?? '')).toEqual({ bytes: Buffer.from(epc, 'hex'), bits: 96, pc: 0x341a });
  });

  it('says when the bank holds no EPC', () => {
    expect(() => decodeEpc(epc, { pc: 0x31a1 })).toThrow(fault('epc-not-epc'));
    const raw = readEpc(epc, { pc: 0x31a1 });
    expect(raw).toMatchObject({ scheme: 'raw', rawUri: `urn:epc:raw:96.xA1.x${epc}` });
    expect(encodeEpc(`urn:epc:raw:96.xA1.x${epc}`)).toEqual({ bytes: Buffer.from(epc, 'hex'), bits: 96, pc: 0x31a1 });
    expect(decodeControl(0x31a1)).toEqual({ bits: 96, hasUserMemory: false, isUii: true, attributes: 0xa1 });
  });

  it('counts whole words', () => {
    expect(encodeEpc('urn:epc:tag:sgtin-198:0.0614141.812345.A').pc >> 11).toBe(13);
    expect(encodeEpc('urn:epc:raw:12.x123')).toMatchObject({ bits: 12, pc: 0x0800 });
    expect(toHex(encodeEpc('urn:epc:raw:16.4660').bytes)).toBe('1234');
  });
});

describe('what cannot be encoded', () => {
  it.each([
    ['no URI', 'hello', 'epc-uri'],
    ['an unknown scheme', 'urn:epc:tag:sgtin-64:1.2.3.4', 'epc-uri'],
    ['a class of objects', 'urn:epc:id:lgtin:4012345.012345.998877', 'epc-uri'],
    ['a component too few', 'urn:epc:tag:sgtin-96:3.0614141.812345', 'epc-uri'],
    ['a component too many', 'urn:epc:tag:sscc-96:3.0614141.1234567890.1', 'epc-value'],
    ['a filter of 8', 'urn:epc:tag:sgtin-96:8.0614141.812345.1', 'epc-value'],
    ['a filter with a zero in front', 'urn:epc:tag:sgtin-96:03.0614141.812345.1', 'epc-value'],
    ['a serial with a zero in front', 'urn:epc:tag:sgtin-96:3.0614141.812345.01', 'epc-value'],
    ['a serial of 2^38', 'urn:epc:tag:sgtin-96:3.0614141.812345.274877906944', 'epc-value'],
    ['letters in a short serial', 'urn:epc:tag:sgtin-96:3.0614141.812345.A1', 'epc-value'],
    ['no serial', 'urn:epc:tag:sgtin-198:3.0614141.812345.', 'epc-value'],
    ['a serial of 21 characters', `urn:epc:tag:sgtin-198:3.0614141.812345.${'A'.repeat(21)}`, 'epc-value'],
    ['a character that must be escaped', 'urn:epc:tag:sgtin-198:3.0614141.812345.a/b', 'epc-uri'],
    ['a character that EPCs do not have', 'urn:epc:tag:sgtin-198:3.0614141.812345.a%24', 'epc-value'],
    ['a company prefix of five digits', 'urn:epc:tag:sgtin-96:3.06141.81234567.1', 'epc-value'],
    ['digits that do not add up', 'urn:epc:tag:sgtin-96:3.0614141.81234.1', 'epc-value'],
    ['a piece number of one digit', 'urn:epc:tag:itip-110:3.0614141.812345.1.02.1', 'epc-value'],
    ['a CAGE code with an I', 'urn:epc:tag:usdod-96:3.CIGEY.1', 'epc-value'],
    ['# in the part number of an ADI', 'urn:epc:tag:adi-var:3.35962.%23A.B', 'epc-value'],
    ['# alone in the serial of an ADI', 'urn:epc:tag:adi-var:3.35962.A.%23', 'epc-value'],
    ['a coupon serial of 13 digits', 'urn:epc:tag:sgcn-96:3.0614141.12345.0000000000000', 'epc-value'],
    ['an unknown control field', 'urn:epc:tag:[foo=1]:sgtin-96:3.0614141.812345.1', 'epc-uri'],
    ['a raw payload beyond its length', 'urn:epc:raw:8.x100', 'epc-value'],
    ['a raw bank beyond 31 words', 'urn:epc:raw:512.x0', 'epc-value'],
    ['a raw AFI beyond eight bits', 'urn:epc:raw:16.x100.x1234', 'epc-value'],
    ['lower-case hexadecimal', 'urn:epc:raw:16.xabcd', 'epc-uri'],
  ])('%s', (_name, uri, code) => {
    expect(() => encodeEpc(uri)).toThrow(fault(code));
  });

  const SGTIN = [
    { ai: '01', value: '79521141123453' },
    { ai: '21', value: 'A1' },
  ];
  it.each<[string, PlusEpc, RegExp]>([
    ['a + scheme without its serial', { scheme: 'sgtin+', elements: SGTIN.slice(0, 1) }, /AI 21/],
    ['a dated scheme without a date', { scheme: 'dsgtin+', elements: SGTIN }, /date/],
    ['a day that does not exist', { scheme: 'dsgtin+', elements: [...SGTIN, { ai: '17', value: '230231' }] }, /230231/],
    ['a ++ scheme without a hostname', { scheme: 'sgtin++', elements: SGTIN }, /hostname/],
    ['a hostname of 64', { scheme: 'sgtin++', elements: SGTIN, hostname: 'a'.repeat(64) }, /63/],
    ['a filter of 8', { scheme: 'sgtin+', elements: SGTIN, filter: 8 }, /0–7/],
    [
      'a GTIN of 13 digits',
      { scheme: 'sgtin+', elements: [{ ai: '01', value: '9521141123453' }, SGTIN[1] ?? { ai: '', value: '' }] },
      /14 digits/,
    ],
    ['an AI that is none', { scheme: 'sgtin+', elements: [...SGTIN, { ai: '03', value: '1' }] }, /AI 03/],
    ['a GIAI of letters', { scheme: 'giai+', elements: [{ ai: '8004', value: 'A1' }] }, /digit/],
    ['a GIAI of 31', { scheme: 'giai+', elements: [{ ai: '8004', value: '1'.repeat(31) }] }, /30/],
    ['a GRAI without serial', { scheme: 'grai+', elements: [{ ai: '8003', value: '09521141123454' }] }, /1–16/],
  ])('%s', (_name, source, text) => {
    expect(() => encodeEpc(source)).toThrow(fault('epc-value'));
    expect(() => encodeEpc(source)).toThrow(text);
  });

  it('takes the shortest scheme that holds a pure identity, or the one that is asked for', () => {
    const schemeOf = (uri: string) => decodeEpc(encodeEpc(uri).bytes).scheme;
    expect(schemeOf('urn:epc:id:sgtin:0614141.812345.6789')).toBe('sgtin-96');
    expect(schemeOf('urn:epc:id:sgtin:0614141.812345.06789')).toBe('sgtin-198');
    expect(schemeOf('urn:epc:id:gdti:0614141.12345.006847')).toBe('gdti-174');
    expect(schemeOf('urn:epc:id:cpi:0614141.5PQ7%2FZ43.12345')).toBe('cpi-var');
    const long = encodeEpc('urn:epc:id:sgtin:0614141.812345.6789', { scheme: 'sgtin-198', filter: 3 });
    expect(decodeEpc(long.bytes).tagUri).toBe('urn:epc:tag:sgtin-198:3.0614141.812345.6789');
    expect(() => encodeEpc('urn:epc:id:sgtin:0614141.812345.1', { scheme: 'sscc-96' })).toThrow(fault('epc-uri'));
  });
});

describe('keys and package ids', () => {
  it.each([
    [{ sscc: '195211412345678900' }, 7, 'urn:epc:id:sscc:9521141.1234567890'],
    [{ gtin14: '09526567890126', serial: '4711' }, 12, 'urn:epc:id:sgtin:952656789012.0.4711'],
    [{ gtin14: '09521141123454', serial: '32a/b' }, 7, 'urn:epc:id:sgtin:9521141.012345.32a%2Fb'],
    [{ gln: '9521141123454' }, 7, 'urn:epc:id:sgln:9521141.12345.0'],
    [{ gln: '9521141123454', glnExtension: '32a/b' }, 7, 'urn:epc:id:sgln:9521141.12345.32a%2Fb'],
    [{ grai: '0952114112345432a/b' }, 7, 'urn:epc:id:grai:9521141.12345.32a%2Fb'],
    [{ giai: '952114132a/b' }, 7, 'urn:epc:id:giai:9521141.32a%2Fb'],
    [{ gsrn: '952114112345678906' }, 7, 'urn:epc:id:gsrn:9521141.1234567890'],
    [{ gsrnp: '952114112345678906' }, 7, 'urn:epc:id:gsrnp:9521141.1234567890'],
    [{ gdti: '95211411234545678' }, 7, 'urn:epc:id:gdti:9521141.12345.5678'],
    [{ gcn: '952114167890904711' }, 7, 'urn:epc:id:sgcn:9521141.67890.04711'],
    [{ cpi: '95211415PQ7/Z43', cpiSerial: '12345' }, 7, 'urn:epc:id:cpi:9521141.5PQ7%2FZ43.12345'],
    [{ itip: '095211411234540102', serial: '981' }, 7, 'urn:epc:id:itip:9521141.012345.01.02.981'],
  ])('%o with a prefix of %i is %s', (key, length, uri) => {
    expect(pureUriOfKey(key, length)).toBe(uri);
    expect(decodeEpc(encodeEpc(uri).bytes).keys).toEqual(key);
  });

  it.each([
    [{ sscc: '195211412345678901' }, 7, /check digit/],
    [{ sscc: '195211412345678900' }, 5, /6–12/],
    [{ gtin14: '09521141123454' }, 7, /serial/],
    [{ grai: '09521141123454' }, 7, /serial/],
    [{}, 7, /no key/],
  ])('%o with a prefix of %i is refused', (key, length, text) => {
    expect(() => pureUriOfKey(key, length)).toThrow(text);
  });

  it('names a package the same, whatever the scheme of its tag', () => {
    const sgtin = [
      { ai: '01', value: '80614141123458' },
      { ai: '21', value: '6789' },
    ];
    const banks = [
      encodeEpc('urn:epc:tag:sgtin-96:3.0614141.812345.6789'),
      encodeEpc('urn:epc:tag:sgtin-198:1.0614141.812345.6789'),
      encodeEpc({ scheme: 'sgtin+', elements: sgtin }),
      encodeEpc({ scheme: 'dsgtin+', elements: [...sgtin, { ai: '17', value: '300100' }] }),
      encodeEpc({ scheme: 'sgtin++', elements: sgtin, hostname: 'example.org' }),
    ];
    expect(new Set(banks.map(({ bytes }) => packageIdOfEpc(decodeEpc(bytes))))).toEqual(
      new Set(['sgtin:80614141123458.6789']),
    );
    expect(packageIdOfEpc(decodeEpc('311BA1B300CE0A6A83000000'))).toBe('sscc:095201234567891235');
    expect(packageIdOfEpc(decodeEpc('EF009520123456789123592832F8C3B786CCB6C0'))).toBe('sscc:095201234567891235');
    expect(packageIdOfEpc(decodeEpc('3376451FD40C0E400000162E'))).toBe('grai:9521141123454.5678');
    expect(packageIdOfEpc(decodeEpc('EB3095211411234548566CB0AFC525065F1876F0D996D800'))).toBe(
      'grai:9521141123454.32a/b',
    );
    expect(packageIdOfEpc(decodeEpc('4076451FD40C0E40820000000F54'))).toBe('itip:095211411234540102.981');
  });
});

describe('further data behind an EPC', () => {
  const SGTIN_PLUS = (toggle: string) => [`11110111 ${toggle} 011`, bcd('79521141123453'), '000 00011', bin(123, 10)];

  it('is read by the tables F and K', () => {
    const epc = decodeEpc(
      bank(
        ...SGTIN_PLUS('1'),
        '0001 0000',
        '101 00011',
        bin(1600 * 1 + 40 * 27 + 31 + 1, 16), // (10) A-1 in URN Code 40
        '0001 0111',
        bin(30, 7) + bin(12, 4) + bin(0, 5), // (17) 301200
        '0011 0001 0000 0011',
        bin(1234, 20), // (3103) 001234
        '0100 0010 0001',
        `${bin(276, 10)} 000 0101 ${bin(10115, 17)}`, // (421) 276 10115
        '0000',
      ),
    );
    expect(epc.elementString).toBe('(01)79521141123453(21)123');
    expect(epc.bits).toBe(8 + 1 + 3 + 56 + 8 + 10);
    expect(epc.aidc).toEqual({
      elements: [
        { ai: '10', value: 'A-1' },
        { ai: '17', value: '301200' },
        { ai: '3103', value: '001234' },
        { ai: '421', value: '27610115' },
      ],
      fault: undefined,
    });
    expect(epc.digitalLink).toBe(
      'https://id.gs1.org/01/79521141123453/21/123?10=A-1&17=301200&3103=001234&421=27610115',
    );
  });

  it('is left alone without the toggle bit', () => {
    expect(decodeEpc(bank(...SGTIN_PLUS('0'), '0001 0111', bin(30, 7) + bin(12, 4) + bin(0, 5))).aidc).toBeUndefined();
  });

  it('does not take the EPC with it when it is damaged', () => {
    const epc = decodeEpc(bank(...SGTIN_PLUS('1'), '0001 0111', bin(30, 7) + bin(12, 4) + bin(1, 5), '1010 0001', '1'));
    expect(packageIdOfEpc(epc)).toBe('sgtin:79521141123453.123');
    expect(epc.aidc?.elements).toEqual([{ ai: '17', value: '301201' }]);
    expect(epc.aidc?.fault).toMatchObject({ code: 'epc-ai' });
  });

  it('takes zeros for padding, and an SSCC for one', () => {
    expect(decodeEpc(bank(...SGTIN_PLUS('1'), bin(0, 200))).aidc).toEqual({ elements: [], fault: undefined });
    const sscc = '195211412345678900';
    expect(decodeEpc(bank(...SGTIN_PLUS('1'), '0000 0000', bcd(sscc))).aidc?.elements).toEqual([
      { ai: '00', value: sscc },
    ]);
  });
});
