/**
 * Transport labels in ISO/IEC 15434 format 01: UPS MaxiCode and FedEx PDF417.
 *
 * UPS (version 96, ISO/IEC 16023 structured carrier message), fields in order:
 *   postal code, country, service, 1Z + 8, UPSN, shipper, Julian day of pickup, shipment id, n/m, weight in lb, Y/N,
 *   street, city, state
 * The symbol has no room for the whole tracking number: it is `1Z`, shipper number, last two digits of the service, the 8.
 *
 * FedEx (version 02): postal code, country, service, tracking number + form id (12 + 4 digits), FDE or FDEG, account, Julian
 * day, shipment id, n/m, weight with unit, Y/N, street, city, state, recipient.
 *
 * Sources: Avery Dennison 9433 and 9485 manuals (MaxiCode samples), published test labels (fixtures).
 */
import { matchTracking } from './carriers/tracking-number.ts';
import { GS } from './gs1/elements.ts';
import { type Envelope, formatOf, isEnvelope, parseEnvelope } from './iso15434.ts';

export interface TransportLabel {
  carrier: 'ups' | 'fedex' | 'unknown';
  postal: string;
  /** ISO 3166-1 numeric. */
  country: string;
  service: string;
  /** The tracking field as it stands in the symbol. */
  trackingEncoded: string;
  /** The carrier's whole number; undefined when the symbol does not hold what it takes. */
  tracking?: string;
  /** Whether the number's own check digit holds. */
  checkDigitOk: boolean;
  scac: string;
  shipper: string;
  julianDay: string;
  shipmentId: string;
  /** n/m: which of how many packages. */
  package: string;
  weight?: { value: number; unit: 'lb' | 'kg' };
  /** Y when the address was validated. */
  validated: string;
  street: string;
  city: string;
  state: string;
  recipient: string;
}

/** Postal code, country, service and `1Z…` with nothing in front: what is left when a reader drops the header. */
const BARE = new RegExp(`^[0-9A-Z ]{1,11}${GS}(\\d{3})${GS}\\d{1,3}${GS}1Z[0-9A-Z]`);

/**
 * The envelope of a text, whether or not it has its header; undefined when it is none.
 * @throws CodecError as parseEnvelope.
 */
export function readEnvelope(text: string): Envelope | undefined {
  if (isEnvelope(text)) return parseEnvelope(text);
  const country = BARE.exec(text)?.[1];
  if (country === undefined) return undefined;
  // Postal codes may begin with 96 themselves: a US one has 9 digits (or 5), others at most 6 characters.
  const length = text.indexOf(GS);
  const versioned = text.startsWith('96') && (country === '840' ? length === 11 || length === 7 : length > 6);
  const { formats, defects } = parseEnvelope(`01${GS}${versioned ? '' : '96'}${text}`);
  return { formats, defects };
}

/** The label of an envelope with a transportation format; undefined without one. */
export function transportLabel(envelope: Envelope): TransportLabel | undefined {
  const found = formatOf(envelope, '01');
  if (!found) return undefined;
  // Some readers send the secondary message alone: the postal code, country and service are missing in front.
  const fields = /^1Z/.test(found.fields[0] ?? '') ? ['', '', '', ...found.fields] : found.fields;
  const at = (index: number) => (fields[index] ?? '').trim();
  const scac = at(4);
  const label = {
    postal: at(0),
    country: at(1),
    service: at(2),
    trackingEncoded: at(3),
    scac,
    shipper: at(5),
    julianDay: at(6),
    shipmentId: at(7),
    package: at(8),
    validated: at(10),
    street: at(11),
    city: at(12),
    state: at(13),
    recipient: at(14),
  };
  const carrier = carrierOf(found.version, scac, label.trackingEncoded);
  const weight = weightOf(at(9), carrier);
  const tracking = trackingOf(carrier, label);
  return {
    carrier,
    ...label,
    ...(weight && { weight }),
    ...(tracking !== undefined && { tracking }),
    checkDigitOk:
      tracking !== undefined && matchTracking(tracking).some((match) => match.checked && match.courier === carrier),
  };
}

function carrierOf(version: string, scac: string, tracking: string): TransportLabel['carrier'] {
  if (/^UPS/.test(scac) || (version === '96' && tracking.startsWith('1Z'))) return 'ups';
  return /^FD(E|X)/.test(scac) ? 'fedex' : 'unknown';
}

function trackingOf(
  carrier: TransportLabel['carrier'],
  label: { trackingEncoded: string; shipper: string; service: string; scac: string },
): string | undefined {
  const { trackingEncoded, shipper, service, scac } = label;
  // A tracking field that nothing follows may be cut off.
  if (carrier === 'unknown') return scac === '' ? undefined : trackingEncoded || undefined;
  if (carrier === 'fedex') {
    // 12 digits and the form id, or another of FedEx's numbers as it is.
    return /^\d{16}$/.test(trackingEncoded) ? trackingEncoded.slice(0, 12) : trackingEncoded || undefined;
  }
  if (/^1Z[A-Z0-9]{16}$/.test(trackingEncoded)) return trackingEncoded;
  const whole = /^1Z[A-Z0-9]{8}$/.test(trackingEncoded) && /^[A-Z0-9]{6}$/.test(shipper) && service.length >= 2;
  return whole ? `1Z${shipper}${service.slice(-2)}${trackingEncoded.slice(2)}` : undefined;
}

function weightOf(text: string, carrier: TransportLabel['carrier']): TransportLabel['weight'] {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*(LBS?|KGS?)?$/i.exec(text);
  if (!match) return undefined;
  const unit = match[2]?.toUpperCase().startsWith('K') ? 'kg' : 'lb';
  // Without a unit only UPS says what it means: pounds.
  return match[2] || carrier === 'ups' ? { value: Number(match[1]), unit } : undefined;
}
