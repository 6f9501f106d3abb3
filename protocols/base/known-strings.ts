/**
 * Short ASCII texts that come again and again on the wire (names of devices and places): found by their bytes, so that they are neither decoded
 * nor allocated anew. A cache of `SLOTS` texts of at most `MAX_BYTES`; a newer one takes an older one's slot.
 */
const SLOTS = 4096;
const MAX_BYTES = 32;

const slots: (string | undefined)[] = new Array<string | undefined>(SLOTS).fill(undefined);

/** The UTF-8 text in bytes `start` to `end`. */
export function knownString(bytes: Buffer, start: number, end: number): string {
  if (end - start > MAX_BYTES) return bytes.toString('utf8', start, end);
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const known = slots[slot];
  if (known !== undefined && isText(known, bytes, start, end)) return known;
  const text = bytes.toString('utf8', start, end);
  // Only of ASCII are bytes and characters the same.
  if (text.length === end - start && !text.includes('\ufffd')) slots[slot] = text;
  return text;
}

function isText(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}
