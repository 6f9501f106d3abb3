/**
 * The envelope of an NMEA 0183 sentence: `$` or `!`, address, fields, `*hh`, CR LF.
 *
 * The checksum is the exclusive or of all characters between the start and `*`. It is mandatory since V3.01; receivers of
 * before leave it out, which is why it can be waived. Source: NMEA 0183 V4.11, clauses 5.3 and 6.
 */
import { CodecError } from '../base/codec-error.ts';

/** Room for receivers that exceed the standard's 82 characters. */
export const MAX_SENTENCE_CHARACTERS = 256;
export const STANDARD_SENTENCE_CHARACTERS = 82;
const STAR = 0x2a;
const COMMA = 0x2c;

export interface Envelope {
  encapsulated: boolean;
  /** Where address and fields end, which begin at offset 1: the commas between them, and the end of the last. */
  ends: number[];
}

export interface EnvelopeOptions {
  /** True unless told otherwise. */
  requireChecksum?: boolean;
}

export function checksum(body: string): number {
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum ^= body.charCodeAt(i);
  return sum & 0xff;
}

/** Takes the sentence with or without its CR LF. */
export function openEnvelope(text: string, options: EnvelopeOptions = {}): Envelope {
  const end = trimmedEnd(text);
  const start = text[0];
  if (start !== '$' && start !== '!') {
    throw new CodecError({ code: 'nmea-start', message: "a sentence starts with '$' or '!'", offset: 0 });
  }
  if (end > MAX_SENTENCE_CHARACTERS) {
    throw new CodecError({
      code: 'nmea-too-long',
      message: `sentence of ${end} characters, at most ${MAX_SENTENCE_CHARACTERS} were expected`,
      offset: MAX_SENTENCE_CHARACTERS,
    });
  }
  // One pass over all characters: what they may be, where the fields end, where the checksum is, what it should be.
  const ends: number[] = [];
  let star = 0;
  let computed = 0;
  for (let at = 1; at < end; at++) {
    const code = text.charCodeAt(at);
    // Most are letters, digits and points, which stand above all that mean something here.
    if (code <= COMMA || code > 0x7e) {
      if (code < 0x20 || code > 0x7e || code === 0x24 || code === 0x21) throw misplaced(code, at);
      if (code === COMMA && star === 0) ends.push(at);
      if (code === STAR && star === 0) star = at;
    }
    if (star === 0) computed ^= code;
  }
  const encapsulated = start === '!';
  if (star === 0) {
    ends.push(end);
    if (options.requireChecksum === false) return { encapsulated, ends };
    throw new CodecError({
      code: 'nmea-checksum-missing',
      message: 'the sentence ends without checksum',
      offset: end,
    });
  }
  if (end !== star + 3 || hexByteAt(text, star + 1) !== computed) {
    throw new CodecError({
      code: 'nmea-checksum',
      message: `sentence carries checksum '${text.slice(star + 1, end)}', its characters give ${toHexByte(computed)}`,
      offset: star + 1,
    });
  }
  ends.push(star);
  return { encapsulated, ends };
}

/** The sentence as it goes on the line. */
export function closeEnvelope(body: string, start: '$' | '!' = '$'): string {
  return `${start}${body}*${toHexByte(checksum(body))}\r\n`;
}

function toHexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}

function trimmedEnd(text: string): number {
  let end = text.length;
  if (text[end - 1] === '\n') end--;
  if (text[end - 1] === '\r') end--;
  return end;
}

/** Not printable ASCII; or a second `$` or `!`, which means that two sentences ran into each other. */
function misplaced(code: number, offset: number): CodecError {
  const hex = code.toString(16).padStart(2, '0');
  return new CodecError({
    code: 'nmea-character',
    message: `character ${hex} (hex) does not belong in a sentence`,
    offset,
  });
}

/** The value of two hexadecimal digits, -1 when they are none. */
function hexByteAt(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
