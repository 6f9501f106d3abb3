/**
 * `dead-letters` → the table dead_letters, so that a person can find and settle them. A letter that was tried again and failed comes under the
 * id of the first (header `replay-of`): that one is open again then. What is older than the topic keeps goes.
 */
import { TOPICS } from '../log/event-log.ts';
import type { Sql } from '../store/store.ts';
import type { Change } from '../tracking/changes.ts';
import type { Projection } from '../tracking/projector.ts';
import type { Headers } from './letter.ts';

interface Letter {
  letterId: string;
  atMs: number;
  gatewayId: string;
  headers: Headers;
  value: Buffer;
}

const KEPT = "interval '30 days'";

export const deadLetterProjection: Projection<Letter> = {
  name: 'milepost-dead-letters',
  topic: TOPICS.deadLetters,
  parse: (value, { partition, offset, timestampMs, key, headers = {} }) => ({
    value: {
      letterId: `${partition}-${offset}`,
      atMs: timestampMs,
      gatewayId: key,
      headers,
      value: value ?? Buffer.alloc(0),
    },
  }),
  apply,
};

async function apply(sql: Sql, letters: readonly Letter[]): Promise<Change[]> {
  for (const letter of letters) {
    const { code = '', reason = '' } = letter.headers;
    const [original, attempt] = letter.headers['replay-of']?.split('/') ?? [];
    if (original !== undefined) {
      const reopened = await sql.query(
        `update dead_letters set state = 'open', attempts = greatest(attempts, $2), code = $3, reason = $4,
           settled_at = null, settled_by = null, why = null
         where letter_id = $1 returning letter_id`,
        [original, Number(attempt), code, reason],
      );
      if (reopened.length > 0) continue;
    }
    await sql.query(
      `insert into dead_letters (letter_id, at, gateway_id, code, reason, headers, value)
       values ($1, $2::timestamptz, $3, $4, $5, $6::json, $7) on conflict do nothing`,
      [
        letter.letterId,
        new Date(letter.atMs).toISOString(),
        letter.gatewayId,
        code,
        reason,
        JSON.stringify(letter.headers),
        letter.value,
      ],
    );
  }
  await sql.query(
    `delete from dead_letters where letter_id in
       (select letter_id from dead_letters where at < now() - ${KEPT} order by at limit 1000)`,
  );
  return [];
}
