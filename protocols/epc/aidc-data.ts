/**
 * Further data behind an EPC of the `+` and `++` schemes (TDS 2.3, clause 15.3): AI key in digits of four bits, then its
 * value as table F says, repeated.
 */
import type { BitReader, BitWriter } from './bits.ts';
import { CHARACTERS_39 } from './characters.ts';
import {
  countryCode,
  dateOrRange,
  dateTimeYymmddhhmm,
  optionalMinus,
  sequenceIndicator,
  singleBit,
  variablePrecisionDateTime,
} from './date-methods.ts';
import { epcFault } from './faults.ts';
import type { EpcElement } from './keys.ts';
import {
  alphanumeric,
  bitsOfDigits,
  dateYymmdd,
  delimitedNumeric,
  fixedBitNumeric,
  fixedNumeric,
  type Method,
  variableNumeric,
} from './plus-methods.ts';

/**
 * Adds the elements up to the end, or to the zeros that pad it, to `elements`; what was read before a fault stays there.
 * @throws CodecError, `epc-ai` for an unknown key.
 */
export function readAidcData(from: BitReader, elements: EpcElement[]): void {
  while (from.left >= 8 && !isAllZero(from)) {
    const ai = readKey(from);
    const value = (TABLE_F.get(ai) as Row).methods.map((method) => method.read(from)).join('');
    elements.push({ ai, value });
  }
}

export function writeAidcData(to: BitWriter, elements: readonly EpcElement[]): void {
  for (const { ai, value } of elements) {
    const row = TABLE_F.get(ai);
    if (row === undefined) throw epcFault('epc-value', `AI ${ai} cannot stand behind an EPC`);
    for (const digit of ai) to.number(Number(digit), 4);
    let rest = value;
    row.methods.forEach((method, i) => {
      const length = i < row.methods.length - 1 ? row.firstLength : rest.length;
      method.write(to, rest.slice(0, length));
      rest = rest.slice(length);
    });
  }
}

interface Row {
  methods: readonly Method[];
  /** Characters of the first of two components. */
  firstLength: number;
}

const text = (most: number, least = 1): Method =>
  alphanumeric({ most, least, lengthBits: Math.max(1, Math.ceil(Math.log2(most + 1))) });
const digits = (count: number): Method => fixedBitNumeric(bitsOfDigits(count), count);
const number = (most: number, least = 1): Method =>
  variableNumeric({ most, least, lengthBits: Math.ceil(Math.log2(most + 1)) });
const delimited = (characters?: RegExp): Method =>
  delimitedNumeric({ most: 30, lengthBits: 5, ...(characters && { characters }) });

/** AIs of table F: `first-last` or one; a number is the length of the first of two components. */
const ROWS: readonly (readonly [ais: string, ...methods: Method[]])[] = [
  ['00', fixedNumeric(18)],
  ['01-02', fixedNumeric(14)],
  ['10', text(20)],
  ['11-13', dateYymmdd],
  ['15-17', dateYymmdd],
  ['20', digits(2)],
  ['21-22', text(20)],
  ['235', text(28)],
  ['240-241', text(30)],
  ['242', number(6)],
  ['243', text(20)],
  ['250-251', text(30)],
  ['253', fixedNumeric(13), text(17, 0)],
  ['254', text(20)],
  ['255', fixedNumeric(13), number(12, 0)],
  ['30', number(8)],
  ...measures(310, 316),
  ...measures(320, 337),
  ...measures(340, 357),
  ...measures(360, 369),
  ['37', number(8)],
  ['3900-3909', number(15)],
  ['3910-3919', digits(3), number(15)],
  ['3920-3929', number(15)],
  ['3930-3939', digits(3), number(15)],
  ['3940-3943', digits(4)],
  ['3950-3953', digits(6)],
  ['400-401', text(30)],
  ['402', digits(17)],
  ['403', text(30)],
  ['410-417', fixedNumeric(13)],
  ['420', text(20)],
  ['421', digits(3), text(9)],
  ['422', digits(3)],
  ['423', number(15)],
  ['424', digits(3)],
  ['425', number(15)],
  ['426', digits(3)],
  ['427', text(3)],
  ['4300-4301', text(35)],
  ['4302-4306', text(70)],
  ['4307', countryCode],
  ['4308', text(30)],
  ['4309', digits(20)],
  ['4310-4311', text(35)],
  ['4312-4316', text(70)],
  ['4317', countryCode],
  ['4318', text(20)],
  ['4319', text(30)],
  ['4320', text(35)],
  ['4321-4323', singleBit],
  ['4324-4325', dateTimeYymmddhhmm],
  ['4326', dateYymmdd],
  ['4330-4333', digits(6), optionalMinus],
  ['7001', digits(13)],
  ['7002', text(30)],
  ['7003', dateTimeYymmddhhmm],
  ['7004', number(4)],
  ['7005', text(12)],
  ['7006', dateYymmdd],
  ['7007', dateOrRange],
  ['7008', text(3)],
  ['7009', text(10)],
  ['7010', text(2)],
  ['7011', variablePrecisionDateTime],
  ['7020-7022', text(20)],
  ['7023', delimited()],
  ['7030-7039', digits(3), text(27)],
  ['7040-7041', text(4)],
  ['710-716', text(20)],
  ['7230-7239', text(30)],
  ['7240', text(20)],
  ['7241', fixedNumeric(2)],
  ['7242', text(25)],
  ['7250', digits(8)],
  ['7251', digits(12)],
  ['7252', digits(1)],
  ['7253', text(40)],
  // Table F gives 7254 a length indicator of six bits, though 30 characters want five.
  ['7254', alphanumeric({ most: 30, lengthBits: 6 })],
  ['7255', text(10)],
  ['7256', text(90)],
  ['7257', text(70)],
  ['7258', sequenceIndicator],
  ['7259', text(40)],
  ['8001', digits(14)],
  ['8002', text(20)],
  ['8003', fixedNumeric(14), text(16, 0)],
  ['8004', delimited()],
  ['8005', digits(6)],
  ['8006', fixedNumeric(18)],
  ['8007', text(24)],
  ['8008', variablePrecisionDateTime],
  ['8009', text(50)],
  ['8010', delimited(CHARACTERS_39)],
  ['8011', number(12)],
  ['8012', text(20)],
  ['8013', text(25)],
  ['8017-8018', fixedNumeric(18)],
  ['8019', number(10)],
  ['8020', text(25)],
  ['8026', fixedNumeric(18)],
  ['8030', text(90)],
  ['8110', text(70)],
  ['8111', digits(4)],
  ['8112', text(70)],
  ['8200', text(70)],
  ['90', text(30)],
  ['91-99', text(90)],
];

/** Trade measures: 310 stands for 3100–3105. */
function measures(first: number, last: number): [string, Method][] {
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return numbers.map((stem) => [`${stem}0-${stem}5`, digits(6)]);
}

/** Digits of the first component, where there are two. */
const FIRST_LENGTHS: Readonly<Record<string, number>> = { '253': 13, '255': 13, '8003': 14, '421': 3 };

const TABLE_F: ReadonlyMap<string, Row> = new Map(
  ROWS.flatMap(([ais, ...methods]) => {
    const [first = '', last = first] = ais.split('-');
    const count = Number(last) - Number(first) + 1;
    return Array.from({ length: count }, (_, i): [string, Row] => {
      const ai = (Number(first) + i).toString().padStart(first.length, '0');
      const firstLength = FIRST_LENGTHS[ai] ?? (ai.startsWith('433') ? 6 : 3);
      return [ai, { methods, firstLength }];
    });
  }),
);

/** Table K: digits of the AIs that begin with these two. */
const KEY_LENGTHS: ReadonlyMap<string, number> = new Map([...TABLE_F.keys()].map((ai) => [ai.slice(0, 2), ai.length]));

function readKey(from: BitReader): string {
  const start = from.at;
  let ai = '';
  for (let length = 2; ai.length < length; length = KEY_LENGTHS.get(ai.slice(0, 2)) ?? 2) {
    while (ai.length < Math.min(length, 4)) ai += from.number(4).toString(16);
  }
  if (!TABLE_F.has(ai)) throw epcFault('epc-ai', `AI ${ai} is not known behind an EPC`, start);
  return ai;
}

/** Zeros up to the end are padding, and no SSCC of zeros. */
function isAllZero(from: BitReader): boolean {
  const start = from.at;
  const zero = from.integer(from.left) === 0n;
  from.at = start;
  return zero;
}
