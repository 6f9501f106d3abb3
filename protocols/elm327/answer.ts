/**
 * An ELM327's answer (text up to the prompt) → data bytes or the adapter's complaint.
 *
 * Source: ELM327 data sheet v2.3, "Interpreting responses", "Error messages", "Multiline responses". Echo (ATE0 unsent), missing spaces
 * (ATS0), `SEARCHING...`, `BUS INIT: OK` ahead of the data and headers (headers.ts) are taken as they come.
 */
import { CodecError } from '../base/codec-error.ts';
import { messagesWithHeaders } from './headers.ts';

export type Elm327Answer =
  /** One entry per module of the vehicle that answered, or one joined from a multi-line answer. */
  | { kind: 'data'; messages: readonly Buffer[] }
  /** OK, a version, a voltage: the answer to an AT command. */
  | { kind: 'text'; lines: readonly string[] }
  | { kind: 'complaint'; complaint: Elm327Complaint };

export type Elm327Complaint =
  | 'no-data'
  | 'unknown-command'
  | 'stopped'
  | 'unable-to-connect'
  | 'bus-init-error'
  | 'bus-busy'
  | 'bus-error'
  | 'can-error'
  | 'data-error'
  | 'buffer-full'
  | 'feedback-error'
  | 'low-power'
  | 'low-voltage-reset'
  | 'internal-error';

const COMPLAINTS: readonly [RegExp, Elm327Complaint][] = [
  [/^NO DATA$/, 'no-data'],
  [/^\?$/, 'unknown-command'],
  [/^STOPPED$/, 'stopped'],
  [/UNABLE TO CONNECT$/, 'unable-to-connect'],
  [/^BUS INIT: ?(\.\.\.)? ?ERROR$/, 'bus-init-error'],
  [/^BUS BUSY$/, 'bus-busy'],
  [/^BUS ERROR$/, 'bus-error'],
  [/^CAN ERROR$/, 'can-error'],
  [/DATA ERROR$/, 'data-error'],
  [/^BUFFER FULL$/, 'buffer-full'],
  [/^FB ERROR$/, 'feedback-error'],
  [/^(ACT ALERT|LP ALERT|!ACT ALERT|!LP ALERT)$/, 'low-power'],
  [/^LV RESET$/, 'low-voltage-reset'],
  [/^ERR\d\d$/, 'internal-error'],
];

const MAX_HEX_LINES = 256;

/** @param command what was sent, so that its echo is not taken for data. */
export function parseElm327(text: string, command?: string): Elm327Answer {
  const lines = text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.replace(/^SEARCHING\.*/, '').replace(/^BUS INIT: ?(\.\.\.)? ?OK/, ''))
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const answer = withoutEcho(lines, command);
  for (const line of answer) {
    const complaint = COMPLAINTS.find(([pattern]) => pattern.test(line))?.[1];
    if (complaint !== undefined) return { kind: 'complaint', complaint };
  }
  if (answer.length === 0) {
    throw new CodecError({ code: 'elm327-empty', message: 'a prompt without an answer', offset: 0 });
  }
  if (!answer.every((line) => /^([0-9A-F]:)?[0-9A-F ]+$/.test(line)) || answer.length > MAX_HEX_LINES) {
    return { kind: 'text', lines: answer };
  }
  return { kind: 'data', messages: messagesOf(answer) };
}

/** An echo is the command, or a line of hexadecimal that is a request (mode 01–0A) ahead of its answer (mode + 40). */
function withoutEcho(lines: readonly string[], command: string | undefined): readonly string[] {
  const [first = '', second = ''] = lines;
  const bare = (text: string): string => text.replaceAll(' ', '').toUpperCase();
  if (command !== undefined) return bare(first) === bare(command) ? lines.slice(1) : lines;
  const request = /^0([1-9A])/.exec(bare(first));
  const isEcho =
    request !== null &&
    bare(second)
      .replace(/^[0-9A-F]:/, '')
      .startsWith(`4${request[1]}`);
  const isComplaint = request !== null && COMPLAINTS.some(([pattern]) => pattern.test(second));
  return isEcho || isComplaint ? lines.slice(1) : lines;
}

/** Lines `N:` continue the message whose length stands alone in three digits ahead of them. */
function messagesOf(lines: readonly string[]): Buffer[] {
  const told = messagesWithHeaders(lines.map((line) => line.replaceAll(' ', '')));
  if (told !== undefined) return told;
  const messages: Buffer[] = [];
  let expected: number | undefined;
  let joined: Buffer[] = [];
  const finish = (): void => {
    if (expected !== undefined && joined.length === 0) {
      throw new CodecError({
        code: 'elm327-hex',
        message: 'a length of three digits, and no lines of a message behind it',
        offset: 0,
      });
    }
    if (joined.length > 0) messages.push(Buffer.concat(joined).subarray(0, expected));
    joined = [];
    expected = undefined;
  };
  lines.forEach((line, index) => {
    const digits = line.replaceAll(' ', '');
    const part = /^[0-9A-F]:(.*)$/.exec(digits);
    if (part) {
      joined.push(hexBytes(part[1] ?? '', index));
    } else if (digits.length === 3) {
      finish();
      expected = Number.parseInt(digits, 16);
    } else {
      finish();
      messages.push(hexBytes(digits, index));
    }
  });
  finish();
  return messages;
}

function hexBytes(digits: string, line: number): Buffer {
  if (digits.length % 2 !== 0) {
    throw new CodecError({
      code: 'elm327-hex',
      message: `line ${line + 1} of the answer has ${digits.length} digits: an even number was expected`,
      offset: 0,
    });
  }
  return Buffer.from(digits, 'hex');
}
