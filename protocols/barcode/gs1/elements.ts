/**
 * GS1 element strings: AI, value, and the separator (FNC1, transmitted as GS, 1D) after values of no predefined length.
 *
 *   message = element *( [GS] element ) [GS]          element = AI value
 *
 * A message is well-formed if and only if every AI is known, every value has the length, characters and contents of its AI,
 * and a separator or the end follows where one is needed. It is consistent if moreover the association rules hold: required
 * and excluded AIs, equal values of repeated AIs. The rules are stated over all symbols of an item (GenSpecs 4.14), so one
 * symbol that breaks one is reported as such (`faults`), not refused: a label may carry GTIN and lot in two symbols.
 *
 * Source: GenSpecs 3, 4.14, 7.8.
 */
import { CodecError } from '../../base/codec-error.ts';
import {
  type AiPattern,
  type ApplicationIdentifier,
  aiAt,
  aiOf,
  CHARACTER_SETS,
  type Component,
  matchesPattern,
  SETS,
} from './application-identifiers.ts';

export const GS = '\x1d';

/** Bound on the elements of one message: no symbol holds more that mean something. */
const MAX_ELEMENTS = 64;

export interface Gs1Element {
  ai: string;
  value: string;
  /** Data title of the AI, for example `SSCC`. */
  title: string;
}

export interface Gs1Fault {
  code: string;
  message: string;
  /** Characters into the text (bytes, since element strings are ASCII). */
  offset: number;
}

export interface Gs1Message {
  elements: Gs1Element[];
  /** Broken association rules; empty when the message is consistent. */
  faults: Gs1Fault[];
}

/**
 * Parses an element string without symbology identifier.
 * @throws CodecError when it is not well-formed, with the offset of the first fault.
 */
export function parseElementString(text: string): Gs1Message {
  const { elements, fault } = readElements(text);
  if (fault) throw new CodecError(fault);
  return { elements, faults: associationFaults(elements) };
}

/** As parseElementString, but gives the first fault as a value: for callers that try several readings of a text. */
export function readElements(text: string, start = 0): { elements: Gs1Element[]; fault?: Gs1Fault } {
  const elements: Gs1Element[] = [];
  if (start >= text.length) return { elements, fault: fault('gs1-empty', start, 'an element string has no data') };
  let at = start;
  while (at < text.length) {
    const entry = aiAt(text, at);
    if (!entry) {
      const here = JSON.stringify(text.slice(at, at + 4));
      return { elements, fault: fault('gs1-ai-unknown', at, `no application identifier starts ${here}`) };
    }
    const valueAt = at + entry.ai.length;
    const separatorAt = text.indexOf(GS, valueAt);
    const limit = separatorAt < 0 ? text.length : separatorAt;
    const end = valueEnd(entry, text, valueAt, limit);
    if (end < 0) return { elements, fault: valueFault(entry, text, valueAt, limit) };
    if (elements.length === MAX_ELEMENTS) {
      return { elements, fault: fault('gs1-too-many', at, `more than ${MAX_ELEMENTS} elements in one message`) };
    }
    elements.push({ ai: entry.ai, value: text.slice(valueAt, end), title: entry.title });
    at = end === separatorAt ? end + 1 : end;
  }
  return { elements };
}

/** Checks one value on its own, as in a Digital Link URI; undefined when it is right. */
export function elementFault(entry: ApplicationIdentifier, value: string): Gs1Fault | undefined {
  if (value.length > entry.maxLength) return lengthFault(entry, 0, value.length);
  return valueEnd(entry, value, 0, value.length) === value.length
    ? undefined
    : valueFault(entry, value, 0, value.length);
}

/** Where the value that starts at `start` ends, at most at `limit`; -1 when it is wrong. */
function valueEnd(entry: ApplicationIdentifier, text: string, start: number, limit: number): number {
  if (start === limit) return -1;
  let at = start;
  for (const component of entry.components) {
    const end = Math.min(limit, at + component.max);
    if (end === at && component.optional) continue;
    if (end - at < component.min || componentFault(component, text, at, end)) return -1;
    at = end;
  }
  return at < limit && !entry.predefined ? -1 : at;
}

function componentFault(
  component: Component,
  text: string,
  start: number,
  end: number,
): Omit<Gs1Fault, 'message'> | undefined {
  const bit = SETS[component.set];
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code > 127 || ((CHARACTER_SETS[code] as number) & bit) === 0) return { code: 'gs1-character', offset: at };
  }
  if (component.set === 'Z') {
    const offset = paddingFault(text, start, end);
    if (offset >= 0) return { code: 'gs1-character', offset };
  }
  for (const check of component.checks) {
    const offset = check.test(text, start, end);
    if (offset >= 0) return { code: check.code, offset };
  }
  return undefined;
}

/** Set 64 (GenSpecs 7.11): padding only at the end, at most two, and then the length is a multiple of three. */
function paddingFault(text: string, start: number, end: number): number {
  const first = text.indexOf('=', start);
  if (first < 0 || first >= end) return -1;
  const padding = end - first;
  if (padding > 2 || (end - start) % 3 !== 0) return first;
  for (let at = first; at < end; at++) if (text.charAt(at) !== '=') return first;
  return -1;
}

/** Says what is wrong with a value that valueEnd refused. */
function valueFault(entry: ApplicationIdentifier, text: string, start: number, limit: number): Gs1Fault {
  let at = start;
  for (const component of entry.components) {
    const end = Math.min(limit, at + component.max);
    if (end === at && component.optional) continue;
    if (end - at < component.min || start === limit) return lengthFault(entry, start, limit - start);
    const found = componentFault(component, text, at, end);
    if (found)
      return fault(found.code, found.offset, contentMessage(entry, component, found.code, text.slice(at, end)));
    at = end;
  }
  return lengthFault(entry, start, limit - start);
}

function contentMessage(entry: ApplicationIdentifier, component: Component, code: string, part: string): string {
  const found = component.checks.find((check) => check.code === code && check.test(part, 0, part.length) >= 0);
  const expected = found ? found.expected : `characters of set ${component.set}`;
  return `AI (${entry.ai}) ${entry.title}: ${JSON.stringify(part)}, expected ${expected}`;
}

function lengthFault(entry: ApplicationIdentifier, offset: number, length: number): Gs1Fault {
  const long = length > entry.maxLength;
  const { minLength, maxLength } = entry;
  const range = minLength === maxLength ? String(maxLength) : `${minLength} to ${maxLength}`;
  const message = `AI (${entry.ai}) ${entry.title} takes ${range} characters, not ${length}`;
  return fault(long ? 'gs1-value-long' : 'gs1-value-length', offset, message);
}

function fault(code: string, offset: number, message: string): Gs1Fault {
  return { code, message, offset };
}

/** Serialised keys that a digital signature (8030) must name in full, with the length that has no serial yet. */
const SIGNED_KEYS: readonly (readonly [ai: string, unserialised: number])[] = [
  ['253', 13],
  ['255', 13],
  ['8003', 14],
];

/** The association rules that a set of elements breaks (GenSpecs 4.14), in the order of the elements. */
export function associationFaults(elements: readonly Gs1Element[]): Gs1Fault[] {
  const faults: Gs1Fault[] = [];
  for (let index = 0; index < elements.length; index++) {
    const { ai, value } = elements[index] as Gs1Element;
    const entry = aiOf(ai);
    if (!entry) continue;
    for (const pattern of entry.excludes) {
      const other = findOther(elements, pattern, ai);
      if (other) faults.push(fault('gs1-ai-excluded', 0, `AI (${ai}) must not stand beside (${other})`));
    }
    for (const need of entry.needs) {
      if (!isMet(need.groups, elements, ai)) {
        const list = need.text.replaceAll('/', ', ').replaceAll('+', ' with ');
        faults.push(fault('gs1-ai-required', 0, `AI (${ai}) ${entry.title} needs one of ${list} beside it`));
      }
    }
    for (let before = 0; before < index; before++) {
      const earlier = elements[before] as Gs1Element;
      if (earlier.ai === ai && earlier.value !== value) {
        faults.push(fault('gs1-ai-repeated', 0, `AI (${ai}) stands twice with different values`));
        break;
      }
    }
    if (ai === '8030') faults.push(...signatureFaults(elements));
  }
  return faults;
}

function isMet(groups: readonly (readonly AiPattern[])[], elements: readonly Gs1Element[], self: string): boolean {
  for (const group of groups) {
    let members = 0;
    for (const pattern of group) if (findOther(elements, pattern, self) !== undefined) members++;
    if (members === group.length) return true;
  }
  return false;
}

function findOther(elements: readonly Gs1Element[], pattern: AiPattern, self: string): string | undefined {
  for (const { ai } of elements) if (ai !== self && matchesPattern(pattern, ai)) return ai;
  return undefined;
}

function signatureFaults(elements: readonly Gs1Element[]): Gs1Fault[] {
  const faults: Gs1Fault[] = [];
  for (const [ai, unserialised] of SIGNED_KEYS) {
    if (elements.some((element) => element.ai === ai && element.value.length === unserialised)) {
      faults.push(fault('gs1-serial-required', 0, `AI (8030) signs AI (${ai}), which has no serial component`));
    }
  }
  return faults;
}

/** Human readable interpretation, one line per element: `(00) 106141412345678908` (GenSpecs 4.15). */
export function hriOf(elements: readonly Gs1Element[]): string[] {
  return elements.map(({ ai, value }) => `(${ai}) ${value}`);
}

/** Bracketed text of a message; a `(` in a value is written `\(`. */
export function formatBracketed(elements: readonly Gs1Element[]): string {
  return elements.map(({ ai, value }) => `(${ai})${value.replaceAll('(', '\\(')}`).join('');
}

/** The element string to encode: separators only where they are needed. */
export function formatElementString(elements: readonly Gs1Element[]): string {
  let text = '';
  elements.forEach(({ ai, value }, index) => {
    const separator = aiOf(ai)?.predefined || index === elements.length - 1 ? '' : GS;
    text += ai + value + separator;
  });
  return text;
}

/**
 * Parses bracketed text such as `(01)09506000134352 (21)6789`, as people type it and some QR codes carry it.
 * @throws CodecError `gs1-brackets` when it is not of that form, else as parseElementString.
 */
export function parseBracketed(text: string): Gs1Message {
  const elements: Gs1Element[] = [];
  let at = 0;
  while (at < text.length) {
    const close = text.indexOf(')', at);
    const entry = text.charAt(at) === '(' && close > 0 ? aiOf(text.slice(at + 1, close)) : undefined;
    if (!entry) {
      throw new CodecError({
        code: 'gs1-brackets',
        message: 'expected an application identifier in brackets',
        offset: at,
      });
    }
    let value = '';
    at = close + 1;
    while (at < text.length && text.charAt(at) !== '(') {
      const escaped = text.startsWith('\\(', at);
      value += escaped ? '(' : text.charAt(at);
      at += escaped ? 2 : 1;
    }
    value = value.trimEnd();
    if (elements.length === MAX_ELEMENTS) {
      throw new CodecError({ code: 'gs1-too-many', message: `more than ${MAX_ELEMENTS} elements`, offset: close });
    }
    const found = value === '' ? lengthFault(entry, 0, 0) : elementFault(entry, value);
    if (found) throw new CodecError({ ...found, offset: close + 1 + found.offset });
    elements.push({ ai: entry.ai, value, title: entry.title });
  }
  if (elements.length === 0) throw new CodecError({ code: 'gs1-empty', message: 'an element string has no data' });
  return { elements, faults: associationFaults(elements) };
}
