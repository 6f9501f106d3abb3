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

/** `gateway/epoch/lane/sequence`: an identity as text. No part holds a slash. */
export function identityText(identity: RecordIdentity): string {
  return `${identity.gatewayId}/${identity.epoch}/${identity.lane}/${identity.sequence}`;
}

/** The event id: UUIDv5 (RFC 9562, 5.5) of the identity's text in Milepost's namespace. */
export function eventIdOf(identity: RecordIdentity): string {
  return uuidV5(NAMESPACE, identityText(identity));
}

/** UUIDv5 of a name in a 16-byte namespace. */
export function uuidV5(namespace: Uint8Array, name: string): string {
  const wanted = namespace.length + 3 * name.length;
  if (input.length < wanted) input = Buffer.allocUnsafe(2 * wanted);
  input.set(namespace);
  const end = namespace.length + input.write(name, namespace.length);
  writeUuidV5(input.subarray(0, end), text, 0);
  return text.toString('latin1');
}

/** A UUID as text (RFC 9562, 4). */
export const EVENT_ID_BYTES = 36;

/** Event ids of one gateway, epoch and lane, one after the other: what they have in common stands ready. Same as `eventIdOf`. */
export class EventIds {
  /** The identity's text up to the sequence. */
  readonly prefix: string;
  readonly #input: Buffer;
  readonly #prefixEnd: number;
  /** Views of the input, by the number of digits. */
  readonly #views: (Buffer | undefined)[] = [];

  constructor({ gatewayId, epoch, lane }: Omit<RecordIdentity, 'sequence'>) {
    this.prefix = `${gatewayId}/${epoch}/${lane}/`;
    this.#input = Buffer.concat([NAMESPACE, Buffer.from(this.prefix), Buffer.alloc(MAX_DIGITS)]);
    this.#prefixEnd = this.#input.length - MAX_DIGITS;
  }

  /** Writes the id of a sequence, `EVENT_ID_BYTES` characters, at `at`; gives the offset behind. */
  write(sequence: number, target: Uint8Array, at: number): number {
    const digits = String(sequence);
    const { length } = digits;
    for (let index = 0; index < length; index++) this.#input[this.#prefixEnd + index] = digits.charCodeAt(index);
    let view = this.#views[length];
    if (view === undefined) {
      view = this.#input.subarray(0, this.#prefixEnd + length);
      this.#views[length] = view;
    }
    writeUuidV5(view, target, at);
    return at + EVENT_ID_BYTES;
  }
}

/** Of a sequence. */
const MAX_DIGITS = 16;

/** One call into OpenSSL: an object for each hash would cost three times as much. */
function writeUuidV5(named: Uint8Array, target: Uint8Array, at: number): void {
  const hex = hash('sha1', named, 'hex');
  for (let digit = 0; digit < PLACES.length; digit++) target[at + (PLACES[digit] ?? 0)] = hex.charCodeAt(digit);
  target[at + 8] = DASH;
  target[at + 13] = DASH;
  target[at + 14] = VERSION_5;
  target[at + 18] = DASH;
  target[at + 19] = VARIANT.charCodeAt(Number.parseInt(hex.charAt(16), 16));
  target[at + 23] = DASH;
}

/** Where the hexadecimal digits stand in the text. Written there they become one text; put together it would be a chain of a dozen. */
const PLACES = Uint8Array.from({ length: 32 }, (_, digit) => digit + Math.min(4, Math.max(0, (digit - 4) >> 2)));
const text = Buffer.alloc(EVENT_ID_BYTES);
const VERSION_5 = '5'.charCodeAt(0);
const DASH = '-'.charCodeAt(0);

let input = Buffer.allocUnsafe(256);

const VARIANT = '89ab89ab89ab89ab';
