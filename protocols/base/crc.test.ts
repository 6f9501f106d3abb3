import { describe, expect, it } from 'vitest';
import { crc16Ccitt, crc16Mcrf4xx, crc16Modbus, crc32c } from './crc.ts';

// Check values: catalogue of parametrised CRC algorithms; CRC-32C vectors: RFC 3720 appendix B.4.
const CHECK = Buffer.from('123456789');

describe('CRC', () => {
  it('matches the catalogue', () => {
    expect(crc16Modbus(CHECK)).toBe(0x4b37);
    expect(crc16Mcrf4xx(CHECK)).toBe(0x6f91);
    expect(crc16Ccitt(CHECK)).toBe(0x29b1);
    expect(crc16Ccitt(CHECK, { xorOut: 0xffff })).toBe(0xd64e);
    expect(crc32c(CHECK)).toBe(0xe3069283);
  });

  it.each([
    ['32 bytes of zeroes', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 bytes rising', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['32 bytes falling', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ])('CRC-32C of %s', (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('takes a range', () => {
    expect(crc32c(Buffer.from('xx123456789yy'), 2, 11)).toBe(0xe3069283);
  });
});
