/**
 * Honeywell scanners in framed mode (decode header) and their serial commands.
 *
 * A scan: `SYN FE`, length (4, little-endian) of all that follows CR, CR, `MSGGET`, four decimal digits that count the data with its
 * suffix, Honeywell id (1), AIM identifier without its bracket (2), GS, data, suffix. A menu reply: the command, ACK, ENQ or NAK,
 * then `.` or `!`; where one line had several commands, separated by `;` or `,`, each has its own ACK, ENQ or NAK ahead of the separator. The
 * reply to a query (`CBRENA?`) has the answer in place of the question mark. Source: Honeywell user's guides (Xenon 1900), serial programming commands; decode header as read
 * from enioka_scan's tests. The frame has no checksum: header, lengths and separator must all agree.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';

export const SYN = 0x16;
const FE = 0xfe;
const CR = 0x0d;
const GS = 0x1d;
/** Between the commands of one reply: another tag follows, or another subtag of the same tag. */
const SEPARATORS: ReadonlySet<number | undefined> = new Set([0x3b, 0x2c]);
const TAG = 'MSGGET';
/** SYN FE, length, CR. */
const HONEYWELL_HEADER_BYTES = 7;
/** Tag, digits, ids, separator. */
const FIXED_BYTES = 14;
const MAX_DATA_BYTES = 9999;
export const MAX_HONEYWELL_BYTES = HONEYWELL_HEADER_BYTES + FIXED_BYTES + MAX_DATA_BYTES;

export interface HoneywellScan {
  kind: 'scan';
  /** The maker's letter for the symbology: `d` EAN-13, `j` Code 128, `s` QR, … */
  honeywellId: string;
  /** With its bracket: `]E0`. */
  aim: string;
  /** Without the one CR that ends it by default; all other control characters are the code's. */
  data: Buffer;
}

export interface HoneywellMenuReply {
  kind: 'menu-reply';
  replies: readonly { command: string; result: 'accepted' | 'unknown-command' | 'bad-data' }[];
  /** `.` writes flash, `!` holds until power off. */
  stored: boolean;
}

export type HoneywellMessage = HoneywellScan | HoneywellMenuReply;

type MenuResult = HoneywellMenuReply['replies'][number]['result'];

const MENU_RESULTS: ReadonlyMap<number, MenuResult> = new Map([
  [0x05, 'unknown-command'],
  [0x06, 'accepted'],
  [0x15, 'bad-data'],
]);

/** Length of the scan frame that starts here; undefined while its header is not complete, 0 if none starts here. */
export function honeywellFrameLength(bytes: Buffer): number | undefined {
  const marks: [number, number][] = [
    [0, SYN],
    [1, FE],
    [6, CR],
  ];
  for (const [at, mark] of marks) {
    if (bytes.length > at && bytes[at] !== mark) return 0;
  }
  if (bytes.length < HONEYWELL_HEADER_BYTES) return undefined;
  const length = bytes.readUInt32LE(2);
  return length < FIXED_BYTES || length > FIXED_BYTES + MAX_DATA_BYTES ? 0 : HONEYWELL_HEADER_BYTES + length;
}

/** Decodes exactly one scan frame or one menu reply. */
export function decodeHoneywell(input: Uint8Array): HoneywellMessage {
  const bytes = asBuffer(input);
  return bytes[0] === SYN ? decodeScan(bytes) : decodeMenuReply(bytes);
}

export function encodeHoneywellScan(scan: { honeywellId: string; aim: string; data: Uint8Array }): Buffer {
  const data = Buffer.concat([scan.data, Buffer.of(CR)]);
  if (data.length > MAX_DATA_BYTES) throw new RangeError(`Honeywell scan of ${data.length} bytes: at most 9999`);
  const head = `${TAG}${String(data.length).padStart(4, '0')}${scan.honeywellId}${scan.aim.slice(1)}`;
  const body = Buffer.concat([Buffer.from(head, 'latin1'), Buffer.of(GS), data]);
  const header = Buffer.of(SYN, FE, 0, 0, 0, 0, CR);
  header.writeUInt32LE(body.length, 2);
  return Buffer.concat([header, body]);
}

/** The host's commands. */
export const honeywellCommand = {
  triggerOn: (): Buffer => Buffer.of(SYN, 0x54, CR),
  triggerOff: (): Buffer => Buffer.of(SYN, 0x55, CR),
  beep: (): Buffer => Buffer.of(SYN, 0x07, CR),
  /** `DECHDR1` turns framed mode on. Flash wears out: store only what is to survive power off. */
  menu: (command: string, options: { store: boolean }): Buffer =>
    Buffer.concat([Buffer.of(SYN, 0x4d, CR), Buffer.from(`${command}${options.store ? '.' : '!'}`, 'latin1')]),
} as const;

function decodeScan(bytes: Buffer): HoneywellScan {
  const length = honeywellFrameLength(bytes);
  if (length === 0 || length === undefined) {
    throw fault('honeywell-header', 'SYN FE, a length and CR were expected', Math.min(bytes.length, 6));
  }
  if (bytes.length !== length) {
    throw fault('honeywell-length', `frame of ${bytes.length} bytes, its header says ${length}`, 2);
  }
  const body = bytes.subarray(HONEYWELL_HEADER_BYTES);
  const head = body.toString('latin1', 0, FIXED_BYTES - 1);
  const match = /^MSGGET(\d{4})([\x21-\x7e])([A-Za-z][0-9A-Za-z])$/.exec(head);
  if (!match || body[FIXED_BYTES - 1] !== GS) {
    throw fault('honeywell-tag', 'MSGGET, four digits, three ids and GS were expected', HONEYWELL_HEADER_BYTES);
  }
  const dataBytes = Number(match[1]);
  if (FIXED_BYTES + dataBytes !== body.length) {
    throw fault(
      'honeywell-length',
      `frame holds ${body.length - FIXED_BYTES} data bytes, its tag says ${dataBytes}`,
      HONEYWELL_HEADER_BYTES + TAG.length,
    );
  }
  const end = body.at(-1) === CR && dataBytes > 0 ? body.length - 1 : body.length;
  return {
    kind: 'scan',
    honeywellId: match[2] ?? '',
    aim: `]${match[3] ?? ''}`,
    data: Buffer.from(body.subarray(FIXED_BYTES, end)),
  };
}

function decodeMenuReply(bytes: Buffer): HoneywellMenuReply {
  const replies: { command: string; result: MenuResult }[] = [];
  let command = '';
  let at = 0;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const result = MENU_RESULTS.get(byte);
    if (result !== undefined && command !== '') {
      replies.push({ command, result });
      command = '';
      if (SEPARATORS.has(bytes[at + 1])) at++;
    } else if (byte >= 0x20 && byte <= 0x7e) {
      command += String.fromCharCode(byte);
    } else {
      throw fault('honeywell-menu-reply', 'command, ACK, ENQ or NAK were expected', at);
    }
  }
  if (replies.length === 0 || (command !== '.' && command !== '!')) {
    throw fault('honeywell-menu-reply', 'command, ACK, ENQ or NAK, then . or ! were expected', at);
  }
  return { kind: 'menu-reply', replies, stored: command === '.' };
}

function fault(code: string, message: string, offset: number): CodecError {
  return new CodecError({ code, message, offset });
}
