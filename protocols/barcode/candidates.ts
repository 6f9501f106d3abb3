/**
 * Package identities that the parts of a scan allow, each with its rank and the reason for it.
 *
 * Ranks, 0–100: how sure it is that this is what the label names. 90 and above: the carrier of the data says so and check
 * digits hold. 50–89: the form is distinctive. Below 50: others look the same, or it names more than one package.
 */
import { matchTracking } from './carriers/tracking-number.ts';
import type { Gs1Element } from './gs1/elements.ts';
import type { Envelope, EnvelopeFormat } from './iso15434.ts';
import { transportLabel } from './maxicode.ts';
import { type DataElement, isLicensePlate, isPackageSerial } from './mh10.ts';
import { formatPackageId, type IdentityScheme, textValue } from './package-id.ts';

export interface PackageIdentity {
  scheme: IdentityScheme;
  /** In the scheme's own form, without prefix. */
  value: string;
  /** `scheme:value`, see package-id.ts. */
  packageId: string;
  /** 0–100, how sure. */
  rank: number;
  /** Why, kebab-case: where it was found or which format it fits. */
  reason: string;
}

export type ElementValue = Pick<Gs1Element, 'ai' | 'value'>;

export function identity(scheme: IdentityScheme, value: string, rank: number, reason: string): PackageIdentity {
  return { scheme, value, packageId: formatPackageId(scheme, value), rank, reason };
}

/** Lowest rank, always there: the text itself. */
export const PLAIN_RANK = 1;

const RANK = {
  sscc: 100,
  sgtin: 96,
  itip: 95,
  licensePlate: 92,
  grai: 86,
  giai: 84,
  cpi: 82,
  packageSerial: 70,
  gdti: 60,
  gsin: 45,
  ginc: 44,
  gcn: 40,
  gsrn: 38,
  gsrnp: 37,
  gln: 32,
  gtin: 30,
} as const;

/** Whose place, right or service it is: on a label with a package's own key they say nothing of the package. */
const BYSTANDERS: readonly IdentityScheme[] = ['gcn', 'gsrn', 'gsrnp', 'gln'];
/** Digits of the key, check digit included, ahead of its serial number. */
const KEY_DIGITS = 13;

/** AIs that North American carriers use as the start of their number: value and AI together are the number. */
const CARRIER_AI = /^9[1-6]$/;

export function isCarrierAi(ai: string): boolean {
  return CARRIER_AI.test(ai);
}

/**
 * Identities in an element string.
 * @param penalty taken off each rank when it is less than certain that the text is an element string.
 */
export function fromElements(elements: readonly ElementValue[], reason: string, penalty = 0): PackageIdentity[] {
  const [first] = elements;
  if (first?.ai === '00' && elements.length === 1) {
    // The usual label of a package.
    return [identity('sscc', first.value, Math.max(2, RANK.sscc - penalty), `${reason}-00`)];
  }
  const found: PackageIdentity[] = [];
  const elementOf = (wanted: string) => elements.find(({ ai }) => ai === wanted)?.value;
  const serial = elementOf('21');
  const add = (scheme: IdentityScheme, value: string, rank: number, ai: string) => {
    found.push(identity(scheme, value, Math.max(2, rank - penalty), `${reason}-${ai}`));
  };
  /** Without serial it names a kind. */
  const addSerialised = (scheme: IdentityScheme, value: string, rank: number, ai: string) => {
    if (value.length <= KEY_DIGITS) return;
    add(scheme, `${value.slice(0, KEY_DIGITS)}.${value.slice(KEY_DIGITS)}`, rank, ai);
  };
  for (const { ai, value } of elements) {
    switch (ai) {
      case '00':
        add('sscc', value, RANK.sscc, ai);
        break;
      case '01':
        if (serial !== undefined) add('sgtin', `${value}.${serial}`, RANK.sgtin, '01-21');
        add('gtin', value, RANK.gtin, ai);
        break;
      case '8006':
        if (serial !== undefined) add('itip', `${value}.${serial}`, RANK.itip, '8006-21');
        break;
      case '8003':
        // The leading zero only pads the symbol.
        addSerialised('grai', value.slice(1), RANK.grai, ai);
        break;
      case '8004':
        add('giai', value, RANK.giai, ai);
        break;
      case '8010': {
        const partSerial = elementOf('8011');
        if (partSerial !== undefined) add('cpi', `${value}.${partSerial}`, RANK.cpi, '8010-8011');
        break;
      }
      case '253':
        addSerialised('gdti', value, RANK.gdti, ai);
        break;
      case '255':
        addSerialised('gcn', value, RANK.gcn, ai);
        break;
      case '8018':
        add('gsrn', value, RANK.gsrn, ai);
        break;
      case '8017':
        add('gsrnp', value, RANK.gsrnp, ai);
        break;
      case '414': {
        const extension = elementOf('254');
        add('gln', extension === undefined ? value : `${value}.${extension}`, RANK.gln, ai);
        break;
      }
      case '402':
        add('gsin', value, RANK.gsin, ai);
        break;
      case '401':
        add('ginc', value, RANK.ginc, ai);
        break;
      default:
        if (isCarrierAi(ai)) found.push(...fromTracking(ai + value, 6 - penalty));
    }
  }
  const own = found.length < 2 ? found : found.filter(({ scheme }) => !BYSTANDERS.includes(scheme));
  return own.length > 0 ? own : found;
}

/** Identities of carriers whose format the text fits; `bonus` when the surroundings speak for it. */
export function fromTracking(text: string, bonus = 0): PackageIdentity[] {
  return matchTracking(text).map(({ courier, number, format, weight }) => {
    return identity(courier, number, Math.min(98, Math.max(2, weight + bonus)), format.replaceAll('_', '-'));
  });
}

/** Identities in an ISO/IEC 15434 envelope. */
export function fromEnvelope(envelope: Envelope): PackageIdentity[] {
  const found: PackageIdentity[] = [];
  const label = transportLabel(envelope);
  if (label?.tracking !== undefined && label.carrier !== 'unknown') {
    // A wrong check digit means a number that the carrier never gave, as on samples: still what the label says.
    found.push(identity(label.carrier, label.tracking, label.checkDigitOk ? 98 : 60, `${label.carrier}-15434-01`));
  } else if (label?.tracking !== undefined) {
    found.push(...fromTracking(label.tracking, 5));
  }
  for (const format of envelope.formats) found.push(...fromFormat(format));
  return found;
}

function fromFormat(format: EnvelopeFormat): PackageIdentity[] {
  if ('elements' in format && format.elements.length > 0) return fromElements(format.elements, 'iso15434-05');
  return 'data' in format
    ? format.data.flatMap((element) => fromDataElement(element, `iso15434-${format.format}`))
    : [];
}

/** FedEx writes its long Express number in 31Z of format 06. */
function fromDataElement({ di, value }: DataElement, reason: string): PackageIdentity[] {
  const text = textValue(value);
  if (text === '') return [];
  if (isLicensePlate(di)) return [identity('license-plate', text, RANK.licensePlate, `${reason}-${di.toLowerCase()}`)];
  if (isPackageSerial(di))
    return [identity('package-serial', text, RANK.packageSerial, `${reason}-${di.toLowerCase()}`)];
  return di === '31Z' ? fromTracking(value, 5) : [];
}

/** A license plate in a linear symbol: DI J–6J, an issuing agency code, then the rest (ISO/IEC 15459-1, MH10.8.1). */
const LINEAR_PLATE = /^[1-6]?J(?=[A-Z]{1,3}[0-9A-Z]{6,31}$|\d[0-9A-Z]{8,33}$)/;

export function fromLinearPlate(text: string): PackageIdentity[] {
  const di = LINEAR_PLATE.exec(text)?.[0];
  return di === undefined ? [] : [identity('license-plate', text.slice(di.length), 58, `mh10-${di.toLowerCase()}`)];
}
