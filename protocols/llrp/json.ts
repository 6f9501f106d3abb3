/** A message as plain JSON data, for `milepost decode llrp` and for logs. */
import { toHex } from '../base/bytes.ts';
import type { Message } from './messages.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Bytes become hexadecimal; 64-bit numbers a number where it is exact, else decimal text. */
export function messageToJson(message: Message): Json {
  return toJson(message);
}

function toJson(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
  }
  return null;
}
