/**
 * Cyclic redundancy checks used by the wire formats. Names and check values (CRC of the ASCII text "123456789") are
 * those of the catalogue of parametrised CRC algorithms; the check values stand in crc.test.ts.
 */

function reflectedTable(polynomial: number): Int32Array {
  const table = new Int32Array(256);
  for (let value = 0; value < 256; value++) {
    let crc = value;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    table[value] = crc;
  }
  return table;
}

function forwardTable16(polynomial: number): Int32Array {
  const table = new Int32Array(256);
  for (let value = 0; value < 256; value++) {
    let crc = value << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ polynomial : crc << 1;
    table[value] = crc & 0xffff;
  }
  return table;
}

const MODBUS = reflectedTable(0xa001);
const X25 = reflectedTable(0x8408);
const CCITT = forwardTable16(0x1021);

/** CRC-16/MODBUS: polynomial 8005 reflected (A001), init FFFF, no final XOR. On the wire low byte first. */
export function crc16Modbus(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ (MODBUS[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return crc & 0xffff;
}

/** CRC-16/MCRF4XX: polynomial 1021 reflected (8408), init FFFF, no final XOR (UHFReader18). */
export function crc16Mcrf4xx(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) crc = (crc >>> 8) ^ (X25[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return crc & 0xffff;
}

/** CRC-16 with polynomial 1021, not reflected, init FFFF: no final XOR (CCITT-FALSE) or FFFF (GENIBUS, EPC Gen2). */
export function crc16Ccitt(bytes: Uint8Array, options: { start?: number; end?: number; xorOut?: number } = {}): number {
  let crc = 0xffff;
  const end = options.end ?? bytes.length;
  for (let i = options.start ?? 0; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ (CCITT[((crc >>> 8) ^ (bytes[i] as number)) & 0xff] as number);
  }
  return (crc ^ (options.xorOut ?? 0)) & 0xffff;
}

// CRC-32C by slicing: TABLES[k][b] is the CRC of byte b followed by k zero bytes, so eight bytes go in one step.
const CASTAGNOLI = reflectedTable(0x82f63b78);
const TABLES: Int32Array[] = [CASTAGNOLI];
for (let slice = 1; slice < 8; slice++) {
  const previous = TABLES[slice - 1] as Int32Array;
  const table = new Int32Array(256);
  for (let value = 0; value < 256; value++) {
    const crc = previous[value] as number;
    table[value] = (crc >>> 8) ^ (CASTAGNOLI[crc & 0xff] as number);
  }
  TABLES.push(table);
}
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4): polynomial 1EDC6F41 reflected, init and final XOR FFFFFFFF. Unsigned. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  let i = start;
  for (const last = end - 7; i < last; i += 8) {
    const low =
      crc ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    crc =
      (T7[low & 0xff] as number) ^
      (T6[(low >>> 8) & 0xff] as number) ^
      (T5[(low >>> 16) & 0xff] as number) ^
      (T4[low >>> 24] as number) ^
      (T3[bytes[i + 4] as number] as number) ^
      (T2[bytes[i + 5] as number] as number) ^
      (T1[bytes[i + 6] as number] as number) ^
      (T0[bytes[i + 7] as number] as number);
  }
  for (; i < end; i++) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[i] as number)) & 0xff] as number);
  return (crc ^ -1) >>> 0;
}
