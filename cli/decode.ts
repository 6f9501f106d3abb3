/**
 * `milepost decode KIND [DATA]`: one frame, label or payload to one JSON object per line. DATA is hexadecimal for binary kinds, text for
 * the others; without it standard input is read, a line each. Not valid: `{"error":{"code","message","offset"}}` and exit 1.
 */
import { createInterface } from 'node:readline';
import { parseAim } from '../protocols/barcode/aim.ts';
import { describeBarcode } from '../protocols/barcode/describe.ts';
import { fromHex } from '../protocols/base/bytes.ts';
import { CodecError, codecErrorToJson } from '../protocols/base/codec-error.ts';
import { nearest } from '../protocols/config/checked-yaml.ts';
import { decodeEpc } from '../protocols/epc/index.ts';
import { decodeMessage, messageToJson } from '../protocols/llrp/index.ts';
import { describeFrame } from '../protocols/modbus/index.ts';
import { decodeNmea } from '../protocols/nmea/index.ts';
import { MercuryFramer, R200Framer, UhfReader18Framer } from '../protocols/rfid-serial/index.ts';
import { decodeWitmotion } from '../protocols/shock/index.ts';
import { decodeSsi, interpretSsi } from '../protocols/ssi/index.ts';
import { readBatchHeader, readBatchRecords } from '../protocols/uplink/batch.ts';
import { decodePayload } from '../protocols/uplink/payload-codec.ts';
import { BAD, DONE, print, printError, USAGE } from './exit.ts';

const KINDS: Record<string, (data: string) => object> = {
  barcode: (data) => describeBarcode(labelOf(data)),
  epc: (data) => decodeEpc(fromHex(data)),
  nmea: (data) => decodeNmea(data),
  llrp: (data) => messageToJson(decodeMessage(fromHex(data))) as object,
  ssi: (data) => {
    const packet = decodeSsi(fromHex(data));
    return { ...packet, meaning: interpretSsi(packet) };
  },
  modbus: (data) => describeFrame(fromHex(data)),
  shock: (data) => decodeWitmotion(fromHex(data)),
  'rfid-serial': (data) => rfidFrame(fromHex(data)),
  uplink: (data) => uplinkBatch(fromHex(data)),
};

export const DECODE_KINDS = Object.keys(KINDS);

export async function decode(kind: string, data: string | undefined): Promise<number> {
  const decoder = KINDS[kind];
  if (!decoder) {
    const near = nearest(kind, DECODE_KINDS);
    printError(
      `there is no kind '${kind}'${near ? `: did you mean '${near}'?` : ''} Kinds: ${DECODE_KINDS.join(', ')}`,
    );
    return USAGE;
  }
  if (data !== undefined) return decodeLine(decoder, data);
  let worst = DONE;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== '') worst = Math.max(worst, decodeLine(decoder, line));
  }
  return worst;
}

function decodeLine(decoder: (data: string) => object, data: string): number {
  try {
    print(JSON.stringify(decoder(data), readable));
    return DONE;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    print(JSON.stringify(codecErrorToJson(error)));
    return BAD;
  }
}

/** Bytes as hexadecimal, big numbers as text. */
function readable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  const asJson = value as { type?: unknown; data?: unknown } | null;
  if (asJson?.type === 'Buffer' && Array.isArray(asJson.data))
    return Buffer.from(asJson.data as number[]).toString('hex');
  return value;
}

/** `^` cannot be told from a caret in a label, so control characters are written as they are or as \x1d. */
function labelOf(data: string) {
  const text = data.replace(/\\x([0-9a-fA-F]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const scan = parseAim(text);
  return scan ? { aim: scan.aim, text: scan.data } : { text };
}

function rfidFrame(bytes: Buffer): object {
  const families = [
    ['r200', new R200Framer()],
    ['uhfreader18', new UhfReader18Framer()],
    ['thingmagic', new MercuryFramer('reply')],
    ['thingmagic', new MercuryFramer('command')],
  ] as const;
  for (const [family, framer] of families) {
    const frames = [...framer.push(bytes), ...framer.idle()];
    if (frames.length > 0 && framer.stats.discardedBytes === 0) return { family, frames };
  }
  throw new CodecError({
    code: 'rfid-header',
    message: 'no whole frame of R200/YRM100, UHFReader18 or ThingMagic with a right checksum',
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
