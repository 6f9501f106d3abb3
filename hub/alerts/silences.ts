/**
 * Maintenance silences: of incidents whose standing alerts all fit, subscribers are told nothing from `from` to `to`. The incidents are kept
 * and shown as silenced. A silence is never deleted: ending it before its time shows who did.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../protocols/base/clock.ts';
import type { Sql } from '../store/store.ts';
import { AlertingError } from './errors.ts';
import { isEmpty, type Matcher } from './matcher.ts';

export interface Silence {
  silenceId: string;
  matcher: Matcher;
  from: string;
  to: string;
  reason: string;
  author: string;
  madeAt: string;
  state: 'pending' | 'active' | 'over';
  endedBy?: string;
}

export interface NewSilence {
  matcher: Matcher;
  /** ISO 8601; default now. */
  from?: string | undefined;
  to: string;
  reason: string;
  author: string;
}

/** Longer ones are forgotten before they end. */
const MAX_MS = 90 * 86_400_000;

interface Row extends Record<string, unknown> {
  silence_id: string;
  matcher: Matcher;
  from_at: Date;
  to_at: Date;
  reason: string;
  author: string;
  made_at: Date;
  ended_by: string | null;
}

export class Silences {
  readonly #sql: Sql;
  readonly #clock: Pick<Clock, 'wall'>;

  constructor({ sql, clock }: { sql: Sql; clock: Pick<Clock, 'wall'> }) {
    this.#sql = sql;
    this.#clock = clock;
  }

  /** Those that are not over, the next to end first; or all, the latest first. */
  async list({ state, limit }: { state: 'active' | 'all'; limit: number }): Promise<Silence[]> {
    const nowMs = this.#clock.wall().wallMs;
    const rows =
      state === 'all'
        ? await this.#sql.query<Row>(`select * from silences order by to_at desc, silence_id limit $1`, [limit])
        : await this.#sql.query<Row>(
            `select * from silences where to_at > $1::timestamptz order by to_at, silence_id limit $2`,
            [new Date(nowMs).toISOString(), limit],
          );
    return rows.map((row) => silenceOf(row, nowMs));
  }

  async make({ matcher, from, to, reason, author }: NewSilence): Promise<Silence> {
    const nowMs = this.#clock.wall().wallMs;
    const fromMs = from === undefined ? nowMs : Date.parse(from);
    const toMs = Date.parse(to);
    if (isEmpty(matcher)) {
      const message =
        'the matcher names nothing, so everything would be silent: name a gateway, vehicle, facility, rule or label';
      throw new AlertingError('silence-invalid', message);
    }
    if (toMs <= fromMs || toMs <= nowMs)
      throw new AlertingError('silence-invalid', "'to' must come after 'from', and after now");
    if (toMs - fromMs > MAX_MS)
      throw new AlertingError('silence-invalid', 'a silence lasts 90 days at most; make another one then');
    const [row] = await this.#sql.query<Row>(
      `insert into silences (silence_id, matcher, from_at, to_at, reason, author, made_at)
       values ($1, $2::json, $3::timestamptz, $4::timestamptz, $5, $6, $7::timestamptz) returning *`,
      [
        randomUUID(),
        JSON.stringify(matcher),
        new Date(fromMs).toISOString(),
        new Date(toMs).toISOString(),
        reason,
        author,
        new Date(nowMs).toISOString(),
      ],
    );
    return silenceOf(row as Row, nowMs);
  }

  /** Ends it now. */
  async end(silenceId: string, who: string): Promise<Silence> {
    const nowMs = this.#clock.wall().wallMs;
    const now = new Date(nowMs).toISOString();
    const [row] = await this.#sql.query<Row>(
      `update silences set to_at = $2::timestamptz, from_at = least(from_at, $2::timestamptz), ended_by = $3
       where silence_id = $1 and to_at > $2::timestamptz returning *`,
      [silenceId, now, who],
    );
    if (row) return silenceOf(row, nowMs);
    const known = await this.#sql.query('select 1 from silences where silence_id = $1', [silenceId]);
    throw known.length > 0
      ? new AlertingError('silence-over', 'that silence is over already')
      : new AlertingError('silence-unknown', 'there is no such silence; GET /v1/silences?state=all lists them');
  }
}

function silenceOf(row: Row, nowMs: number): Silence {
  const { silence_id: silenceId, matcher, from_at, to_at, reason, author, made_at, ended_by } = row;
  return {
    silenceId,
    matcher,
    from: from_at.toISOString(),
    to: to_at.toISOString(),
    reason,
    author,
    madeAt: made_at.toISOString(),
    state: to_at.getTime() <= nowMs ? 'over' : from_at.getTime() > nowMs ? 'pending' : 'active',
    ...(ended_by !== null && { endedBy: ended_by }),
  };
}
