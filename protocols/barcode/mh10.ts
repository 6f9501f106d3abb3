/**
 * ANSI MH10.8.2 Data Identifiers (DIs): an optional number up to three digits and a letter in front of a value, as in
 * `1JUN123456789A2B4C6D8E`. The letter gives the category, the whole DI the meaning.
 *
 * Titles are of the DIs that labels of transport units carry; a DI that is not listed keeps its category. Source: ANSI
 * MH10.8.2-2021 (= ISO/IEC 15418); license plates: ISO/IEC 15459-1.
 */
export interface DataElement {
  /** The data identifier, for example `1J`. */
  di: string;
  value: string;
  title: string;
}

const SHAPE = /^(\d{0,3}[A-Z])(.*)$/s;

/** Takes a field apart; undefined when it does not start with a data identifier. */
export function parseDataIdentifier(field: string): DataElement | undefined {
  const match = SHAPE.exec(field);
  if (!match) return undefined;
  const di = match[1] as string;
  return { di, value: match[2] as string, title: titleOf(di) };
}

/** Whether a DI says that its value identifies one transport unit: a license plate (ISO/IEC 15459-1). */
export function isLicensePlate(di: string): boolean {
  return LICENSE_PLATES.has(di);
}

/** Whether a DI says that its value is a package's serial number assigned by its sender or supplier. */
export function isPackageSerial(di: string): boolean {
  return PACKAGE_SERIALS.has(di);
}

const LICENSE_PLATES = new Set(['J', '1J', '2J', '3J', '4J', '5J', '6J']);
const PACKAGE_SERIALS = new Set(['3S', '4S', '5S', '6S', '7S', '8S', '9S']);

function titleOf(di: string): string {
  return TITLES[di] ?? CATEGORIES[di.slice(-1)] ?? 'reserved';
}

const CATEGORIES: Record<string, string> = {
  A: 'reserved',
  B: 'container information',
  C: 'field continuation',
  D: 'date',
  E: 'environmental factor',
  F: 'looping',
  G: 'reserved',
  H: 'human resource',
  I: 'vehicle',
  J: 'license plate',
  K: 'transaction reference',
  L: 'location reference',
  M: 'reserved',
  N: 'industry assigned code',
  O: 'reserved',
  P: 'item information',
  Q: 'measurement',
  R: 'miscellaneous',
  S: 'traceability number of an entity',
  T: 'traceability number of a group',
  U: 'UPU agreed code',
  V: 'party to the transaction',
  W: 'activity reference',
  X: 'reserved',
  Y: 'internal application',
  Z: 'mutually defined',
};

const TITLES: Record<string, string> = {
  B: 'container type',
  '1B': 'returnable container id',
  '2B': 'gas cylinder id',
  '3B': 'motor freight equipment id',
  '4B': 'SCAC and trailer',
  '5B': 'receptacle asset number',
  D: 'date YYMMDD',
  '6D': 'date with qualifier',
  '9D': 'production date YYMMDD',
  '12D': 'date YYYYMMDD',
  '14D': 'expiration date YYYYMMDD',
  '16D': 'production date YYYYMMDD',
  I: 'vehicle identification number',
  J: 'unique license plate',
  '1J': 'license plate of a unit at the lowest packaging level',
  '2J': 'license plate of a unit of several packages',
  '3J': 'license plate of a lowest level unit, EDI detail follows',
  '4J': 'license plate of a unit of several packages, EDI detail follows',
  '5J': 'license plate of a mixed transport unit',
  '6J': 'license plate of a master transport unit',
  '7J': 'vehicle registration',
  K: 'purchase order',
  '1K': 'supplier order number',
  '2K': 'bill of lading',
  '3K': 'packing list',
  '4K': 'purchase order line',
  '5K': 'reference number',
  '6K': 'PRO number',
  '7K': 'carrier mode',
  '8K': 'contract number',
  '9K': 'generic transaction reference',
  '10K': 'invoice number',
  '11K': 'packing list number',
  '12K': 'SCAC and PRO number',
  '13K': 'SCAC and bill of lading',
  '14K': 'order and line',
  '15K': 'kanban',
  L: 'storage location',
  '1L': 'location',
  '2L': 'ship to',
  '3L': 'ship from',
  '4L': 'country of origin',
  '5L': 'ship for',
  '6L': 'route code',
  '20L': 'first level location',
  '21L': 'second level location',
  '22L': 'third level location',
  '23L': 'fourth level location',
  '24L': 'fifth level location',
  '25L': 'party location (ISO/IEC 15459)',
  '51L': 'ship from postal code',
  '52L': 'ship to postal code',
  P: 'customer item id',
  '1P': 'supplier item id',
  '2P': 'revision level',
  '3P': 'manufacturer and item id',
  '5P': 'freight classification',
  '8P': 'GTIN-14',
  '25P': 'party item id (ISO/IEC 15459)',
  Q: 'quantity',
  '1Q': 'theoretical quantity',
  '2Q': 'actual weight',
  '3Q': 'unit of measure',
  '4Q': 'gross amount',
  '5Q': 'net amount',
  '6Q': 'number of containers',
  '7Q': 'quantity with unit of measure',
  '8Q': 'container gross weight',
  '10Q': 'container tare weight',
  '11Q': 'container net weight',
  '13Q': 'pieces, this and total',
  R: 'return authorization',
  '1R': 'return code',
  S: 'serial number',
  '1S': 'supplementary serial number',
  '2S': 'shipment id',
  '3S': 'package id, lowest level',
  '4S': 'package id, several packages',
  '5S': 'package id, mixed',
  '6S': 'package id, several ship-to',
  '7S': 'package id, master',
  '8S': 'supplier id and package id',
  '18S': 'CAGE code and serial number',
  '25S': 'party serial number (ISO/IEC 15459)',
  T: 'lot',
  '1T': 'supplier lot',
  V: 'supplier',
  '1V': 'supplier code',
  '3V': 'GS1 Company Prefix',
  '7V': 'customer code',
  '12V': 'manufacturer DUNS',
  '13V': 'supplier DUNS',
  '14V': 'customer DUNS',
  '18V': 'party (ISO/IEC 15459)',
  Z: 'mutually defined',
};
