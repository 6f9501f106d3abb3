/**
 * Where dead letters are settled: found, looked at, tried again, dropped.
 *
 * Trying again appends to `uplink` first and notes the attempt afterwards: a crash in between makes the next attempt the same one, which the
 * processor knows by its number, so that its effect is there exactly once. A letter that fails again comes back as open (projection.ts).
 */
import type { EventLog } from '../log/event-log.ts';
import type { SqlValue, Store } from '../store/store.ts';
import { CursorError } from '../tracking/reader.ts';
import { again } from './again.ts';
import type { Headers } from './letter.ts';

export type LetterState = 'open' | 'replayed' | 'dropped';

export interface LetterFilter {
  state?: LetterState | 'all';
  code?: string;
  gateway?: string;
  /** ISO 8601, both inclusive. */
  from?: string;
  to?: string;
  limit: number;
  after?: string;
}

export interface LetterSummary {
  id: string;
  at: string;
  gatewayId: string;
  code: string;
  reason: string;
  lane?: string;
  bytes: number;
  state: LetterState;
  attempts: number;
  settledAt?: string;
  settledBy?: string;
  why?: string;
}

export interface Letter extends LetterSummary {
  headers: Headers;
  /** Hexadecimal. */
  value: string;
  /** Where the bytes are text. */
  text?: string;
}

export class LetterError extends Error {
  override readonly name = 'LetterError';
  readonly code: 'letter-unknown' | 'letter-settled' | 'letter-not-replayable';

  constructor(code: LetterError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

interface Row extends Record<string, unknown> {
  letter_id: string;
  at: Date;
  gateway_id: string;
  code: string;
  reason: string;
  headers: Headers;
  bytes: number;
  value?: Buffer;
  state: LetterState;
  attempts: number;
  settled_at: Date | null;
  settled_by: string | null;
  why: string | null;
}

/** Partition and offset (projection.ts). */
const LETTER_ID = /^\d{1,9}-\d{1,19}$/;
/** Control characters but white space. */
const UNPRINTABLE = /(?!\s)\p{Cc}/u;

const COLUMNS = `letter_id, at, gateway_id, code, reason, headers, octet_length(value) as bytes, state, attempts, settled_at, settled_by, why`;

export class DeadLetterDesk {
  readonly #store: Store;
  readonly #eventLog: Pick<EventLog, 'append'>;

  constructor(options: { store: Store; eventLog: Pick<EventLog, 'append'> }) {
    this.#store = options.store;
    this.#eventLog = options.eventLog;
  }

  /** The latest first. */
  async list(filter: LetterFilter): Promise<{ items: LetterSummary[]; next?: string }> {
    const { state = 'open', code, gateway, from, to, limit, after } = filter;
    const values: SqlValue[] = [];
    const conditions: string[] = [];
    const where = (condition: (place: string) => string, value: SqlValue | undefined) => {
      if (value === undefined) return;
      values.push(value);
      conditions.push(condition(`$${values.length}`));
    };
    where((place) => `state = ${place}`, state === 'all' ? undefined : state);
    where((place) => `code = ${place}`, code);
    where((place) => `gateway_id = ${place}`, gateway);
    where((place) => `at >= ${place}::timestamptz`, from);
    where((place) => `at <= ${place}::timestamptz`, to);
    if (after !== undefined) {
      const { at, id } = readCursor(after);
      values.push(at, id);
      conditions.push(`(at, letter_id) < ($${values.length - 1}::timestamptz, $${values.length})`);
    }
    const rows = await this.#store.query<Row>(
      `select ${COLUMNS} from dead_letters ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
       order by at desc, letter_id desc limit ${limit + 1}`,
      values,
    );
    const items = rows.slice(0, limit).map(summaryOf);
    const last = items.at(-1);
    return { items, ...(rows.length > limit && last ? { next: cursorOf(last) } : {}) };
  }

  async show(id: string): Promise<Letter> {
    const row = await this.#row(id);
    const value = row.value ?? Buffer.alloc(0);
    const text = value.toString('utf8');
    const isText = !text.includes('\ufffd') && !UNPRINTABLE.test(text);
    return { ...summaryOf(row), headers: row.headers, value: value.toString('hex'), ...(isText && { text }) };
  }

  /** Resolves when the event log has it. @throws LetterError */
  async replay(id: string, by: string): Promise<LetterSummary> {
    const row = await this.#open(id);
    const attempt = row.attempts + 1;
    const { gateway_id: gatewayId, headers, value = Buffer.alloc(0) } = row;
    const found = again({ letterId: id, gatewayId, headers, value, attempt });
    if (found.fault !== undefined)
      throw new LetterError('letter-not-replayable', `${id} would fail again: ${found.fault}`);
    await this.#eventLog.append(found.records);
    await this.#store.query(
      `update dead_letters set state = 'replayed', attempts = $2, settled_at = now(), settled_by = $3
       where letter_id = $1 and attempts < $2`,
      [id, attempt, by],
    );
    return summaryOf(await this.#row(id));
  }

  /** @throws LetterError */
  async drop(id: string, by: string, why: string): Promise<LetterSummary> {
    await this.#open(id);
    await this.#store.query(
      `update dead_letters set state = 'dropped', settled_at = now(), settled_by = $2, why = $3
       where letter_id = $1 and state = 'open'`,
      [id, by, why],
    );
    return summaryOf(await this.#row(id));
  }

  async #open(id: string): Promise<Row> {
    const row = await this.#row(id);
    if (row.state === 'open') return row;
    const who = row.settled_by ? ` by ${row.settled_by}` : '';
    throw new LetterError('letter-settled', `${id} was ${row.state} already${who}`);
  }

  async #row(id: string): Promise<Row> {
    const [row] = LETTER_ID.test(id)
      ? await this.#store.query<Row>(`select ${COLUMNS}, value from dead_letters where letter_id = $1`, [id])
      : [];
    if (row) return row;
    const message = `there is no dead letter ${JSON.stringify(id.slice(0, 60))}: ids look like 3-17, and the list has them`;
    throw new LetterError('letter-unknown', message);
  }
}

function summaryOf(row: Row): LetterSummary {
  const { lane } = row.headers;
  return {
    id: row.letter_id,
    at: row.at.toISOString(),
    gatewayId: row.gateway_id,
    code: row.code,
    reason: row.reason,
    ...(lane === undefined ? {} : { lane }),
    bytes: row.bytes,
    state: row.state,
    attempts: row.attempts,
    ...(row.settled_at ? { settledAt: row.settled_at.toISOString() } : {}),
    ...(row.settled_by === null ? {} : { settledBy: row.settled_by }),
    ...(row.why === null ? {} : { why: row.why }),
  };
}

function cursorOf({ at, id }: LetterSummary): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url');
}

function readCursor(cursor: string): { at: string; id: string } {
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[];
    if (typeof at === 'string' && typeof id === 'string' && !Number.isNaN(Date.parse(at))) return { at, id };
  } catch {
    // Falls through: not JSON is one way of not being ours.
  }
  throw new CursorError('after is not a cursor that an earlier answer gave as next');
}
