/**
 * GS1 Digital Link URIs, uncompressed: an element string as a web address.
 *
 *   scheme "://" domain stem? "/" key "/" value *( "/" qualifier "/" value ) [ "?" ai=value *( "&" ai=value ) ] [ "#" … ]
 *
 * The primary key is the right-most one in the path; its qualifiers come in the order of the AI dictionary; other AIs are
 * attributes in the query. Query parameters whose name is not all digits belong to the web, not to us. Domain and stem are
 * anyone's. Values are percent-encoded; GTINs may have 8, 12, 13 or 14 digits.
 *
 * Source: GS1 Digital Link Standard, URI Syntax; compressed links (its part on compression) are not read.
 */
import { CodecError } from '../../base/codec-error.ts';
import { type ApplicationIdentifier, aiOf } from './application-identifiers.ts';
import { isDigits } from './dates.ts';
import { associationFaults, elementFault, type Gs1Element, type Gs1Message } from './elements.ts';

export interface DigitalLink extends Gs1Message {
  /** Scheme, domain and stem, without the slash before the key. */
  stem: string;
  /** How many of the elements stand in the path: the key and its qualifiers. */
  pathLength: number;
}

const ORIGIN = /^https?:\/\/[^/?#]+(?=\/)/i;
/** RFC 3986 characters. */
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/;
const CANONICAL_STEM = 'https://id.gs1.org';

/** Whether a text is a web address at all, which may or may not be a Digital Link. */
export function isWebAddress(text: string): boolean {
  return ORIGIN.test(text) || /^https?:\/\//i.test(text);
}

/**
 * Parses a Digital Link URI.
 *
 * `lenient` accepts attributes that the standard wants in the path or does not allow (as `?21=…` behind `/01/…`): real
 * labels have them; and a slash at the end of the path.
 * @throws CodecError `gs1-link-uri`, `gs1-link-no-key`, `gs1-link-order`, `gs1-link-query`, or the fault of a value.
 */
export function parseDigitalLink(uri: string, options: { lenient?: boolean } = {}): DigitalLink {
  const origin = ORIGIN.exec(uri)?.[0];
  if (origin === undefined || !URI_CHARACTERS.test(uri)) {
    throw new CodecError({
      code: 'gs1-link-uri',
      message: 'not a web address with domain and path (RFC 3986 characters)',
    });
  }
  const hash = uri.indexOf('#', origin.length);
  const whole = hash < 0 ? uri : uri.slice(0, hash);
  const mark = whole.indexOf('?', origin.length);
  const path = (mark < 0 ? whole : whole.slice(0, mark)).slice(origin.length + 1).split('/');
  // Generators of QR codes like to end an address so.
  if (options.lenient && path.length > 1 && path.at(-1) === '') path.pop();
  const keyAt = keyIndex(path);
  if (keyAt < 0) {
    throw new CodecError({ code: 'gs1-link-no-key', message: 'no GS1 key in the path', offset: origin.length });
  }
  const elements: Gs1Element[] = [];
  for (let at = keyAt; at < path.length; at += 2) elements.push(linkElement(path[at] ?? '', path[at + 1] ?? '', false));
  requireOrder(elements);
  const pathLength = elements.length;
  if (mark >= 0) readQuery(whole.slice(mark + 1), elements, options.lenient ?? false);
  const stem = [origin, ...path.slice(0, keyAt)].join('/');
  return { elements, faults: associationFaults(elements), stem, pathLength };
}

/** Walks back over pairs of known AI and value; the first pair from the right whose AI is a primary key is the key. */
function keyIndex(path: readonly string[]): number {
  for (let at = path.length - 2; at >= 0; at -= 2) {
    const entry = aiOf(path[at] as string);
    if (!entry) return -1;
    if (entry.qualifiers) return at;
  }
  return -1;
}

function requireOrder([key, ...rest]: readonly Gs1Element[]): void {
  const orders = (key && aiOf(key.ai)?.qualifiers) ?? [];
  const fits = orders.some((order) => {
    let from = 0;
    return rest.every(({ ai }) => {
      from = order.indexOf(ai, from) + 1;
      return from > 0;
    });
  });
  if (fits) return;
  const sequence = [key, ...rest].map((element) => element?.ai).join(', ');
  throw new CodecError({ code: 'gs1-link-order', message: `${sequence} is no order of a GS1 key and its qualifiers` });
}

function readQuery(query: string, elements: Gs1Element[], lenient: boolean): void {
  const path = [...elements];
  for (const parameter of query.split('&')) {
    const equals = parameter.indexOf('=');
    const name = parameter.slice(0, Math.max(0, equals));
    if (!isDigits(name)) continue;
    const refuse = (why: string) => new CodecError({ code: 'gs1-link-query', message: `${name} in the query ${why}` });
    const entry = aiOf(name);
    if (!entry) throw refuse('is no application identifier');
    const element = linkElement(name, parameter.slice(equals + 1), true);
    const twin = path.find(({ ai }) => ai === name);
    if (!lenient) {
      if (twin) throw refuse('already stands in the path');
      if (extendsPath(path, name)) throw refuse('belongs into the path');
      if (!entry.linkAttribute) throw refuse('is not allowed as an attribute');
    }
    if (elements.length >= 64) throw refuse('is one element too many');
    elements.push(element);
  }
}

function extendsPath([key, ...rest]: readonly Gs1Element[], ai: string): boolean {
  const orders = (key && aiOf(key.ai)?.qualifiers) ?? [];
  return orders.some((order) => order.includes(ai) && rest.every((element) => order.includes(element.ai)));
}

function linkElement(ai: string, encoded: string, inQuery: boolean): Gs1Element {
  const entry = aiOf(ai);
  if (!entry)
    throw new CodecError({ code: 'gs1-ai-unknown', message: `'${ai}' in the path is no application identifier` });
  let value = unescapeValue(encoded, inQuery);
  if (ai === '01' && (value.length === 8 || value.length === 12 || value.length === 13))
    value = value.padStart(14, '0');
  if (value === '') throw new CodecError({ code: 'gs1-value-length', message: `AI (${ai}) has no value` });
  const found = elementFault(entry, value);
  if (found) throw new CodecError(found);
  return { ai, value, title: entry.title };
}

/** In a query `+` is a space by the convention of web forms; in a path it is itself. */
function unescapeValue(encoded: string, inQuery: boolean): string {
  const text = inQuery ? encoded.replaceAll('+', ' ') : encoded;
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function escapeValue(value: string): string {
  return value.replace(/[^A-Za-z0-9\-._~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/**
 * The Digital Link URI of a message: the first primary key, the order of qualifiers that takes in most elements, then the
 * other elements as attributes, those of predefined length first.
 * @param stem scheme, domain and path in front of the key; GS1's own resolver unless given.
 * @throws CodecError `gs1-link-no-key` when there is no primary key.
 */
export function formatDigitalLink(elements: readonly Gs1Element[], stem: string = CANONICAL_STEM): string {
  const key = elements.find(({ ai }) => aiOf(ai)?.qualifiers !== undefined);
  if (!key) throw new CodecError({ code: 'gs1-link-no-key', message: 'no GS1 key among the elements' });
  const path = [key, ...bestQualifiers(elements, aiOf(key.ai)?.qualifiers ?? [])];
  const attributes = elements.filter((element) => !path.some(({ ai }) => ai === element.ai));
  const isPredefined = ({ ai }: Gs1Element) => (aiOf(ai) as ApplicationIdentifier | undefined)?.predefined === true;
  const ordered = [...attributes.filter(isPredefined), ...attributes.filter((element) => !isPredefined(element))];
  const segments = path.map(({ ai, value }) => `/${ai}/${escapeValue(value)}`).join('');
  const query = ordered.map(({ ai, value }) => `${ai}=${escapeValue(value)}`).join('&');
  return `${stem.replace(/\/$/, '')}${segments}${query === '' ? '' : `?${query}`}`;
}

function bestQualifiers(elements: readonly Gs1Element[], orders: readonly (readonly string[])[]): Gs1Element[] {
  let best: Gs1Element[] = [];
  for (const order of orders) {
    const found = order.flatMap((ai) => elements.find((element) => element.ai === ai) ?? []);
    if (found.length > best.length) best = found;
  }
  return best;
}
