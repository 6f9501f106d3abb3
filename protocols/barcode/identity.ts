/**
 * What a scan names: the entry point for the gateway.
 *
 * `identify` gives every identity that the label allows, best first, and never chooses silently: twelve digits are FedEx or
 * Purolator, eighteen may be an SSCC or a FedEx Ground number. The read point's configuration chooses by its preference.
 * The forms of package ids are in package-id.ts: `sscc:<18>`, `sgtin:<gtin14>.<serial>`, `<carrier>:<number>`,
 * `code:<text>`.
 *
 * Invariants: never throws; the candidates have different package ids, best first; they end with `code:…` unless the text
 * is empty; at most 9 of them. FNC1 is given GS1's meaning only where the symbology identifier says so; without an
 * identifier a text that is a whole and consistent element string counts as one, at a lower rank.
 */
import { type CodecError, isCodecError } from '../base/codec-error.ts';
import { type AimScan, aimScan, parseAim, stripEci } from './aim.ts';
import {
  type ElementValue,
  fromElements,
  fromEnvelope,
  fromLinearPlate,
  fromTracking,
  identity,
  isCarrierAi,
  type PackageIdentity,
  PLAIN_RANK,
} from './candidates.ts';
import { hasGs1CheckDigit } from './gs1/check-digits.ts';
import { isDigits } from './gs1/dates.ts';
import { type DigitalLink, isWebAddress, parseDigitalLink } from './gs1/digital-link.ts';
import { associationFaults, GS, type Gs1Fault, type Gs1Message, parseBracketed, readElements } from './gs1/elements.ts';
import { expandUpcE, isGtin } from './gs1/gtin.ts';
import type { Envelope } from './iso15434.ts';
import { readEnvelope, type TransportLabel, transportLabel } from './maxicode.ts';
import { type IdentityScheme, textValue } from './package-id.ts';

export type { PackageIdentity } from './candidates.ts';
export {
  formatPackageId,
  IDENTITY_SCHEMES,
  type IdentityScheme,
  isIdentityScheme,
  parsePackageId,
} from './package-id.ts';

export interface Scan {
  /** AIM symbology identifier, with or without `]`, when the reader sent it apart; else it may stand in front of the text. */
  aim?: string;
  text: string;
}

/** What the data is, as far as it could be read. */
export type ScanContent =
  | ({ kind: 'element-string' } & Gs1Message)
  | ({ kind: 'digital-link' } & DigitalLink)
  | { kind: 'envelope'; envelope: Envelope; label?: TransportLabel }
  | { kind: 'gtin'; gtin14: string }
  | { kind: 'text'; text: string };

export interface Identification {
  /** Symbology identifier, what it says, and the data behind it; undefined when the reader sent none. */
  aim?: AimScan;
  content: ScanContent;
  /** Why data that should have been a GS1 message, a Digital Link or an envelope is not. */
  fault?: Gs1Fault;
  /** Best first. */
  candidates: PackageIdentity[];
}

const MOST_CANDIDATES = 9;
/** Taken off the ranks of a text that is an element string by its looks only. */
const NO_AIM_PENALTY = 14;
/** … and of one under a symbology identifier that says it is none. */
const OTHER_AIM_PENALTY = 40;

/** Everything that a scan may name; see above. */
export function identify(scan: Scan, preference: readonly IdentityScheme[] = []): Identification {
  const aim = scan.aim ? aimScan(scan.aim, scan.text) : parseAim(scan.text);
  const raw = aim ? aim.data : scan.text;
  const data = aim?.modifier.eci ? stripEci(raw) : raw;
  const found = read(aim, data);
  const plain = textValue(data);
  if (plain !== '') found.candidates.push(identity('plain', plain, PLAIN_RANK, 'text'));
  const identification: Identification = {
    content: found.content,
    candidates: ranked(found.candidates, preference),
  };
  if (aim) identification.aim = aim;
  if (found.fault) identification.fault = found.fault;
  return identification;
}

/** Symbology identifiers under which the data is an element string, without more ado. */
const ELEMENT_STRINGS: ReadonlySet<string | undefined> = new Set([']C1', ']d2', ']Q3', ']e0']);
const SSCC_ELEMENT = /^00\d{18}$/;

/** The package ids of what `identify` finds, for callers that want nothing else. */
export function packageIdsOf(scan: Scan, preference: readonly IdentityScheme[] = []): string[] {
  const { aim, text } = scan;
  // An SSCC and nothing beside it: what most labels of logistic units are, in a tenth of the time.
  if (preference.length === 0 && ELEMENT_STRINGS.has(aim) && SSCC_ELEMENT.test(text)) {
    const sscc = text.slice(2);
    if (hasGs1CheckDigit(sscc)) return [`sscc:${sscc}`, `code:${text}`];
  }
  return identify(scan, preference).candidates.map(packageIdOf);
}

/** What GS1 element strings from elsewhere than a label name (an EPC): the same ids as on a label with the same keys. */
export function identifyElements(
  elements: readonly ElementValue[],
  preference: readonly IdentityScheme[] = [],
): PackageIdentity[] {
  return ranked(fromElements(elements, 'epc'), preference);
}

/** The package id of an identity. */
export function packageIdOf({ packageId }: PackageIdentity): string {
  return packageId;
}

type Reading = Omit<Identification, 'aim'>;

function read(aim: AimScan | undefined, data: string): Reading {
  if (aim?.modifier.fnc1 === 'gs1') return readGs1(data);
  if (aim?.aim.startsWith(']E')) return readEan(data);
  const envelope = data.includes(GS) || data.startsWith('[)>') ? attempt(() => readEnvelope(data)) : undefined;
  if (envelope?.value) return envelopeReading(envelope.value);
  if (isWebAddress(data)) return readLink(data);
  if (data.charCodeAt(0) === 0x28) {
    const message = attempt(() => parseBracketed(data)).value;
    if (message) return elementReading(message, 'gs1-brackets', 4);
  }
  return { ...readText(aim, data), ...(envelope?.fault && { fault: envelope.fault }) };
}

function readGs1(data: string): Reading {
  // Some readers transmit the FNC1 in first position too.
  const start = data.startsWith(GS) ? 1 : 0;
  const { elements, fault } = readElements(data, start);
  if (!fault) return elementReading({ elements, faults: associationFaults(elements) }, 'gs1', 0);
  // A reader that strips separators glues values together: IMpb behind its postal code is still known by its check digit.
  return { content: { kind: 'text', text: data }, fault, candidates: fromTracking(data.replaceAll(GS, '')) };
}

function elementReading(message: Gs1Message, reason: string, penalty: number): Reading {
  const { elements, faults } = message;
  return {
    content: { kind: 'element-string', elements, faults },
    candidates: fromElements(elements, reason, penalty),
  };
}

function readEan(data: string): Reading {
  const number = /^\d+/.exec(data)?.[0] ?? '';
  const digits = [13, 12, 8].map((length) => number.slice(0, length)).find((part) => isGtin(part));
  const gtin = digits ?? attempt(() => expandUpcE(number)).value;
  if (gtin === undefined) {
    const fault = { code: 'gs1-ean', message: `'${number}' is no EAN or UPC number with its check digit`, offset: 0 };
    return { content: { kind: 'text', text: data }, fault, candidates: [] };
  }
  return gtinReading(gtin, 30, 'ean-upc');
}

function gtinReading(gtin: string, rank: number, reason: string): Reading {
  const gtin14 = gtin.padStart(14, '0');
  return { content: { kind: 'gtin', gtin14 }, candidates: [identity('gtin', gtin14, rank, reason)] };
}

function envelopeReading(envelope: Envelope): Reading {
  const label = transportLabel(envelope);
  return { content: { kind: 'envelope', envelope, ...(label && { label }) }, candidates: fromEnvelope(envelope) };
}

function readLink(data: string): Reading {
  const { value: link, fault } = attempt(() => parseDigitalLink(data, { lenient: true }));
  if (link) return { content: { kind: 'digital-link', ...link }, candidates: fromElements(link.elements, 'gs1-link') };
  return { content: { kind: 'text', text: data }, ...(fault && { fault }), candidates: [] };
}

/** Text that nothing declares: all readings that its form allows. */
function readText(aim: AimScan | undefined, data: string): Reading {
  const content: ScanContent = { kind: 'text', text: data };
  const message = looseMessage(data);
  if (message) {
    const reading = elementReading(message, 'gs1-unmarked', aim ? OTHER_AIM_PENALTY : NO_AIM_PENALTY);
    if (reading.candidates.length > 0) {
      return { content: aim ? content : reading.content, candidates: [...reading.candidates, ...fromTracking(data)] };
    }
  }
  // People and some labels group characters; no number has spaces of its own.
  const digits = data.replaceAll(' ', '');
  const candidates = [...fromTracking(data), ...fromLinearPlate(digits)];
  if (digits.length === 18 && isDigits(digits) && hasGs1CheckDigit(digits)) {
    candidates.push(identity('sscc', digits, 62, 'sscc-18'));
  }
  if (isGtin(digits)) {
    const itf = aim?.symbology === 'itf' && digits.length === 14;
    candidates.push(...gtinReading(digits, itf ? 30 : 20, itf ? 'itf-14' : 'gtin-digits').candidates);
    if (itf) return { content: { kind: 'gtin', gtin14: digits }, candidates };
  }
  // DPD writes a per cent sign in front of the number (its bar code identifier).
  if (data.startsWith('%')) candidates.push(...fromTracking(data.slice(1), 8));
  return { content, candidates };
}

/** AIs with a check digit, which an element string without symbology identifier must start with to be believed. */
const TELLING = /^(?:0[0-3]|8003|8006|8017|8018|402|41[0-7]|253|255)/;

/**
 * A text with separators may begin with any AI as long as a telling one is in it; one that begins with a separator had FNC1 in
 * first position, which is what makes a symbol GS1's.
 */
function looseMessage(data: string): Gs1Message | undefined {
  const marked = data.startsWith(GS);
  if (!marked && (data.length < 16 || !(TELLING.test(data) || data.includes(GS)))) return undefined;
  const { elements, fault } = readElements(data, marked ? 1 : 0);
  if (fault || !(marked || elements.some(({ ai }) => TELLING.test(ai) || isCarrierAi(ai)))) return undefined;
  const faults = associationFaults(elements);
  return faults.length === 0 ? { elements, faults } : undefined;
}

function ranked(candidates: readonly PackageIdentity[], preference: readonly IdentityScheme[]): PackageIdentity[] {
  const order: PackageIdentity[] = [];
  for (const candidate of candidates) {
    const known = indexOfId(order, candidate.packageId);
    if (known < 0) order.push(candidate);
    else if ((order[known] as PackageIdentity).rank < candidate.rank) order[known] = candidate;
  }
  // Nearly always two or three, and in order already.
  for (let index = 1; index < order.length; index++) {
    const candidate = order[index] as PackageIdentity;
    let at = index;
    for (; at > 0 && comesBefore(candidate, order[at - 1] as PackageIdentity, preference); at--) {
      order[at] = order[at - 1] as PackageIdentity;
    }
    order[at] = candidate;
  }
  if (order.length <= MOST_CANDIDATES) return order;
  const plain = order.find(({ scheme }) => scheme === 'plain');
  const kept = order.filter((candidate) => candidate !== plain).slice(0, MOST_CANDIDATES - 1);
  return plain ? [...kept, plain] : kept;
}

function indexOfId(identities: readonly PackageIdentity[], packageId: string): number {
  for (let at = 0; at < identities.length; at++) if (identities[at]?.packageId === packageId) return at;
  return -1;
}

function comesBefore(a: PackageIdentity, b: PackageIdentity, preference: readonly IdentityScheme[]): boolean {
  const difference = placeIn(preference, a.scheme) - placeIn(preference, b.scheme);
  return difference === 0 ? a.rank > b.rank : difference < 0;
}

function placeIn(preference: readonly IdentityScheme[], scheme: IdentityScheme): number {
  const at = preference.indexOf(scheme);
  return at < 0 ? preference.length : at;
}

/** A decoder's value, or its fault. */
function attempt<Value>(decode: () => Value): { value?: Value; fault?: Gs1Fault } {
  try {
    return { value: decode() };
  } catch (error) {
    if (!isCodecError(error)) throw error;
    const { code, message, offset } = error as CodecError;
    return { fault: { code, message, offset } };
  }
}
