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

/** What `String` gives of a finite number. Gives the offset behind; the target must have room for NUMBER_BYTES. */
export function writeNumber(value: number, target: Uint8Array, start: number): number {
  const scaled = Math.round(value * SCALE);
  const magnitude = Math.abs(scaled);
  // A decimal of at most fifteen digits is the shortest of its number; `String` writes those below a millionth with an exponent.
  if (scaled / SCALE !== value || magnitude >= 1e15 || (magnitude < 10 && magnitude > 0))
    return writePlain(String(value), target, start);
  let at = start;
  if (scaled < 0) target[at++] = MINUS;
  const whole = Math.floor(magnitude / SCALE);
  at = writeDigits(whole, target, { start: at, end: at + digitsOf(whole) });
  let rest = (magnitude - whole * SCALE) | 0;
  if (rest === 0) return at;
  target[at++] = POINT;
  let places = SCALE_PLACES;
  for (let tenth = (rest / 10) | 0; tenth * 10 === rest; tenth = (rest / 10) | 0) {
    rest = tenth;
    places--;
  }
  return writeDigits(rest, target, { start: at, end: at + places });
}

/** The longest: `-0.0000012345678901234567`. */
export const NUMBER_BYTES = 25;
/** Those of a position. */
const SCALE_PLACES = 7;
const SCALE = 10 ** SCALE_PLACES;
const MINUS = 0x2d;

function digitsOf(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}

/** Six digits of a whole number below a million. Gives the offset behind. */
export function writeSix(value: number, target: Uint8Array, start: number): number {
  return writeDigits(value, target, { start, end: start + 6 });
}

/** Of a whole number of 32 bits as many digits as there is room for. Gives the end. */
function writeDigits(value: number, target: Uint8Array, { start, end }: { start: number; end: number }): number {
  let rest = value | 0;
  for (let at = end - 1; at >= start; at--) {
    const tenth = (rest / 10) | 0;
    target[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

function writeTwo(value: number, target: Uint8Array, at: number): void {
  const tens = Math.floor(value / 10);
  target[at] = ZERO + tens;
  target[at + 1] = ZERO + value - tens * 10;
}
