/**
 * `milepost decode KIND [DATA]`: frames, labels or payloads to one JSON object per line; without DATA standard input is read, a line each. Not
 * valid: `{"error":{"code","message","offset"}}` in its place, and exit code 1 in the end. Kinds: decode-kinds.ts.
 */
import { createInterface } from 'node:readline';
import { CodecError, codecErrorToJson } from '../protocols/base/codec-error.ts';
import { nearest } from '../protocols/config/checked-yaml.ts';
import { RFID_MODULES } from '../protocols/rfid-serial/index.ts';
import { DECODERS, type DecodeOptions, type Decoder } from './decode-kinds.ts';
import { BAD, DONE, print, printError, USAGE } from './exit.ts';

export const DECODE_KINDS = Object.keys(DECODERS);

export interface DecodeArgs {
  kind: string;
  data?: string;
  /** For `rfid-serial`. */
  module?: string;
}

export async function decode({ kind, data, module }: DecodeArgs): Promise<number> {
  const decoder = Object.hasOwn(DECODERS, kind) ? DECODERS[kind] : undefined;
  if (!decoder) return refuse('kind', kind, DECODE_KINDS);
  const known = RFID_MODULES.find((name) => name === module);
  if (module !== undefined && known === undefined) return refuse('module', module, RFID_MODULES);
  const options = known === undefined ? {} : { module: known };
  if (data !== undefined) return show(decodeLine(decoder, data, options));
  let worst = DONE;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== '') worst = Math.max(worst, show(decodeLine(decoder, line, options)));
  }
  return worst;
}

export interface DecodedLine {
  /** JSON, a line each. */
  lines: string[];
  ok: boolean;
}

/** What is printed for one line of input. */
export function decodeLine(decoder: Decoder, data: string, options: DecodeOptions = {}): DecodedLine {
  try {
    const decoded = decoder(data, options);
    if ('fault' in decoded && decoded.fault instanceof CodecError) {
      const { fault, ...rest } = decoded;
      return { lines: [JSON.stringify({ ...codecErrorToJson(fault), ...rest }, readable)], ok: false };
    }
    const objects = Array.isArray(decoded) ? decoded : [decoded];
    return { lines: objects.map((object) => JSON.stringify(object, readable)), ok: true };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { lines: [JSON.stringify(codecErrorToJson(error))], ok: false };
  }
}

function show({ lines, ok }: DecodedLine): number {
  for (const line of lines) print(line);
  return ok ? DONE : BAD;
}

function refuse(what: string, given: string, known: readonly string[]): number {
  const near = nearest(given, known);
  printError(`there is no ${what} '${given}'${near ? `: did you mean '${near}'?` : ''} Known: ${known.join(', ')}`);
  return USAGE;
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
