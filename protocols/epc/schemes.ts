/** The binary coding schemes that have tag URIs (TDS 2.3, table 14-1 and clause 14.6). */
import {
  CPI_96_PARTITIONS,
  CPI_VAR_PARTITIONS,
  GIAI_96_PARTITIONS,
  GIAI_202_PARTITIONS,
  GRAI_PARTITIONS,
  SGLN_PARTITIONS,
  SGTIN_PARTITIONS,
  SSCC_PARTITIONS,
} from './partitions.ts';
import {
  asciiCage,
  fixedWidthInteger,
  integer,
  numericString,
  partition,
  type Segment,
  sixBitCage,
  sixBitPartition,
  sixBitString,
  string,
  stringPartition,
  unpaddedPartition,
  zeros,
} from './segments.ts';

/** The name in a pure identity URI. */
export type Identity =
  | 'sgtin'
  | 'sscc'
  | 'sgln'
  | 'grai'
  | 'giai'
  | 'gsrn'
  | 'gsrnp'
  | 'gdti'
  | 'cpi'
  | 'sgcn'
  | 'itip'
  | 'gid'
  | 'usdod'
  | 'adi';

export interface Scheme {
  name: string;
  identity: Identity;
  header: number;
  /** Bits of the whole encoding; absent where it varies. */
  bits?: number;
  /** Bits of the filter value; 0 where the scheme has none. */
  filterBits: number;
  /** What follows header and filter. */
  segments: readonly Segment[];
}

const SGTIN = partition(SGTIN_PARTITIONS);
const SSCC = partition(SSCC_PARTITIONS);
const SGLN = partition(SGLN_PARTITIONS);
const GRAI = partition(GRAI_PARTITIONS);
const PIECE_AND_TOTAL = [fixedWidthInteger(7), fixedWidthInteger(7)];

/** Of one identity, the shorter scheme stands first. */
export const SCHEMES = [
  { name: 'sgtin-96', identity: 'sgtin', header: 0x30, bits: 96, filterBits: 3, segments: [SGTIN, integer(38)] },
  { name: 'sgtin-198', identity: 'sgtin', header: 0x36, bits: 198, filterBits: 3, segments: [SGTIN, string(140)] },
  { name: 'sscc-96', identity: 'sscc', header: 0x31, bits: 96, filterBits: 3, segments: [SSCC, zeros(24)] },
  { name: 'sgln-96', identity: 'sgln', header: 0x32, bits: 96, filterBits: 3, segments: [SGLN, integer(41)] },
  { name: 'sgln-195', identity: 'sgln', header: 0x39, bits: 195, filterBits: 3, segments: [SGLN, string(140)] },
  { name: 'grai-96', identity: 'grai', header: 0x33, bits: 96, filterBits: 3, segments: [GRAI, integer(38)] },
  { name: 'grai-170', identity: 'grai', header: 0x37, bits: 170, filterBits: 3, segments: [GRAI, string(112)] },
  {
    name: 'giai-96',
    identity: 'giai',
    header: 0x34,
    bits: 96,
    filterBits: 3,
    segments: [unpaddedPartition(GIAI_96_PARTITIONS)],
  },
  {
    name: 'giai-202',
    identity: 'giai',
    header: 0x38,
    bits: 202,
    filterBits: 3,
    segments: [stringPartition(GIAI_202_PARTITIONS)],
  },
  { name: 'gsrn-96', identity: 'gsrn', header: 0x2d, bits: 96, filterBits: 3, segments: [SSCC, zeros(24)] },
  { name: 'gsrnp-96', identity: 'gsrnp', header: 0x2e, bits: 96, filterBits: 3, segments: [SSCC, zeros(24)] },
  { name: 'gdti-96', identity: 'gdti', header: 0x2c, bits: 96, filterBits: 3, segments: [SGLN, integer(41)] },
  { name: 'gdti-174', identity: 'gdti', header: 0x3e, bits: 174, filterBits: 3, segments: [SGLN, string(119)] },
  /** Deprecated since TDS 1.9; still on tags. Last of its identity, so that nothing is encoded so unless asked for. */
  {
    name: 'gdti-113',
    identity: 'gdti',
    header: 0x3a,
    bits: 113,
    filterBits: 3,
    segments: [SGLN, numericString(58, 17)],
  },
  {
    name: 'cpi-96',
    identity: 'cpi',
    header: 0x3c,
    bits: 96,
    filterBits: 3,
    segments: [unpaddedPartition(CPI_96_PARTITIONS), integer(31)],
  },
  {
    name: 'cpi-var',
    identity: 'cpi',
    header: 0x3d,
    filterBits: 3,
    segments: [sixBitPartition(CPI_VAR_PARTITIONS), integer(40)],
  },
  {
    name: 'sgcn-96',
    identity: 'sgcn',
    header: 0x3f,
    bits: 96,
    filterBits: 3,
    segments: [SGLN, numericString(41, 12)],
  },
  {
    name: 'itip-110',
    identity: 'itip',
    header: 0x40,
    bits: 110,
    filterBits: 3,
    segments: [SGTIN, ...PIECE_AND_TOTAL, integer(38)],
  },
  {
    name: 'itip-212',
    identity: 'itip',
    header: 0x41,
    bits: 212,
    filterBits: 3,
    segments: [SGTIN, ...PIECE_AND_TOTAL, string(140)],
  },
  {
    name: 'gid-96',
    identity: 'gid',
    header: 0x35,
    bits: 96,
    filterBits: 0,
    segments: [integer(28), integer(24), integer(36)],
  },
  /** US DoD Suppliers' Passive RFID Information Guide: filter of four bits, CAGE in ASCII, serial. */
  {
    name: 'usdod-96',
    identity: 'usdod',
    header: 0x2f,
    bits: 96,
    filterBits: 4,
    segments: [asciiCage(), integer(36)],
  },
  {
    name: 'adi-var',
    identity: 'adi',
    header: 0x3b,
    filterBits: 6,
    segments: [
      sixBitCage(),
      sixBitString({ least: 0, most: 32, allowsHash: false }),
      sixBitString({ least: 1, most: 30, allowsHash: true }),
    ],
  },
] as const satisfies readonly Scheme[];

export type SchemeName = (typeof SCHEMES)[number]['name'];

const BY_HEADER = new Map<number, Scheme & { name: SchemeName }>(SCHEMES.map((scheme) => [scheme.header, scheme]));
const BY_NAME = new Map<string, Scheme & { name: SchemeName }>(SCHEMES.map((scheme) => [scheme.name, scheme]));

export function schemeOfHeader(header: number): (Scheme & { name: SchemeName }) | undefined {
  return BY_HEADER.get(header);
}

export function schemeNamed(name: string): (Scheme & { name: SchemeName }) | undefined {
  return BY_NAME.get(name);
}

export function schemesOfIdentity(identity: string): (Scheme & { name: SchemeName })[] {
  return SCHEMES.filter((scheme) => scheme.identity === identity);
}
