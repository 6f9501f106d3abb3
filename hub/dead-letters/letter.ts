/**
 * What stands beside the bytes of a dead letter, so that it can be tried again as if it had just come (headers of `dead-letters`, and of the
 * record in `uplink` that tries it again):
 *
 *   code, reason      why it is one
 *   received-ms       when the hub took it
 *   lane              where known
 *   epoch, sequence   of one record; without them the bytes are a whole batch
 *   wall-ms, clock, uncertainty-ms, corrected   its time as it was decided
 *   door              `json` for an event of the open door, `epcis` for an event of a captured document
 *   replay-of         id and attempt of the letter that this came of: partition-offset/attempt
 */
import type { ClockState } from '../../protocols/base/clock.ts';
import { doorDigest } from '../../protocols/door/door-event.ts';
import type { Lane, RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { Source } from '../process/to-messages.ts';

export type Headers = Readonly<Record<string, string>>;

/** The largest uncertainty that a record can carry stands for an unknown one. */
const UNKNOWN_MS = 2 ** 50;

export function letterHeaders(letter: {
  code: string;
  reason: string;
  identity?: RecordIdentity;
  source?: Source;
  door?: string;
  replayOf?: string;
  receivedMs?: number;
}): Record<string, string> {
  const { code, reason, source, door, replayOf = source?.replayOf, receivedMs = source?.receivedMs } = letter;
  const identity = letter.identity ?? source?.identity;
  const isDoor = door ?? (source?.clientEventId === undefined ? undefined : 'json');
  return {
    code,
    reason,
    ...(identity && { epoch: identity.epoch, lane: identity.lane, sequence: String(identity.sequence) }),
    ...(receivedMs !== undefined && { 'received-ms': String(receivedMs) }),
    ...(source && {
      'wall-ms': String(source.time.wallMs),
      clock: source.time.state,
      'uncertainty-ms': String(Math.min(UNKNOWN_MS, source.time.uncertaintyMs)),
      corrected: String(source.corrected),
    }),
    ...(isDoor !== undefined && { door: isDoor }),
    ...(replayOf !== undefined && { 'replay-of': replayOf }),
  };
}

/** Whose record it was and when; undefined when the letter is a whole batch, or from before times stood beside letters. */
export function sourceOfLetter(gatewayId: string, headers: Headers): Source | undefined {
  const { epoch, lane, sequence } = headers;
  const wallMs = Number(headers['wall-ms'] ?? headers['received-ms']);
  if (epoch === undefined || lane === undefined || sequence === undefined || Number.isNaN(wallMs)) return undefined;
  const uncertaintyMs = Number(headers['uncertainty-ms'] ?? UNKNOWN_MS);
  const replayOf = headers['replay-of'];
  return {
    identity: { gatewayId, epoch, lane: lane as Lane, sequence: Number(sequence) },
    time: {
      bootId: 0,
      monotonicUs: 0,
      wallMs,
      state: (headers.clock ?? 'unsynced') as ClockState,
      uncertaintyMs: uncertaintyMs >= UNKNOWN_MS ? Number.POSITIVE_INFINITY : uncertaintyMs,
    },
    corrected: headers.corrected === 'true',
    receivedMs: Number(headers['received-ms'] ?? wallMs),
    ...(replayOf !== undefined && { replayOf }),
  };
}

/** What the book of ids remembers an attempt by: no gateway's id begins with a tilde. */
export function attemptDigest(replayOf: string): Buffer {
  return doorDigest('~dead-letter', replayOf);
}
