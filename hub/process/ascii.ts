/** Text of plain ASCII written straight into bytes: no string is made first, and nothing is called outside of JavaScript. */

const DAY_MS = 86_400_000;
const ZERO = 48;

/** Of texts that stand in JSON as they are. Gives the offset behind, or -1 where a character needs more than itself; the target must have room. */
export function writePlain(text: string, target: Uint8Array, start: number): number {
  const { length } = text;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return -1;
    target[start + index] = code;
  }
  return start + length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** `YYYY-MM-DDThh:mm:ss.sssZ`, what `toISOString` gives. Gives the offset behind, or -1 for a year that has not four digits. */
export function writeIso(ms: number, target: Uint8Array, start: number): number {
  const whole = Math.round(ms);
  const day = Math.floor(whole / DAY_MS);
  if (day !== writtenDay.day) {
    if (!(whole >= FIRST_MS && whole <= LAST_MS)) return -1;
    const text = new Date(day * DAY_MS).toISOString().slice(0, '2026-11-23T'.length);
    writtenDay = { day, bytes: Uint8Array.from(text, (character) => character.charCodeAt(0)) };
  }
  const { bytes } = writtenDay;
  for (let index = 0; index < bytes.length; index++) target[start + index] = bytes[index] ?? 0;
  const inDay = whole - day * DAY_MS;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const at = start + bytes.length;
  writeTwo(hours, target, at);
  target[at + 2] = COLON;
  writeTwo(minutes - hours * 60, target, at + 3);
  target[at + 5] = COLON;
  writeTwo(seconds - minutes * 60, target, at + 6);
  target[at + 8] = POINT;
  const thousandths = inDay - seconds * 1000;
  const hundreds = Math.floor(thousandths / 100);
  target[at + 9] = ZERO + hundreds;
  writeTwo(thousandths - hundreds * 100, target, at + 10);
  target[at + 12] = ZULU;
  return at + 13;
}

const FIRST_MS = Date.UTC(1000, 0, 1);
const LAST_MS = Date.UTC(9999, 11, 31);
const COLON = 0x3a;
const POINT = 0x2e;
const ZULU = 0x5a;
/** The day that was last written: events of one batch are of one day. */
let writtenDay = { day: Number.NaN, bytes: new Uint8Array() };

function writeTwo(value: number, target: Uint8Array, at: number): void {
  const tens = Math.floor(value / 10);
  target[at] = ZERO + tens;
  target[at + 1] = ZERO + value - tens * 10;
}
