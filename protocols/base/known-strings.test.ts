import { expect, it } from 'vitest';
import { knownString } from './known-strings.ts';
import { seededRandom } from './seeded-random.ts';

it('gives the text of the bytes, the first time and later, whatever they are', () => {
  const random = seededRandom(7);
  const texts = ['', 'dock-4-in', 'Köln', '\u007f\u0080', '😀', 'a'.repeat(32), 'a'.repeat(33), '\ufffd', 'dock-4-im'];
  for (let n = 0; n < 20_000; n++) {
    // More than there are slots, so that texts take each other's.
    const index = Math.floor(random() * 9_000);
    const text = texts[index] ?? `device-${index}`;
    const bytes = Buffer.from(`<${text}>`);
    expect(knownString(bytes, 1, bytes.length - 1)).toBe(text);
  }
});

it('reads bytes that are no UTF-8 as Buffer does', () => {
  for (let byte = 0; byte < 256; byte++) {
    const bytes = Buffer.from([0x41, byte]);
    for (let turn = 0; turn < 2; turn++) expect(knownString(bytes, 0, 2)).toBe(bytes.toString('utf8'));
  }
});
