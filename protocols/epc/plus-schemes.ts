/** The `+` schemes of TDS 2.0 and the `++` schemes of TDS 2.3 (table 14-1 and clause 14.6): AIs in a row, no tag URI. */
import { CHARACTERS_39 } from './characters.ts';
import { alphanumeric, delimitedNumeric, fixedNumeric, type Method, variableNumeric } from './plus-methods.ts';

/** A part of the value of an AI; parts of one AI stand next to each other. */
export interface PlusField {
  ai: string;
  method: Method;
  /** Characters of the value that this part takes; the rest where absent. */
  length?: number;
  /** A value that says "absent" (TDS 2.3, clause 7.5: GLN extension 0). */
  absentAs?: string;
}

export interface PlusScheme {
  name: string;
  header: number;
  /** A prioritised date stands in front of the fields. */
  dated: boolean;
  /** A hostname stands behind the fields. */
  hostname: boolean;
  fields: readonly PlusField[];
}

const SERIAL: PlusField = { ai: '21', method: alphanumeric({ most: 20, lengthBits: 5 }) };
const SGTIN: PlusField[] = [{ ai: '01', method: fixedNumeric(14) }, SERIAL];
const SSCC: PlusField[] = [{ ai: '00', method: fixedNumeric(18) }];
const SGLN: PlusField[] = [
  { ai: '414', method: fixedNumeric(13) },
  { ai: '254', method: alphanumeric({ most: 20, lengthBits: 5 }), absentAs: '0' },
];
const GRAI: PlusField[] = [
  { ai: '8003', method: fixedNumeric(14), length: 14 },
  { ai: '8003', method: alphanumeric({ most: 16, lengthBits: 5 }) },
];
const GIAI: PlusField[] = [{ ai: '8004', method: delimitedNumeric({ most: 30, lengthBits: 5 }) }];
const GSRN: PlusField[] = [{ ai: '8018', method: fixedNumeric(18) }];
const GSRNP: PlusField[] = [{ ai: '8017', method: fixedNumeric(18) }];
const GDTI: PlusField[] = [
  { ai: '253', method: fixedNumeric(13), length: 13 },
  { ai: '253', method: alphanumeric({ most: 17, lengthBits: 5 }) },
];
const CPI: PlusField[] = [
  { ai: '8010', method: delimitedNumeric({ most: 30, lengthBits: 5, characters: CHARACTERS_39 }) },
  { ai: '8011', method: variableNumeric({ most: 12, lengthBits: 4 }) },
];
const SGCN: PlusField[] = [
  { ai: '255', method: fixedNumeric(13), length: 13 },
  { ai: '255', method: variableNumeric({ most: 12, lengthBits: 4 }) },
];
const ITIP: PlusField[] = [{ ai: '8006', method: fixedNumeric(18) }, SERIAL];

export const PLUS_SCHEMES = [
  { name: 'cpi+', header: 0xf0, dated: false, hostname: false, fields: CPI },
  { name: 'grai+', header: 0xf1, dated: false, hostname: false, fields: GRAI },
  { name: 'sgln+', header: 0xf2, dated: false, hostname: false, fields: SGLN },
  { name: 'itip+', header: 0xf3, dated: false, hostname: false, fields: ITIP },
  { name: 'gsrn+', header: 0xf4, dated: false, hostname: false, fields: GSRN },
  { name: 'gsrnp+', header: 0xf5, dated: false, hostname: false, fields: GSRNP },
  { name: 'gdti+', header: 0xf6, dated: false, hostname: false, fields: GDTI },
  { name: 'sgtin+', header: 0xf7, dated: false, hostname: false, fields: SGTIN },
  { name: 'sgcn+', header: 0xf8, dated: false, hostname: false, fields: SGCN },
  { name: 'sscc+', header: 0xf9, dated: false, hostname: false, fields: SSCC },
  { name: 'giai+', header: 0xfa, dated: false, hostname: false, fields: GIAI },
  { name: 'dsgtin+', header: 0xfb, dated: true, hostname: false, fields: SGTIN },
  { name: 'cpi++', header: 0xe6, dated: false, hostname: true, fields: CPI },
  { name: 'gsrn++', header: 0xe7, dated: false, hostname: true, fields: GSRN },
  { name: 'gsrnp++', header: 0xe8, dated: false, hostname: true, fields: GSRNP },
  { name: 'sgln++', header: 0xe9, dated: false, hostname: true, fields: SGLN },
  { name: 'gdti++', header: 0xea, dated: false, hostname: true, fields: GDTI },
  { name: 'grai++', header: 0xeb, dated: false, hostname: true, fields: GRAI },
  { name: 'sgcn++', header: 0xec, dated: false, hostname: true, fields: SGCN },
  { name: 'itip++', header: 0xed, dated: false, hostname: true, fields: ITIP },
  { name: 'giai++', header: 0xee, dated: false, hostname: true, fields: GIAI },
  { name: 'sscc++', header: 0xef, dated: false, hostname: true, fields: SSCC },
  { name: 'dsgtin++', header: 0xfc, dated: true, hostname: true, fields: SGTIN },
  { name: 'sgtin++', header: 0xfd, dated: false, hostname: true, fields: SGTIN },
] as const satisfies readonly PlusScheme[];

export type PlusSchemeName = (typeof PLUS_SCHEMES)[number]['name'];

const BY_HEADER = new Map<number, PlusScheme & { name: PlusSchemeName }>(
  PLUS_SCHEMES.map((scheme) => [scheme.header, scheme]),
);
const BY_NAME = new Map<string, PlusScheme & { name: PlusSchemeName }>(
  PLUS_SCHEMES.map((scheme) => [scheme.name, scheme]),
);

export function plusSchemeOfHeader(header: number): (PlusScheme & { name: PlusSchemeName }) | undefined {
  return BY_HEADER.get(header);
}

export function plusSchemeNamed(name: string): (PlusScheme & { name: PlusSchemeName }) | undefined {
  return BY_NAME.get(name);
}

/** Clause 14.5.3: the AI of a prioritised date, by date type indicator. */
export const DATE_AIS: readonly string[] = ['11', '13', '15', '16', '17', '7006', '7007'];
