/**
 * Changes between processes: NOTIFY inside the projection's transaction, LISTEN where live streams are. PostgreSQL gives a notification when
 * the transaction commits, in the order of commits, to whoever listens then.
 *
 * Payload: JSON `{"p":[package ids],"a":[alert ids]}`, below PostgreSQL's 8,000 bytes; `{}` says that more has changed than is told.
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

export function payloadsOf(changes: readonly Change[]): string[] {
  if (changes.length > MAX_TOLD || changes.some(({ kind }) => kind === 'many')) return ['{}'];
  const payloads: string[] = [];
  let chunk: { p: string[]; a: string[] } = { p: [], a: [] };
  let bytes = EMPTY_BYTES;
  const close = () => {
    if (chunk.p.length + chunk.a.length > 0) payloads.push(JSON.stringify(chunk));
    chunk = { p: [], a: [] };
    bytes = EMPTY_BYTES;
  };
  for (const change of changes) {
    if (change.kind === 'many') continue;
    const id = change.kind === 'package' ? change.packageId : change.alertId;
    const size = Buffer.byteLength(JSON.stringify(id)) + 1;
    if (EMPTY_BYTES + size > MAX_PAYLOAD_BYTES) return ['{}'];
    if (bytes + size > MAX_PAYLOAD_BYTES) close();
    (change.kind === 'package' ? chunk.p : chunk.a).push(id);
    bytes += size;
  }
  close();
  return payloads;
}

const EMPTY_BYTES = Buffer.byteLength(JSON.stringify({ p: [], a: [] }));

/** What another version of this program may have sent and we do not understand counts as `many`. */
export function changesOf(payload: string): Change[] {
  try {
    const { p, a } = JSON.parse(payload) as { p?: unknown; a?: unknown };
    if (areTexts(p) && areTexts(a))
      return [
        ...p.map((packageId): Change => ({ kind: 'package', packageId })),
        ...a.map((alertId): Change => ({ kind: 'alert', alertId })),
      ];
  } catch {
    // Falls through.
  }
  return [{ kind: 'many' }];
}

function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
