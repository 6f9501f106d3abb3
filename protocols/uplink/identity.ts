/**
 * A record's identity: `(gatewayId, epoch, lane, sequence)` (design, section 3.1). Nothing else decides whether two
 * records are the same.
 */
import { hash } from 'node:crypto';

/** The three lanes in order of precedence: when something must wait or go, the last one does first. */
export const LANES = ['alert', 'tracking', 'telemetry'] as const;
export type Lane = (typeof LANES)[number];

export function isLane(text: string): text is Lane {
  return (LANES as readonly string[]).includes(text);
}

export interface RecordIdentity {
  gatewayId: string;
  /** 16 lower-case hexadecimal digits, drawn at random when an outbox is created on an empty disk. */
  epoch: string;
  lane: Lane;
  /** Starts at 1, has no holes; below 2⁴⁸. */
  sequence: number;
}

/** A gateway's id: it stands in MQTT topics, so no `/`, `+`, `#`, white space or control characters. */
export const GATEWAY_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/;

export const EPOCH = /^[0-9a-f]{16}$/;

/** Milepost's UUID namespace for event ids (a random UUID, fixed for ever). */
const NAMESPACE = Buffer.from('6f1c2b7e9d4b4f0aa3c85d1e7b902f46', 'hex');

/** The event id: UUIDv5 (RFC 9562, 5.5) of `gateway/epoch/lane/sequence` in Milepost's namespace. */
export function eventIdOf(identity: RecordIdentity): string {
  return uuidV5(NAMESPACE, `${identity.gatewayId}/${identity.epoch}/${identity.lane}/${identity.sequence}`);
}

/** UUIDv5 of a name in a 16-byte namespace. */
export function uuidV5(namespace: Uint8Array, name: string): string {
  const wanted = namespace.length + 3 * name.length;
  if (input.length < wanted) input = Buffer.allocUnsafe(2 * wanted);
  input.set(namespace);
  const end = namespace.length + input.write(name, namespace.length);
  const hex = hash('sha1', input.subarray(0, end), 'hex');
  for (let digit = 0; digit < PLACES.length; digit++) text[PLACES[digit] ?? 0] = hex.charCodeAt(digit);
  text[14] = VERSION_5;
  text[19] = VARIANT.charCodeAt(Number.parseInt(hex.charAt(16), 16));
  return text.toString('latin1');
}

/** Where the hexadecimal digits stand in the text. Written there they become one text; put together it would be a chain of a dozen. */
const PLACES = Uint8Array.from({ length: 32 }, (_, digit) => digit + Math.min(4, Math.max(0, (digit - 4) >> 2)));
const text = Buffer.alloc(36, '-');
const VERSION_5 = '5'.charCodeAt(0);

/** One call into OpenSSL: an object for each hash would cost three times as much. */
let input = Buffer.allocUnsafe(256);

const VARIANT = '89ab89ab89ab89ab';
