/**
 * The formats of carriers' tracking numbers, as data.
 *
 * A pattern is matched against the whole text without white space. Named groups are the parts of the number; `SerialNumber`
 * and `CheckDigit` feed the checksum. `number` says what identifies the parcel where the bar code carries more than that
 * (routing, depot, service): two bar codes of one label must give one number. `weight` orders the readings of a text that
 * fits several formats: how much chance it would take for another text to look like this one, 0–100.
 *
 * Facts derived from jkeen/tracking_number_data 2.0.0: see LICENSE-tracking-number-data.txt. The order of countries in S10
 * is UPU S10-12: ISO 3166-1 alpha-2.
 */
import { COUNTRIES_ALPHA2 } from '../gs1/codes.ts';
import type { Checksum } from './checksums.ts';

export type Parts = Readonly<Record<string, string>>;

export interface CarrierFormat {
  /** Stable, unique; those of the data repository where it has one. */
  id: string;
  courier: Courier;
  name: string;
  pattern: RegExp;
  /** Lengths that the pattern can match, so that most formats are never tried. */
  lengths: readonly [min: number, max: number];
  weight: number;
  checksum?: Checksum;
  /** A part that must be in a list, or the number is not the carrier's. */
  listed?: { part: string; values: ReadonlySet<string> };
  number?: (parts: Parts, compact: string) => string;
}

export const COURIERS = [
  'amazon',
  'canada_post',
  'canpar',
  'dhl',
  'dpd',
  'fedex',
  'gofo',
  'landmark',
  'lasership',
  'old_dominion',
  'ontrac',
  'purolator',
  's10',
  'speedee',
  'ups',
  'usps',
  'yodel',
  'yunexpress',
] as const;
export type Courier = (typeof COURIERS)[number];

const THREE_ONE: Checksum = { kind: 'mod10', even: 3, odd: 1 };
const ONE_THREE: Checksum = { kind: 'mod10', even: 1, odd: 3 };
const ONE_TWO: Checksum = { kind: 'mod10', even: 1, odd: 2 };
const FEDEX_11: Checksum = { kind: 'weighted', weights: [3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1] };
const FEDEX_13: Checksum = { kind: 'weighted', weights: [1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1] };

const withCheck = (parts: Parts) => `${parts.SerialNumber}${parts.CheckDigit}`;
/** The 14 digits of the long Express and Ground bar codes are the 12-digit number behind two zeroes. */
const fedexNumber = (parts: Parts) => withCheck(parts).replace(/^00(?=\d{12}$)/, '');
const usps91 = (parts: Parts) => withCheck(parts).replace(/^(?=\d{20}$)/, '91');

/** Mailer ID of IMpb: nine digits when it starts with 9, else six; the rest is the package's (USPS Publication 199). */
const IMPB_N = '(?=9\\d{8}(?:\\d{15}|\\d{11}|\\d{7})\\d$|[0-8]\\d{5}(?:\\d{14}|\\d{10})\\d$)';
const IMPB_C = '(?=9\\d{8}(?:\\d{11}|\\d{7})\\d$|[0-8]\\d{5}(?:\\d{14}|\\d{10})\\d$)';
const IMPB_ID = '(?<ShipperId>9\\d{8}|[0-8]\\d{5})(?<PackageId>\\d+)';
const IMPB_ROUTE =
  '(?:(?<RoutingApplicationId>420)(?<DestinationZip>\\d{5})(?<DestinationZipPlus4>\\d{4}(?=\\d{22}$))?)?';

export const CARRIER_FORMATS: readonly CarrierFormat[] = [
  {
    id: 'ups',
    courier: 'ups',
    name: 'UPS',
    pattern:
      /^1Z(?<SerialNumber>(?<ShipperId>[A-Z0-9]{6})(?<ServiceType>[A-Z0-9]{2})(?<PackageId>[A-Z0-9]{7}))(?<CheckDigit>[A-Z0-9])$/,
    lengths: [18, 18],
    weight: 96,
    checksum: ONE_TWO,
  },
  {
    id: 'ups_waybill',
    courier: 'ups',
    name: 'UPS Waybill',
    pattern: /^(?<ServiceType>[AHJKTV])(?<SerialNumber>\d{9})(?<CheckDigit>\d)$/,
    lengths: [11, 11],
    weight: 50,
    checksum: ONE_TWO,
  },
  {
    id: 's10',
    courier: 's10',
    name: 'S10',
    pattern: /^(?<ServiceType>[A-Z]{2})(?<SerialNumber>\d{8})(?<CheckDigit>\d)(?<CountryCode>[A-Z]{2})$/,
    lengths: [13, 13],
    weight: 94,
    checksum: { kind: 's10' },
    listed: { part: 'CountryCode', values: COUNTRIES_ALPHA2 },
  },
  {
    id: 'usps_impb_n',
    courier: 'usps',
    name: 'USPS IMpb N',
    pattern: new RegExp(
      `^${IMPB_ROUTE}(?<SerialNumber>(?<ApplicationIdentifier>94)(?<ServiceType>\\d{3})${IMPB_N}${IMPB_ID})(?<CheckDigit>\\d)$`,
    ),
    lengths: [22, 38],
    weight: 90,
    checksum: THREE_ONE,
    number: withCheck,
  },
  {
    id: 'usps_impb_c',
    courier: 'usps',
    name: 'USPS IMpb C',
    pattern: new RegExp(
      `^${IMPB_ROUTE}(?<SerialNumber>(?<ApplicationIdentifier>92(?=\\d{3}9)|93(?=\\d{3}[0-8])|95)(?<ServiceType>\\d{3})${IMPB_C}${IMPB_ID})(?<CheckDigit>\\d)$`,
    ),
    lengths: [22, 38],
    weight: 90,
    checksum: THREE_ONE,
    number: withCheck,
  },
  {
    id: 'usps_legacy',
    courier: 'usps',
    name: 'USPS Legacy',
    pattern:
      /^(?:(?<RoutingApplicationId>420)(?<DestinationZip>\d{5})(?<DestinationZipPlus4>\d{4})?)?(?<SerialNumber>(?<ApplicationIdentifier>91)?(?<ServiceType>\d{2})(?<ShipperId>\d{9})(?<PackageId>\d{8}))(?<CheckDigit>\d)$/,
    lengths: [20, 34],
    weight: 55,
    checksum: { kind: 'mod10', even: 3, odd: 1, prepend: '91' },
    number: usps91,
  },
  {
    id: 'usps_20',
    courier: 'usps',
    name: 'USPS 20',
    pattern: /^(?<SerialNumber>(?<ServiceType>\d{2})(?<ShipperId>\d{9})(?<PackageId>\d{8}))(?<CheckDigit>\d)$/,
    lengths: [20, 20],
    weight: 48,
    checksum: THREE_ONE,
  },
  {
    id: 'fedex_12',
    courier: 'fedex',
    name: 'FedEx Express (12)',
    pattern: /^(?<SerialNumber>\d{11})(?<CheckDigit>\d)$/,
    lengths: [12, 12],
    weight: 60,
    checksum: FEDEX_11,
  },
  {
    id: 'fedex_34',
    courier: 'fedex',
    name: 'FedEx Express (34)',
    pattern: /^[0-8]\d{14}(?<DestinationZip>\d{5})(?<SerialNumber>\d{13})(?<CheckDigit>\d)$/,
    lengths: [34, 34],
    weight: 75,
    checksum: FEDEX_13,
    number: fedexNumber,
  },
  {
    id: 'fedex_astra_32',
    courier: 'fedex',
    name: 'FedEx ASTRA (32)',
    pattern: /^3\d{15}(?<SerialNumber>\d{11})(?<CheckDigit>\d)\d{4}$/,
    lengths: [32, 32],
    weight: 70,
    checksum: FEDEX_11,
    number: withCheck,
  },
  {
    id: 'fedex_ground',
    courier: 'fedex',
    name: 'FedEx Ground',
    pattern: /^(?<SerialNumber>\d{14})(?<CheckDigit>\d)$/,
    lengths: [15, 15],
    weight: 52,
    checksum: ONE_THREE,
  },
  {
    id: 'fedex_smartpost',
    courier: 'fedex',
    name: 'FedEx SmartPost',
    // An IMpb of a mailer with nine digits, which FedEx prints and tracks without its 92 as well.
    pattern:
      /^(?<ApplicationIdentifier>92)?(?<SerialNumber>(?<ServiceType>61\d)(?<ShipperId>9\d{8})(?<PackageId>\d{7}))(?<CheckDigit>\d)$/,
    lengths: [20, 22],
    weight: 50,
    checksum: { kind: 'mod10', even: 3, odd: 1, prepend: '92' },
    number: (parts) => `92${withCheck(parts)}`,
  },
  {
    id: 'fedex_ground_sscc_18',
    courier: 'fedex',
    name: 'FedEx Ground (SSCC-18)',
    pattern: /^(?<ShippingContainerType>\d{2})(?<SerialNumber>\d{15})(?<CheckDigit>\d)$/,
    lengths: [18, 18],
    weight: 45,
    checksum: THREE_ONE,
  },
  {
    id: 'fedex_ground_96',
    courier: 'fedex',
    name: 'FedEx Ground 96 (22)',
    pattern:
      /^(?<ApplicationIdentifier>96)(?<SCNC>\d{2})(?<ServiceType>\d{3})(?<SerialNumber>(?<ShipperId>\d{7})(?<PackageId>\d{7}))(?<CheckDigit>\d)$/,
    lengths: [22, 22],
    weight: 84,
    checksum: ONE_THREE,
    number: withCheck,
  },
  {
    id: 'fedex_ground_gsn',
    courier: 'fedex',
    name: 'FedEx Ground GSN',
    pattern:
      /^(?<ApplicationIdentifier>96)(?<SCNC>\d{2})\d{5}(?<GSN>\d{10})\d(?<SerialNumber>\d{13})(?<CheckDigit>\d)$/,
    lengths: [34, 34],
    weight: 86,
    checksum: FEDEX_13,
    number: fedexNumber,
  },
  {
    id: 'dhl_express',
    courier: 'dhl',
    name: 'DHL Express',
    pattern: /^(?<SerialNumber>\d{9,10})(?<CheckDigit>\d)$/,
    lengths: [10, 11],
    weight: 35,
    checksum: { kind: 'mod7' },
  },
  {
    id: 'dhl_express_piece_id',
    courier: 'dhl',
    name: 'DHL Express (Piece ID)',
    pattern: /^J[A-Z]{2,3}(?<SerialNumber>\d{9,10})$/,
    lengths: [12, 14],
    weight: 72,
  },
  {
    id: 'dhl_ecommerce',
    courier: 'dhl',
    name: 'DHL E-Commerce',
    pattern: /^(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)(?<SerialNumber>\d[0-9A-Z]{9,38})$/,
    lengths: [12, 41],
    weight: 50,
  },
  {
    id: 'dhl_ecommerce_14',
    courier: 'dhl',
    name: 'DHL E-Commerce (14)',
    pattern: /^(?<SerialNumber>\d{14})$/,
    lengths: [14, 14],
    weight: 12,
  },
  {
    id: 'dpd',
    courier: 'dpd',
    name: 'DPD (28)',
    pattern:
      /^(?<SerialNumber>(?<DestinationZip>\d{7})\d{14}(?<ServiceType>\d{3})(?<CountryCode>\d{3}))(?<CheckDigit>[0-9A-Z])$/,
    lengths: [28, 28],
    weight: 80,
    checksum: { kind: 'mod37-36' },
    number: (_, compact) => compact.slice(7, 21),
  },
  {
    id: 'dpd_14',
    courier: 'dpd',
    name: 'DPD (14)',
    pattern: /^(?<SerialNumber>\d{14})(?<CheckDigit>[0-9A-Z])$/,
    lengths: [15, 15],
    weight: 58,
    checksum: { kind: 'mod37-36' },
    number: (parts) => parts.SerialNumber as string,
  },
  {
    id: 'amazon_logistics',
    courier: 'amazon',
    name: 'Amazon Logistics',
    pattern: /^TB[ACM](?<SerialNumber>\d{12})$/,
    lengths: [15, 15],
    weight: 86,
  },
  {
    id: 'amazon_international',
    courier: 'amazon',
    name: 'Amazon International',
    pattern: /^C(?<SerialNumber>\d{10})$/,
    lengths: [11, 11],
    weight: 38,
  },
  {
    id: 'canada_post',
    courier: 'canada_post',
    name: 'Canada Post (16)',
    pattern: /^(?<SerialNumber>(?<OriginId>\d{7})\d{8})(?<CheckDigit>\d)$/,
    lengths: [16, 16],
    weight: 46,
    checksum: THREE_ONE,
  },
  {
    id: 'canpar_22',
    courier: 'canpar',
    name: 'Canpar (22)',
    pattern: /^(?<SerialNumber>[CDKLSUXZ]\d{21})$/,
    lengths: [22, 22],
    weight: 62,
  },
  {
    id: 'gofo_us',
    courier: 'gofo',
    name: 'GOFO Express (US)',
    pattern: /^GFUS(?<SerialNumber>\d{14})$/,
    lengths: [18, 18],
    weight: 88,
  },
  {
    id: 'landmark_global',
    courier: 'landmark',
    name: 'Landmark Global LTN',
    pattern: /^LTN(?<SerialNumber>\d{8})N1$/,
    lengths: [13, 13],
    weight: 90,
  },
  {
    id: 'lasership_lx',
    courier: 'lasership',
    name: 'LaserShip LX',
    pattern: /^L[AEHINX][123](?<SerialNumber>\d{7})$/,
    lengths: [10, 10],
    weight: 54,
  },
  {
    id: 'lasership_1ls7',
    courier: 'lasership',
    name: 'LaserShip 1LS7 (15)',
    pattern: /^1LS7[12]\d{4}(?<SerialNumber>\d{6})$/,
    lengths: [15, 15],
    weight: 88,
  },
  {
    id: 'lasership_1ls7_18',
    courier: 'lasership',
    name: 'LaserShip 1LS7 (18)',
    pattern: /^1LS7[12]\d{2}01[1-4](?<SerialNumber>\d{6})-1$/,
    lengths: [18, 18],
    weight: 90,
  },
  {
    id: 'lasership_1lscx',
    courier: 'lasership',
    name: 'LaserShip 1LSCX (15)',
    pattern: /^1LSCX(?<SerialNumber>[0-9A-Z]{10})$/,
    lengths: [15, 15],
    weight: 88,
  },
  {
    id: 'old_dominion',
    courier: 'old_dominion',
    name: 'Old Dominion',
    pattern: /^(?<SerialNumber>(?:7[78]\d|072)\d{7})(?<CheckDigit>\d)$/,
    lengths: [11, 11],
    weight: 44,
    checksum: { kind: 'luhn' },
  },
  {
    id: 'old_dominion_guaranteed',
    courier: 'old_dominion',
    name: 'Old Dominion Guaranteed Shipment',
    pattern: /^(?<SerialNumber>80\d{8})(?<CheckDigit>\d)$/,
    lengths: [11, 11],
    weight: 44,
    checksum: { kind: 'luhn' },
  },
  {
    id: 'ontrac_c',
    courier: 'ontrac',
    name: 'OnTrac',
    pattern: /^C(?<SerialNumber>\d{13})(?<CheckDigit>\d)$/,
    lengths: [15, 15],
    weight: 74,
    checksum: { kind: 'mod10', even: 1, odd: 2, prepend: '4' },
  },
  {
    id: 'ontrac_d',
    courier: 'ontrac',
    name: 'OnTrac D',
    pattern: /^D(?<SerialNumber>\d{13})(?<CheckDigit>\d)$/,
    lengths: [15, 15],
    weight: 74,
    checksum: { kind: 'mod10', even: 1, odd: 2, prepend: '5' },
  },
  {
    id: 'purolator_numeric',
    courier: 'purolator',
    name: 'Purolator (12)',
    pattern: /^(?<SerialNumber>[0-5]\d{10})(?<CheckDigit>\d)$/,
    lengths: [12, 12],
    weight: 46,
    checksum: { kind: 'luhn' },
  },
  {
    id: 'purolator_alpha',
    courier: 'purolator',
    name: 'Purolator (alpha + 9)',
    pattern: /^(?<SerialNumber>[A-Z]{3}\d{9})$/,
    lengths: [12, 12],
    weight: 36,
  },
  {
    id: 'speedee',
    courier: 'speedee',
    name: 'Spee-Dee (20)',
    pattern: /^SP(?<SerialNumber>\d{18})$/,
    lengths: [20, 20],
    weight: 70,
  },
  {
    id: 'yodel',
    courier: 'yodel',
    name: 'Yodel',
    pattern: /^JJ?D(?<SerialNumber>\d{16})$/,
    lengths: [18, 19],
    weight: 78,
  },
  {
    id: 'yunexpress',
    courier: 'yunexpress',
    name: 'YunExpress',
    pattern: /^YT(?<SerialNumber>\d{16})$/,
    lengths: [18, 18],
    weight: 76,
  },
];
