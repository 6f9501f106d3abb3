/**
 * What `milepost decode` knows: kind → how one line becomes one object, or several where a line has several frames.
 *
 * Binary kinds take hexadecimal (spaces, colons and `0x` in front are allowed). Text kinds take text, in which \xHH, \r, \n and \t stand for control
 * characters, or hexadecimal behind `0x`.
 */
import { parseAim } from '../protocols/barcode/aim.ts';
import { describeBarcode } from '../protocols/barcode/describe.ts';
import { fromHex } from '../protocols/base/bytes.ts';
import { CodecError } from '../protocols/base/codec-error.ts';
import { decodeObd, parseElm327 } from '../protocols/elm327/index.ts';
import { readEpc } from '../protocols/epc/index.ts';
import { decodeGpsd } from '../protocols/gpsd/index.ts';
import {
  decodeHidPosReport,
  decodeTemperFirmware,
  decodeTemperReport,
  HID_POS_REPORT_BYTES,
} from '../protocols/hid/index.ts';
import { decodeHoneywell } from '../protocols/honeywell/index.ts';
import { decodeHeader, decodeMessage, messageToJson } from '../protocols/llrp/index.ts';
import { describeFrame } from '../protocols/modbus/index.ts';
import { decodeNmea } from '../protocols/nmea/index.ts';
import { parseW1Slave } from '../protocols/onewire/index.ts';
import { describeRfidFrames, type RfidModule } from '../protocols/rfid-serial/index.ts';
import { decodeWitmotion, WITMOTION_FRAME_BYTES, WitmotionFramer } from '../protocols/shock/index.ts';
import { decodeSsi, interpretSsi } from '../protocols/ssi/index.ts';
import { readBatchHeader, readBatchRecords } from '../protocols/uplink/batch.ts';
import { decodePayload } from '../protocols/uplink/payload-codec.ts';

export interface DecodeOptions {
  /** `rfid-serial`: the family of the module; found out unless told. */
  module?: RfidModule;
}

export type Decoder = (data: string, options: DecodeOptions) => object | readonly object[];

/** Modbus ASCII begins with its only colon; between the bytes of hexadecimal there are several, or none. */
const MODBUS_ASCII = /^\s*:[^:]*$/;
const TEMPER_REPORT_BYTES = 8;
/** Not in front of a colon: `\n:12` opens a tag block of NMEA 0183. */
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|([rnt])(?!:))/g;
const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t' };

export const DECODERS: Readonly<Record<string, Decoder>> = {
  barcode: (data) => describeLabel(textOf(data)),
  epc: (data) => readEpc(data),
  nmea: (data) => decodeNmea(textOf(data).trimEnd()),
  llrp: (data) => llrpMessage(fromHex(data)),
  ssi: (data) => {
    const packet = decodeSsi(fromHex(data));
    return { ...packet, meaning: interpretSsi(packet) };
  },
  modbus: (data) => describeFrame(MODBUS_ASCII.test(data) ? Buffer.from(data.trim(), 'latin1') : fromHex(data)),
  shock: (data) => shockFrames(fromHex(data)),
  'rfid-serial': (data, { module }) => describeRfidFrames(fromHex(data), module),
  uplink: (data) => uplinkBatch(fromHex(data)),
  elm327: (data) => elm327Answer(textOf(data)),
  hid: (data) => hidReport(fromHex(data)),
  honeywell: (data) => decodeHoneywell(fromHex(data)),
  'one-wire': (data) => parseW1Slave(textOf(data)),
  gpsd: (data) => decodeGpsd(textOf(data, { escapes: false })),
};

/** Text as given, in UTF-8; bytes in hexadecimal as Latin-1, so that none is lost. */
function textOf(data: string, { escapes = true } = {}): string {
  if (/^0x/i.test(data)) return fromHex(data).toString('latin1');
  if (!escapes) return data;
  return data.replace(ESCAPE, (_match, hex?: string, letter?: string) => {
    return letter === undefined ? String.fromCharCode(Number.parseInt(hex ?? '', 16)) : (ESCAPES[letter] ?? letter);
  });
}

/** `^` cannot be told from a caret in a label, so control characters are written as they are or as \x1d. */
function describeLabel(text: string): object {
  const scan = parseAim(text);
  if (!scan) return describeBarcode({ text });
  try {
    return describeBarcode({ aim: scan.aim, text: scan.data });
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    // The fault counts from the data; people count from what they gave.
    const { code, message, offset } = error;
    throw new CodecError({ code, message, offset: offset + text.length - scan.data.length, cause: error });
  }
}

function elm327Answer(text: string): object {
  const answer = parseElm327(text.replace(/>\s*$/, ''));
  return answer.kind === 'data' ? { kind: 'data', values: answer.messages.map(decodeObd) } : answer;
}

function llrpMessage(bytes: Buffer): object {
  const message = decodeMessage(bytes);
  const { type, length } = decodeHeader(bytes);
  return { type, length, ...(messageToJson(message) as object) };
}

/** One frame, or what a capture of the line has of them. */
function shockFrames(bytes: Buffer): object {
  if (bytes.length <= WITMOTION_FRAME_BYTES) return decodeWitmotion(bytes);
  const frames = new WitmotionFramer().push(bytes);
  // None: the fault of the bytes as one frame says the most.
  return frames.length === 0 ? decodeWitmotion(bytes) : frames.map((frame) => decodeWitmotion(frame));
}

/** A TEMPer's report is as long as its query's answer, its firmware a text of two reports; a scanner's has its whole length. */
function hidReport(report: Buffer): object {
  if (report.length === 2 * TEMPER_REPORT_BYTES && report.toString('latin1').startsWith('TEMPer')) {
    return { kind: 'firmware', firmware: decodeTemperFirmware([report]) };
  }
  if (report.length === TEMPER_REPORT_BYTES) return decodeTemperReport(report);
  if (report.length >= HID_POS_REPORT_BYTES - 1) return decodeHidPosReport(report);
  throw new CodecError({
    code: 'hid-pos-length',
    message: `a report of ${report.length} bytes: ${HID_POS_REPORT_BYTES} (scanner) or ${TEMPER_REPORT_BYTES} (TEMPer) were expected`,
    offset: report.length,
  });
}

function uplinkBatch(bytes: Buffer): object {
  const { records: _records, ...header } = readBatchHeader(bytes);
  const records = [...readBatchRecords(readBatchHeader(bytes))].map((item) => {
    if (!('record' in item)) return { sequence: item.sequence, error: { code: item.code, message: item.reason } };
    const { sequence, time, payload } = item.record;
    return { sequence, time, payload: decodePayload(payload) };
  });
  return { ...header, records };
}
