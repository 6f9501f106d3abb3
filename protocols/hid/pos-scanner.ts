/**
 * HID point-of-sale barcode scanner (usage page 8C, usage 2): input report → part of a scan.
 *
 * Format: report id 2, data length, AIM identifier (3), data (56), reserved, vendor's symbology, reserved, flags (bit 0: more follows); 64 bytes.
 * Source: USB HID Point of Sale Usage Tables 1.02, clause 4; byte layout of Access-IS LSR118 manual, p. 68. Some readers put a byte ahead of
 * the AIM identifier: the bracket is looked for at both places. Others (Newland) send no identifier and have data in its place: a report
 * with neither a bracket nor zeros there is theirs.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';

/** Top-level collection of a bar code scanner. */
export const HID_POS_USAGE = { page: 0x8c, id: 0x02 } as const;
const HID_POS_REPORT_ID = 2;
export const HID_POS_REPORT_BYTES = 64;
const AIM_AT = 2;
const AIM_BYTES = 3;
const DATA_END = 61;
const SYMBOLOGY_AT = 61;
const FLAGS_AT = 63;
const BRACKET = 0x5d;
const HID_POS_DATA_BYTES = DATA_END - AIM_AT - AIM_BYTES;

export interface HidPosReport {
  /** Undefined when the reader sends none. */
  aim?: string;
  data: Buffer;
  /** The vendor's own number. */
  vendorSymbology: number;
  more: boolean;
}

export function decodeHidPosReport(input: Uint8Array): HidPosReport {
  const bytes = asBuffer(input);
  if (bytes.length !== HID_POS_REPORT_BYTES) {
    throw new CodecError({
      code: 'hid-pos-length',
      message: `report of ${bytes.length} bytes, ${HID_POS_REPORT_BYTES} were expected`,
      offset: Math.min(bytes.length, HID_POS_REPORT_BYTES),
    });
  }
  if (bytes[0] !== HID_POS_REPORT_ID) {
    throw new CodecError({ code: 'hid-pos-report-id', message: `report id ${bytes[0]}, 2 was expected`, offset: 0 });
  }
  const length = bytes.readUInt8(1);
  const shift = bytes[AIM_AT] !== BRACKET && bytes[AIM_AT + 1] === BRACKET ? 1 : 0;
  const hasAimField = bytes[AIM_AT + shift] === BRACKET || bytes.readUIntBE(AIM_AT, AIM_BYTES) === 0;
  const dataAt = AIM_AT + (hasAimField ? shift + AIM_BYTES : 0);
  if (dataAt + length > DATA_END) {
    throw new CodecError({
      code: 'hid-pos-data-length',
      message: `report announces ${length} data bytes, at most ${DATA_END - dataAt} fit`,
      offset: 1,
    });
  }
  const aim = bytes.toString('latin1', AIM_AT + shift, AIM_AT + shift + AIM_BYTES);
  return {
    ...(/^\][A-Za-z][0-9A-Za-z]$/.test(aim) ? { aim } : {}),
    data: Buffer.from(bytes.subarray(dataAt, dataAt + length)),
    vendorSymbology: bytes.readUInt8(SYMBOLOGY_AT),
    more: (bytes.readUInt8(FLAGS_AT) & 1) === 1,
  };
}

/** Reports of one scan, for simulators. */
export function encodeHidPosScan(scan: { aim?: string; data: Uint8Array; vendorSymbology?: number }): Buffer[] {
  const reports: Buffer[] = [];
  for (let at = 0; at === 0 || at < scan.data.length; at += HID_POS_DATA_BYTES) {
    const piece = scan.data.subarray(at, at + HID_POS_DATA_BYTES);
    const report = Buffer.alloc(HID_POS_REPORT_BYTES);
    report[0] = HID_POS_REPORT_ID;
    report[1] = piece.length;
    report.write(scan.aim ?? '', AIM_AT, 'latin1');
    report.set(piece, AIM_AT + AIM_BYTES);
    report[SYMBOLOGY_AT] = scan.vendorSymbology ?? 0;
    report[FLAGS_AT] = at + HID_POS_DATA_BYTES < scan.data.length ? 1 : 0;
    reports.push(report);
  }
  return reports;
}

export interface HidPosScan {
  aim?: string;
  data: Buffer;
  vendorSymbology: number;
}

const MAX_HID_POS_SCAN_BYTES = 32 * 1024;

/** Joins the reports of long scans; holds at most 32 kB, then drops the scan and counts it. */
export class HidPosAssembler {
  /** Scans that grew past the bound. */
  droppedScans = 0;
  private pieces: Buffer[] = [];
  private heldBytes = 0;
  private dropping = false;

  push(report: HidPosReport): HidPosScan | undefined {
    this.heldBytes += report.data.length;
    if (this.heldBytes > MAX_HID_POS_SCAN_BYTES && !this.dropping) {
      this.dropping = true;
      this.droppedScans++;
      this.pieces = [];
    }
    if (!this.dropping) this.pieces.push(report.data);
    if (report.more) return undefined;
    const scan = { ...report, data: Buffer.concat(this.pieces) };
    const dropped = this.dropping;
    this.reset();
    if (dropped) return undefined;
    const { more: _, ...whole } = scan;
    return whole;
  }

  /** The device was unplugged. */
  reset(): void {
    this.pieces = [];
    this.heldBytes = 0;
    this.dropping = false;
  }
}
