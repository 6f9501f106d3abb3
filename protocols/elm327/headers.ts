/**
 * Answers of an adapter that shows headers (ATH1), as copies do that refuse ATH0: the header off, and the frames of one CAN sender joined.
 *
 *   CAN    7E8 03 41 0D 32            sender (3 or 8 digits), length, data; `1L LL` begins and `2N` continues a longer message (ISO 15765-2)
 *   other  48 6B 10 41 0D 32 44       three bytes ahead (SAE J1979: 48 6B, sender; KWP 2000: format, F1, sender), checksum behind
 *
 * Source: ELM327 data sheet v2.3, "Interpreting responses", "Multiline responses".
 */
import { CodecError } from '../base/codec-error.ts';

const CAN_LINE = /^(7E[8-F]|18DAF1[0-9A-F]{2})((?:[0-9A-F]{2}){2,8})$/;
const OTHER_LINE = /^(?:486B|8[0-9A-F]F1)[0-9A-F]{2}((?:[4567][0-9A-F])(?:[0-9A-F]{2})+)[0-9A-F]{2}$/;

/** Messages of lines that all have headers; undefined when one has none. @param lines digits without spaces */
export function messagesWithHeaders(lines: readonly string[]): Buffer[] | undefined {
  if (lines.every((line) => OTHER_LINE.test(line))) {
    return lines.map((line) => Buffer.from(OTHER_LINE.exec(line)?.[1] ?? '', 'hex'));
  }
  if (!lines.every((line) => CAN_LINE.test(line))) return undefined;
  const messages: Buffer[] = [];
  /** Messages that are not whole yet, by their sender. */
  const open = new Map<string, { parts: Buffer[]; length: number; next: number }>();
  lines.forEach((line, index) => {
    const [, sender = '', digits = ''] = CAN_LINE.exec(line) ?? [];
    const frame = Buffer.from(digits, 'hex');
    const first = frame.readUInt8(0);
    const refuse = (message: string) =>
      new CodecError({ code: 'elm327-frame', message: `line ${index + 1}: ${message}` });
    if (first <= 0x07) {
      if (frame.length < 1 + first) throw refuse(`${first} bytes are announced, ${frame.length - 1} are here`);
      messages.push(frame.subarray(1, 1 + first));
    } else if (first >> 4 === 1) {
      open.set(sender, { parts: [frame.subarray(2)], length: frame.readUInt16BE(0) & 0xfff, next: 1 });
    } else {
      const message = open.get(sender);
      if (first >> 4 !== 2 || message === undefined || message.next !== (first & 0x0f)) {
        throw refuse(`${frame.toString('hex', 0, 1)} (hex) continues no message of ${sender}`);
      }
      message.parts.push(frame.subarray(1));
      message.next = (message.next + 1) & 0x0f;
      const joined = Buffer.concat(message.parts);
      if (joined.length < message.length) return;
      messages.push(joined.subarray(0, message.length));
      open.delete(sender);
    }
  });
  const [unfinished] = open.keys();
  if (unfinished !== undefined) {
    throw new CodecError({ code: 'elm327-frame', message: `the message of ${unfinished} has not all of its lines` });
  }
  return messages;
}
