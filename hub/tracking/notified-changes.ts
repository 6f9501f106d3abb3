/**
 * Changes between processes: NOTIFY inside the projection's transaction, LISTEN where live streams are. PostgreSQL gives a notification when
 * the transaction commits, in the order of commits, to whoever listens then.
 *
 * Payload: JSON `{"p":[package ids],"a":[alert ids],"g":[gateway ids], …}`, below PostgreSQL's 8,000 bytes; `{}` says that more has changed than is
 * told.
 */
import type { Sql } from '../store/store.ts';
import type { Announcer, Change } from './changes.ts';

export const CHANNEL = 'milepost_changes';

/** PostgreSQL, NOTIFY: "must be specified as a simple string literal … shorter than 8000 bytes". */
const MAX_PAYLOAD_BYTES = 7_900;
/** More than so many are not told one by one: watchers would load anew anyway. */
const MAX_TOLD = 2_000;

export const notifyChanges: Announcer = {
  async within(sql: Sql, changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    await sql.query('select pg_notify($1, payload) from unnest($2::text[]) payload', [CHANNEL, payloadsOf(changes)]);
  },
  // Whoever listens has heard it from the server, this process too.
  committed() {},
};

type Told = Exclude<Change, { kind: 'many' }>;

/** How each kind stands in a payload. */
const KINDS = [
  {
    letter: 'p',
    idOf: (change: Told) => (change.kind === 'package' ? change.packageId : undefined),
    of: (packageId: string): Change => ({ kind: 'package', packageId }),
  },
  {
    letter: 'a',
    idOf: (change: Told) => (change.kind === 'alert' ? change.alertId : undefined),
    of: (alertId: string): Change => ({ kind: 'alert', alertId }),
  },
  {
    letter: 'i',
    idOf: (change: Told) => (change.kind === 'incident' ? change.incidentId : undefined),
    of: (incidentId: string): Change => ({ kind: 'incident', incidentId }),
  },
  {
    letter: 'g',
    idOf: (change: Told) => (change.kind === 'gateway' ? change.gatewayId : undefined),
    of: (gatewayId: string): Change => ({ kind: 'gateway', gatewayId }),
  },
  {
    letter: 'r',
    idOf: (change: Told) => (change.kind === 'rollout' ? change.rolloutId : undefined),
    of: (rolloutId: string): Change => ({ kind: 'rollout', rolloutId }),
  },
] as const;

export function payloadsOf(changes: readonly Change[]): string[] {
  if (changes.length > MAX_TOLD || changes.some(({ kind }) => kind === 'many')) return ['{}'];
  const payloads: string[] = [];
  let chunk: Record<string, string[]> = {};
  let bytes = EMPTY_BYTES;
  const close = () => {
    if (Object.keys(chunk).length > 0) payloads.push(JSON.stringify(chunk));
    chunk = {};
    bytes = EMPTY_BYTES;
  };
  for (const change of changes) {
    if (change.kind === 'many') continue;
    const { letter, id } = toldAs(change);
    const size = Buffer.byteLength(JSON.stringify(id)) + 1;
    if (EMPTY_BYTES + size > MAX_PAYLOAD_BYTES) return ['{}'];
    if (bytes + size > MAX_PAYLOAD_BYTES) close();
    const ids = chunk[letter] ?? [];
    chunk[letter] = ids;
    ids.push(id);
    bytes += size;
  }
  close();
  return payloads;
}

function toldAs(change: Told): { letter: string; id: string } {
  for (const { letter, idOf } of KINDS) {
    const id = idOf(change);
    if (id !== undefined) return { letter, id };
  }
  throw new TypeError(`a change of kind ${change.kind} has no letter`);
}

const EMPTY_BYTES = Buffer.byteLength(JSON.stringify(Object.fromEntries(KINDS.map(({ letter }) => [letter, []]))));

/** What another version of this program may have sent and we do not understand counts as `many`. */
export function changesOf(payload: string): Change[] {
  try {
    const told: unknown = JSON.parse(payload);
    const changes = typeof told === 'object' && told !== null ? Object.entries(told).map(changesOfKind) : [];
    if (changes.length > 0 && changes.every((each) => each !== undefined)) return changes.flat();
  } catch {
    // Falls through.
  }
  return [{ kind: 'many' }];
}

function changesOfKind([letter, ids]: [string, unknown]): Change[] | undefined {
  const kind = KINDS.find((each) => each.letter === letter);
  return kind && areTexts(ids) ? ids.map(kind.of) : undefined;
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
