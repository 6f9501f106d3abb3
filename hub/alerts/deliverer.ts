/**
 * Sends what waits in `deliveries`, and says of each what became of it.
 *
 * Invariants
 * - Of one subscription and subject, deliveries go out in their order: the next one is not begun before the one before is done or expired.
 * - A delivery is in the hands of one process: it is claimed until CLAIM_MS after the longest attempt, and whoever ends it later finds that
 *   it is no longer theirs. A process that dies between sending and noting it leaves a delivery that is sent again, under the same id: at
 *   least once.
 * - What fails is tried again with exponential backoff and jitter until it expires, and is shown with its last fault. 410 switches the
 *   subscription off.
 * - Bounds: MAX_IN_HANDS attempts at once, of one subscription MAX_PER_SUBSCRIPTION, so that a dead receiver holds up nobody else. What is
 *   settled is kept for KEPT_MS.
 */
import { backoff } from '../../protocols/base/backoff.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Runner } from '../log/event-log.ts';
import type { DeliveryBody } from './announce.ts';
import type { Channel } from './channel.ts';
import { HeldIncidents, type HeldOptions } from './held.ts';
import type { Outcome } from './webhook.ts';

export interface DelivererOptions extends HeldOptions {
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1). */
  random: () => number;
  /** One attempt; never rejects. */
  send(channel: Channel, body: DeliveryBody, signal: AbortSignal): Promise<Outcome>;
  /** The longest that an attempt takes. */
  timeoutMs: number;
}

const POLL_MS = 500;
const CLAIM_MS = 60_000;
const MAX_IN_HANDS = 16;
const MAX_PER_SUBSCRIPTION = 2;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 1_800_000;
const KEPT_MS = 30 * 86_400_000;
const TIDY_EVERY_MS = 60_000;

interface Claimed {
  place: string;
  deliveryId: string;
  subscriptionId: string;
  attempts: number;
  body: DeliveryBody;
  channel: Channel;
}

export function runDeliverer(options: DelivererOptions): Runner {
  const { clock, log } = options;
  const deliverer = new Deliverer(options);
  const stopping = new AbortController();
  let fault: Error | undefined;
  const run = async () => {
    while (!stopping.signal.aborted) {
      try {
        await deliverer.tick(stopping.signal);
        fault = undefined;
      } catch (error) {
        if (!fault) log.warn({ err: error }, 'deliveries wait; trying again');
        fault = error as Error;
      }
      await sleep(clock, POLL_MS, stopping.signal);
    }
    await deliverer.settled();
  };
  const done = run();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
    lag: () => deliverer.waiting,
    fault: () => fault,
  };
}

export class Deliverer {
  /** Deliveries that wait, at the last look. */
  waiting: number | undefined;
  readonly #options: DelivererOptions;
  readonly #held: HeldIncidents;
  readonly #inHands = new Set<Promise<void>>();
  #tidiedMs = Number.NEGATIVE_INFINITY;

  constructor(options: DelivererOptions) {
    const { store, changes, retryForMs, newId } = options;
    this.#options = options;
    this.#held = new HeldIncidents({ store, changes, retryForMs, ...(newId && { newId }) });
  }

  /** Looks at silences, lets expire what has, and begins what is due. */
  async tick(signal: AbortSignal): Promise<void> {
    const { wallMs: nowMs } = this.#options.clock.wall();
    await this.#held.review(nowMs);
    await this.#expire(nowMs);
    if (nowMs - this.#tidiedMs >= TIDY_EVERY_MS || nowMs < this.#tidiedMs) await this.#tidy(nowMs);
    for (const claimed of await this.#claim(nowMs, MAX_IN_HANDS - this.#inHands.size)) {
      const attempt = this.#attempt(claimed, signal).finally(() => this.#inHands.delete(attempt));
      this.#inHands.add(attempt);
    }
    const [row] = await this.#options.store.query<{ count: number }>(
      `select count(*)::int as count from deliveries where state = 'waiting'`,
    );
    this.waiting = row?.count ?? 0;
  }

  /** Nothing is in hands any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#inHands);
  }

  async #attempt(claimed: Claimed, signal: AbortSignal): Promise<void> {
    const { send, log } = this.#options;
    const { deliveryId, subscriptionId } = claimed;
    try {
      const outcome = await send(claimed.channel, claimed.body, signal);
      await this.#note(claimed, outcome);
      if (!outcome.done) {
        const { code, message } = outcome;
        log.warn(
          { code, delivery: deliveryId, subscription: subscriptionId, attempt: claimed.attempts, message },
          'delivery failed',
        );
      }
    } catch (error) {
      // Claimed it stays, until that lapses: then it is sent again under the same id.
      log.warn({ err: error, delivery: deliveryId }, 'what became of a delivery could not be noted');
    }
  }

  /** The oldest of each subscription and subject, where it is due. */
  async #claim(nowMs: number, most: number): Promise<Claimed[]> {
    if (most <= 0) return [];
    const rows = await this.#options.store.query<{
      place: string;
      delivery_id: string;
      subscription_id: string;
      attempts: number;
      body: DeliveryBody;
      channel: Channel;
    }>(
      `with busy as (
         select subscription_id, count(*) as hands from deliveries
         where state = 'waiting' and claimed_until > $1::timestamptz group by subscription_id),
       due as (
         select d.place, row_number() over (partition by d.subscription_id order by d.next_at, d.place)
             + coalesce(b.hands, 0) as nth
         from deliveries d join subscriptions s on s.subscription_id = d.subscription_id and s.enabled
         left join busy b on b.subscription_id = d.subscription_id
         where d.state = 'waiting' and d.next_at <= $1::timestamptz
           and (d.claimed_until is null or d.claimed_until <= $1::timestamptz)
           and not exists (select 1 from deliveries e where e.state = 'waiting'
             and e.subscription_id = d.subscription_id and e.subject = d.subject and e.place < d.place)),
       mine as (
         select place from deliveries
         where place in (select place from due where nth <= ${MAX_PER_SUBSCRIPTION}) and state = 'waiting'
           and (claimed_until is null or claimed_until <= $1::timestamptz)
         order by place limit $3 for update skip locked)
       update deliveries d set claimed_until = $2::timestamptz, attempts = attempts + 1
       from mine m, subscriptions s where d.place = m.place and s.subscription_id = d.subscription_id
       returning d.place::text as place, d.delivery_id, d.subscription_id, d.attempts, d.body, s.channel`,
      [iso(nowMs), iso(nowMs + this.#options.timeoutMs + CLAIM_MS), most],
    );
    return rows.map(({ delivery_id, subscription_id, ...rest }) => ({
      deliveryId: delivery_id,
      subscriptionId: subscription_id,
      ...rest,
    }));
  }

  async #note(claimed: Claimed, outcome: Outcome): Promise<void> {
    const { store, clock } = this.#options;
    const { place, attempts } = claimed;
    const { wallMs: nowMs } = clock.wall();
    if (outcome.done) {
      await store.query(
        `update deliveries set state = 'done', done_at = $3::timestamptz, claimed_until = null, fault = null
         where place = $1::bigint and attempts = $2 and state = 'waiting'`,
        [place, attempts, iso(nowMs)],
      );
      return;
    }
    const fault = `${outcome.code}: ${outcome.message}`.slice(0, 500);
    await store.query(
      `update deliveries set next_at = $3::timestamptz, claimed_until = null, fault = $4
       where place = $1::bigint and attempts = $2 and state = 'waiting'`,
      [place, attempts, iso(nowMs + this.#pauseMs(attempts, outcome.retryAfterMs)), fault],
    );
    if (outcome.code === 'webhook-gone') await this.#switchOff(claimed.subscriptionId, fault, nowMs);
  }

  #pauseMs(attempts: number, retryAfterMs = 0): number {
    const ceilingMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
    const { random } = this.#options;
    const pauses = backoff({ firstMs: ceilingMs, maxMs: ceilingMs, floorMs: ceilingMs / 2, random });
    return Math.max(pauses.next().value, retryAfterMs);
  }

  async #switchOff(subscriptionId: string, why: string, nowMs: number): Promise<void> {
    const { store, log } = this.#options;
    await store.transaction(async (sql) => {
      await sql.query('update subscriptions set enabled = false, disabled_why = $2 where subscription_id = $1', [
        subscriptionId,
        why,
      ]);
      await sql.query(
        `update deliveries set state = 'expired', done_at = $2::timestamptz, claimed_until = null, fault = $3
         where subscription_id = $1 and state = 'waiting'`,
        [subscriptionId, iso(nowMs), why],
      );
    });
    log.warn({ code: 'webhook-gone', subscription: subscriptionId }, 'subscription switched off');
  }

  async #expire(nowMs: number): Promise<void> {
    const { store, log } = this.#options;
    const rows = await store.query<{ delivery_id: string; subscription_id: string; fault: string | null }>(
      `update deliveries set state = 'expired', done_at = $1::timestamptz, claimed_until = null
       where state = 'waiting' and expires_at <= $1::timestamptz
         and (claimed_until is null or claimed_until <= $1::timestamptz)
       returning delivery_id, subscription_id, fault`,
      [iso(nowMs)],
    );
    for (const { delivery_id: delivery, subscription_id: subscription, fault } of rows)
      log.error({ delivery, subscription, fault }, 'delivery given up');
  }

  async #tidy(nowMs: number): Promise<void> {
    await this.#options.store.query(`delete from deliveries where state <> 'waiting' and done_at < $1::timestamptz`, [
      iso(nowMs - KEPT_MS),
    ]);
    this.#tidiedMs = nowMs;
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
