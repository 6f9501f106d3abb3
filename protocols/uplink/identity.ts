/**
 * A record's identity: `(gatewayId, epoch, lane, sequence)` (design, section 3.1). Nothing else decides whether two
 * records are the same.
 */
import { createHash } from 'node:crypto';

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
  const hash = createHash('sha1').update(namespace).update(name).digest();
  hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
  hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
