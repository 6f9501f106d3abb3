/**
 * The fast way from an RO_ACCESS_REPORT to tag reads: one pass over the bytes, one flat object per tag, nothing else
 * allocated. A busy portal sends thousands of reads a second, and this is all that a driver wants of them.
 *
 * Invariant: what it reads equals what decodeMessage reads of the same frame. Parameters that are not part of a read (results
 * of access operations, other vendors' parameters, RF surveys) are stepped over by their length, and not looked into.
 * Source: LLRP 1.1, clauses 14.2.3 and 17.2.7.3.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { VENDOR } from './codes.ts';
import { decodeHeader, HEADER_LENGTH, SUPPORTED_VERSIONS } from './header.ts';
import { MESSAGES } from './messages.ts';

/** Absent values are what the reader was not asked to report. */
export interface TagRead {
  /** Lower-case hexadecimal; whole bytes, left-aligned when `epcBits` is not a multiple of eight. */
  epc: string;
  epcBits: number;
  antennaId: number | undefined;
  peakRssiDbm: number | undefined;
  channelIndex: number | undefined;
  /** Microseconds since 1970, by the reader's clock. Exact up to 2^53 (the year 2255). */
  firstSeenUtcUs: number | undefined;
  lastSeenUtcUs: number | undefined;
  /** Microseconds since the reader started. */
  firstSeenUptimeUs: number | undefined;
  lastSeenUptimeUs: number | undefined;
  tagSeenCount: number | undefined;
  roSpecId: number | undefined;
  specIndex: number | undefined;
  inventoryParameterSpecId: number | undefined;
  accessSpecId: number | undefined;
  /** Protocol control word of the tag's EPC memory. */
  pc: number | undefined;
  crc: number | undefined;
  /** What Impinj's and Zebra's readers add when they are asked to; see vendors.ts. */
  vendor: VendorRead | undefined;
}

export interface VendorRead {
  /** Exacter than `peakRssiDbm`. */
  rssiDbm?: number;
  /** Of the backscattered wave, 0 up to 360. */
  phaseDegrees?: number;
  dopplerHz?: number;
  /** Tag identification memory, lower-case hexadecimal. */
  tid?: string;
}

const TAG_REPORT_DATA = 240;
const EPC_DATA = 241;
const CUSTOM = 1023;

/** Bytes after the one-byte header, by TV type; 0 where there is no such TV. */
const TV_SIZE = Uint8Array.from([0, 2, 8, 8, 8, 8, 1, 2, 2, 4, 2, 2, 2, 12, 2, 2, 4, 2, 4, 2, 2]);

/**
 * @param frame exactly one RO_ACCESS_REPORT.
 * @throws CodecError as decodeMessage does; `llrp-not-a-report` for another message, `llrp-epc-missing` for a
 *   TagReportData without an EPC.
 */
export function decodeTagReads(frame: Uint8Array): TagRead[] {
  const { type, version, length } = decodeHeader(frame);
  if (type !== MESSAGES.RO_ACCESS_REPORT.type) {
    throw new CodecError({ code: 'llrp-not-a-report', message: `message type ${type} is no RO_ACCESS_REPORT (61)` });
  }
  if (!SUPPORTED_VERSIONS.includes(version)) {
    throw new CodecError({ code: 'llrp-version', message: `protocol version ${version} is not known` });
  }
  const bytes = asBuffer(frame);
  const reads: TagRead[] = [];
  for (let at = HEADER_LENGTH; at < length; ) {
    const first = bytes[at] as number;
    if (first & 0x80) {
      at = afterTv(bytes, at, length);
      continue;
    }
    const end = tlvEnd(bytes, at, length);
    if (tlvType(bytes, at) === TAG_REPORT_DATA) reads.push(readTag(bytes, at, end));
    at = end;
  }
  return reads;
}

function readTag(bytes: Buffer, start: number, end: number): TagRead {
  // All keys from the start: every read has the same hidden class.
  const read: TagRead = {
    epc: '',
    epcBits: -1,
    antennaId: undefined,
    peakRssiDbm: undefined,
    channelIndex: undefined,
    firstSeenUtcUs: undefined,
    lastSeenUtcUs: undefined,
    firstSeenUptimeUs: undefined,
    lastSeenUptimeUs: undefined,
    tagSeenCount: undefined,
    roSpecId: undefined,
    specIndex: undefined,
    inventoryParameterSpecId: undefined,
    accessSpecId: undefined,
    pc: undefined,
    crc: undefined,
    vendor: undefined,
  };
  for (let at = start + 4; at < end; ) {
    const first = bytes[at] as number;
    if (first & 0x80) {
      const next = afterTv(bytes, at, end);
      takeTv(read, bytes, first & 0x7f, at + 1);
      at = next;
      continue;
    }
    const next = tlvEnd(bytes, at, end);
    const type = tlvType(bytes, at);
    if (type === EPC_DATA) takeEpcData(read, bytes, at + 4, next);
    else if (type === CUSTOM) takeVendorData(read, bytes, at + 4, next);
    at = next;
  }
  if (read.epcBits < 0) {
    throw new CodecError({ code: 'llrp-epc-missing', message: 'a TagReportData without an EPC', offset: start });
  }
  return read;
}

function takeTv(read: TagRead, bytes: Buffer, type: number, at: number): void {
  switch (type) {
    case 1:
      read.antennaId = u16(bytes, at);
      break;
    case 2:
      read.firstSeenUtcUs = u64(bytes, at);
      break;
    case 3:
      read.firstSeenUptimeUs = u64(bytes, at);
      break;
    case 4:
      read.lastSeenUtcUs = u64(bytes, at);
      break;
    case 5:
      read.lastSeenUptimeUs = u64(bytes, at);
      break;
    case 6:
      read.peakRssiDbm = ((bytes[at] as number) << 24) >> 24;
      break;
    case 7:
      read.channelIndex = u16(bytes, at);
      break;
    case 8:
      read.tagSeenCount = u16(bytes, at);
      break;
    case 9:
      read.roSpecId = u32(bytes, at);
      break;
    case 10:
      read.inventoryParameterSpecId = u16(bytes, at);
      break;
    case 11:
      read.crc = u16(bytes, at);
      break;
    case 12:
      read.pc = u16(bytes, at);
      break;
    case 13:
      read.epc = bytes.toString('hex', at, at + 12);
      read.epcBits = 96;
      break;
    case 14:
      read.specIndex = u16(bytes, at);
      break;
    case 16:
      read.accessSpecId = u32(bytes, at);
      break;
  }
}

function takeEpcData(read: TagRead, bytes: Buffer, at: number, end: number): void {
  const bits = at + 2 <= end ? u16(bytes, at) : -1;
  const dataEnd = at + 2 + ((bits + 7) >> 3);
  if (bits < 0 || dataEnd > end) {
    throw new CodecError({
      code: 'llrp-truncated',
      message: `EPCData of ${end - at} bytes is too short for its bit count`,
      offset: bits < 0 ? at : at + 2,
    });
  }
  if (dataEnd < end) {
    throw new CodecError({
      code: 'llrp-trailing',
      message: `${end - dataEnd} bytes too many in EPCData`,
      offset: dataEnd,
    });
  }
  read.epc = bytes.toString('hex', at + 2, dataEnd);
  read.epcBits = bits;
}

function takeVendorData(read: TagRead, bytes: Buffer, start: number, end: number): void {
  const at = start + 8;
  // Too short for what it claims to be: the read stands without it.
  if (at + 2 > end) return;
  const vendorId = u32(bytes, start);
  const subtype = u32(bytes, start + 4);
  if (vendorId === VENDOR.impinj) takeImpinj(read, subtype, bytes.subarray(at, end));
  else if (vendorId === VENDOR.motorola && subtype === 709) {
    vendorOf(read).phaseDegrees = ((bytes.readInt16BE(at) / 0x10000) * 360 + 360) % 360;
  }
}

function takeImpinj(read: TagRead, subtype: number, data: Buffer): void {
  switch (subtype) {
    case 55:
      vendorOf(read).tid = data.toString('hex', 2, 2 + data.readUInt16BE(0) * 2);
      break;
    case 56:
      vendorOf(read).phaseDegrees = ((data.readUInt16BE(0) & 4095) / 4096) * 360;
      break;
    case 57:
      vendorOf(read).rssiDbm = data.readInt16BE(0) / 100;
      break;
    case 68:
      vendorOf(read).dopplerHz = data.readInt16BE(0) / 16;
      break;
  }
}

function vendorOf(read: TagRead): VendorRead {
  read.vendor ??= {};
  return read.vendor;
}

function afterTv(bytes: Buffer, at: number, end: number): number {
  const type = (bytes[at] as number) & 0x7f;
  const size = TV_SIZE[type] ?? 0;
  if (size === 0) {
    throw new CodecError({
      code: 'llrp-tv-unknown',
      message: `parameter type ${type} has a one-byte header and so no length; its size is not known`,
      offset: at,
    });
  }
  if (at + 1 + size > end) {
    throw new CodecError({
      code: 'llrp-truncated',
      message: `a field of ${size} bytes at offset ${at + 1} runs beyond offset ${end}, where its parameter ends`,
      offset: at + 1,
    });
  }
  return at + 1 + size;
}

function tlvType(bytes: Buffer, at: number): number {
  return u16(bytes, at) & 0x3ff;
}

function tlvEnd(bytes: Buffer, at: number, end: number): number {
  const length = at + 4 <= end ? u16(bytes, at + 2) : -1;
  if (length < 4 || at + length > end) {
    throw new CodecError({
      code: length < 0 ? 'llrp-truncated' : 'llrp-length',
      message: `a parameter at offset ${at} claims ${length} bytes, ${end - at} are left`,
      offset: length < 0 ? at : at + 2,
    });
  }
  return at + length;
}

function u16(bytes: Buffer, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Buffer, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

function u64(bytes: Buffer, at: number): number {
  return u32(bytes, at) * 0x1_0000_0000 + u32(bytes, at + 4);
}
