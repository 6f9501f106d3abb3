/**
 * ISO/IEC 15434 envelopes: several formats of data in one high-capacity symbol.
 *
 *   message  = "[)>" RS format *( RS format ) RS EOT
 *   format   = two digits, then data; in 01, 05, 06 fields are separated by GS, in 09 the length of the bytes is stated
 *
 * Real labels lose their head (`[)>` RS cut off by a reader that strips control characters or by a filter) or their tail
 * (truncated symbols, no RS, no EOT). What can be read is read; `defects` says what was missing. A message is refused only
 * when no format can be found in it.
 *
 * Source: ISO/IEC 15434:2019 clauses 5 and 6, annex on format 01.
 */
import { CodecError } from '../base/codec-error.ts';
import { type Gs1Element, readElements } from './gs1/elements.ts';
import { type DataElement, parseDataIdentifier } from './mh10.ts';

const EOT = '\x04';
const FS = '\x1c';
const GS = '\x1d';
const RS = '\x1e';

export type EnvelopeFormat =
  /** Transportation: version and positional fields; who defines them is the carrier. */
  | { format: '01'; version: string; fields: string[] }
  /** GS1 application identifiers; some carriers put data identifiers here, which then are in `data`. */
  | { format: '05'; elements: Gs1Element[]; data: DataElement[]; raw: string }
  /** MH10.8.2 data identifiers; fields without one are in `loose`. */
  | { format: '06'; data: DataElement[]; loose: string[] }
  /** Bytes with type, compression and stated length. */
  | { format: '09'; type: string; compression: string; bytes: string }
  /** All others (02 EDI, 03 X12, 04 EDIFACT, 07 free text, 08 CII, 12 text elements): kept as they are. */
  | { format: string; raw: string };

export type EnvelopeDefect = 'no-header' | 'no-trailer' | 'short-binary' | 'unknown-format';

export interface Envelope {
  formats: EnvelopeFormat[];
  /** What the message lacked; empty when it is complete. */
  defects: EnvelopeDefect[];
}

/** The head, whole or as much of it as was left, in front of a format. */
const HEAD = new RegExp(`^(?:\\[\\)>${RS}?|\\)>${RS}?|>${RS}|${RS})(?=\\d\\d)`);
/** Without any head only these two openings are distinctive enough. */
const HEADLESS = new RegExp(`^(?:01${GS}\\d\\d|06${GS}\\d{0,3}[A-Z])`);
const BINARY = new RegExp(`^09${GS}[^${GS}]*${GS}[^${GS}]*${GS}(\\d{1,5})${GS}`);
const FORMAT_BOUND = 32;

/** Whether a text looks like an envelope or the rest of one. */
export function isEnvelope(text: string): boolean {
  const first = text.charCodeAt(0);
  if (first === 0x5b || first === 0x29 || first === 0x3e || first === 0x1e) return HEAD.test(text);
  return first === 0x30 && HEADLESS.test(text);
}

/**
 * Parses an envelope.
 * @throws CodecError `iso15434-header` when it is none, `iso15434-formats` when it has more than 32 formats.
 */
export function parseEnvelope(text: string): Envelope {
  const head = HEAD.exec(text)?.[0];
  if (head === undefined && !HEADLESS.test(text)) {
    throw new CodecError({ code: 'iso15434-header', message: 'expected [)> RS and a format of two digits' });
  }
  const defects = new Set<EnvelopeDefect>();
  if (head !== `[)>${RS}`) defects.add('no-header');
  const formats: EnvelopeFormat[] = [];
  let at = head?.length ?? 0;
  while (at < text.length && text.charAt(at) !== EOT) {
    if (formats.length === FORMAT_BOUND) {
      throw new CodecError({ code: 'iso15434-formats', message: `more than ${FORMAT_BOUND} formats`, offset: at });
    }
    const format = text.slice(at, at + 2);
    const end = format === '09' ? binaryEnd(text, at, defects) : textEnd(text, at);
    formats.push(readFormat(format, text.slice(at + 2, end), defects));
    at = end + 1;
    if (end >= text.length || text.charAt(end) !== RS) {
      defects.add('no-trailer');
      break;
    }
  }
  if (text.charAt(at) !== EOT) defects.add('no-trailer');
  return { formats, defects: [...defects] };
}

/** The end of a format of text: RS, or EOT where the RS is missing, or the end. */
function textEnd(text: string, at: number): number {
  const rs = text.indexOf(RS, at);
  if (rs >= 0) return rs;
  return text.endsWith(EOT) ? text.length - 1 : text.length;
}

/** Format 09 states how many bytes follow its fourth GS: they may hold any separator. */
function binaryEnd(text: string, at: number, defects: Set<EnvelopeDefect>): number {
  const match = BINARY.exec(text.slice(at, at + 128));
  if (!match) return textEnd(text, at);
  const end = at + match[0].length + Number(match[1]);
  if (end > text.length) defects.add('short-binary');
  return Math.min(end, text.length);
}

function readFormat(format: string, body: string, defects: Set<EnvelopeDefect>): EnvelopeFormat {
  switch (format) {
    case '01': {
      const [head = '', ...fields] = splitFields(body);
      return { format, version: head.slice(0, 2), fields: [head.slice(2), ...fields] };
    }
    case '05':
      return readAiFormat(body);
    case '06':
      return readDiFormat(body);
    case '09': {
      const [type = '', compression = '', , ...bytes] = splitFields(body);
      return { format, type, compression, bytes: bytes.join(GS) };
    }
    default:
      if (!/^\d\d$/.test(format)) defects.add('unknown-format');
      return { format, raw: body };
  }
}

function splitFields(body: string): string[] {
  return (body.startsWith(GS) ? body.slice(1) : body).split(GS);
}

function readAiFormat(body: string): EnvelopeFormat {
  const raw = body.startsWith(GS) ? body.slice(1) : body;
  const { elements, fault } = readElements(raw);
  if (!fault) return { format: '05', elements, data: [], raw };
  return { format: '05', elements: [], data: raw.split(GS).flatMap((field) => parseDataIdentifier(field) ?? []), raw };
}

function readDiFormat(body: string): EnvelopeFormat {
  const data: DataElement[] = [];
  const loose: string[] = [];
  for (const field of splitFields(body)) {
    const element = parseDataIdentifier(field);
    if (element) data.push(element);
    else if (field !== '' && field !== FS) loose.push(field);
  }
  return { format: '06', data, loose };
}

/** The first format of a kind in an envelope. */
export function formatOf<Format extends '01' | '05' | '06'>(
  envelope: Envelope,
  format: Format,
): Extract<EnvelopeFormat, { format: Format }> | undefined {
  return envelope.formats.find((candidate): candidate is Extract<EnvelopeFormat, { format: Format }> => {
    return candidate.format === format;
  });
}
