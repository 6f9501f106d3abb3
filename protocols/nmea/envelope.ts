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

export interface Envelope {
  encapsulated: boolean;
  /** Address and fields, without start and checksum. */
  body: string;
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
  for (let i = 1; i < end; i++) checkCharacter(text, i);
  const star = text.indexOf('*');
  if (star < 0 || star >= end) {
    if (options.requireChecksum !== false) {
      throw new CodecError({
        code: 'nmea-checksum-missing',
        message: 'the sentence ends without checksum',
        offset: end,
      });
    }
    return { encapsulated: start === '!', body: text.slice(1, end) };
  }
  const carried = text.slice(star + 1, end);
  const body = text.slice(1, star);
  const computed = checksum(body);
  if (!/^[0-9a-fA-F]{2}$/.test(carried) || Number.parseInt(carried, 16) !== computed) {
    throw new CodecError({
      code: 'nmea-checksum',
      message: `sentence carries checksum '${carried}', its characters give ${toHexByte(computed)}`,
      offset: star + 1,
    });
  }
  return { encapsulated: start === '!', body };
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

/** Printable ASCII; a second `$` or `!` means that two sentences ran into each other. */
function checkCharacter(text: string, at: number): void {
  const code = text.charCodeAt(at);
  if (code >= 0x20 && code <= 0x7e && code !== 0x24 && code !== 0x21) return;
  throw new CodecError({
    code: 'nmea-character',
    message: `character ${code.toString(16).padStart(2, '0')} (hex) does not belong in a sentence`,
    offset: at,
  });
}
