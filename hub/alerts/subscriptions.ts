/** Who wants to be told what, and where. Each has a name of its own; whoever writes it again changes it. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { Sql } from '../store/store.ts';
import type { AddressGuard } from './address-guard.ts';
import { type Channel, type ShownChannel, shownChannel } from './channel.ts';
import { AlertingError } from './errors.ts';
import type { Matcher } from './matcher.ts';
import { PHASES, type Phase } from './told.ts';

export interface Subscription {
  subscriptionId: string;
  owner: string;
  channel: ShownChannel;
  minSeverity: AlertSeverity;
  matcher: Matcher;
  phases: Phase[];
  enabled: boolean;
  /** Why the hub switched it off. */
  disabledWhy?: string;
  updatedAt: string;
}

export interface NewSubscription {
  /** A web hook's secret may be left out of what exists already. */
  channel: { kind: 'webhook'; url: string; secret?: string | undefined } | { kind: 'email'; address: string };
  minSeverity?: AlertSeverity | undefined;
  matcher?: Matcher | undefined;
  phases?: readonly Phase[] | undefined;
  enabled?: boolean | undefined;
}

interface Row extends Record<string, unknown> {
  subscription_id: string;
  owner: string;
  channel: Channel;
  min_severity: AlertSeverity;
  matcher: Matcher;
  phases: Phase[];
  enabled: boolean;
  disabled_why: string | null;
  updated_at: Date;
}

/** More than so many are another system's matter. */
const MAX_SUBSCRIPTIONS = 1_000;

export interface SubscriptionOptions {
  sql: Sql;
  clock: Pick<Clock, 'wall'>;
  guard: AddressGuard;
  /** Mail can be sent. */
  hasMail: boolean;
}

export class Subscriptions {
  readonly #options: SubscriptionOptions;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** In the order of their ids. */
  async list(owner?: string): Promise<Subscription[]> {
    const rows = await this.#options.sql.query<Row>(
      'select * from subscriptions where $1::text is null or owner = $1 order by subscription_id',
      [owner ?? null],
    );
    return rows.map(subscriptionOf);
  }

  async show(subscriptionId: string): Promise<Subscription> {
    return subscriptionOf(await this.#row(subscriptionId));
  }

  async put(subscriptionId: string, owner: string, wanted: NewSubscription): Promise<Subscription> {
    const { sql, clock } = this.#options;
    const [before] = await this.#rows(subscriptionId);
    if (!before) await this.#refuseTooMany();
    const { minSeverity = 'warning', matcher = {}, phases = PHASES, enabled = true } = wanted;
    const [row] = await sql.query<Row>(
      `insert into subscriptions (subscription_id, owner, channel, min_severity, matcher, phases, enabled, updated_at)
       values ($1, $2, $3::json, $4, $5::json, $6::text[], $7, $8::timestamptz)
       on conflict (subscription_id) do update set owner = excluded.owner, channel = excluded.channel,
         min_severity = excluded.min_severity, matcher = excluded.matcher, phases = excluded.phases,
         enabled = excluded.enabled, disabled_why = null, updated_at = excluded.updated_at
       returning *`,
      [
        subscriptionId,
        owner,
        JSON.stringify(this.#checked(wanted.channel, before?.channel)),
        minSeverity,
        JSON.stringify(matcher),
        [...phases],
        enabled,
        new Date(clock.wall().wallMs).toISOString(),
      ],
    );
    return subscriptionOf(row as Row);
  }

  /** Its deliveries that wait are dropped with it. */
  async remove(subscriptionId: string): Promise<void> {
    await this.#row(subscriptionId);
    const { sql } = this.#options;
    await sql.query('delete from subscriptions where subscription_id = $1', [subscriptionId]);
    await sql.query('delete from deliveries where subscription_id = $1', [subscriptionId]);
  }

  #checked(channel: NewSubscription['channel'], before: Channel | undefined): Channel {
    const { guard, hasMail } = this.#options;
    if (channel.kind === 'email') {
      if (!hasMail) {
        const message =
          'this hub sends no mail: give it a mail server (alerts.smtp in its configuration), or use a webhook';
        throw new AlertingError('email-not-configured', message);
      }
      return channel;
    }
    const url = URL.canParse(channel.url) ? new URL(channel.url) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
      const message =
        "channel.url must be an http or https URL without credentials, such as 'https://hooks.example/milepost'";
      throw new AlertingError('subscription-invalid', message);
    }
    guard.check(url);
    const secret = channel.secret ?? (before?.kind === 'webhook' ? before.secret : undefined);
    if (secret === undefined) {
      const message = 'channel.secret is missing: 16 characters at least, with which each delivery is signed';
      throw new AlertingError('subscription-invalid', message);
    }
    return { kind: 'webhook', url: url.href, secret };
  }

  async #refuseTooMany(): Promise<void> {
    const [row] = await this.#options.sql.query<{ count: number }>('select count(*)::int as count from subscriptions');
    if ((row?.count ?? 0) < MAX_SUBSCRIPTIONS) return;
    throw new AlertingError('subscription-invalid', `there are ${MAX_SUBSCRIPTIONS} subscriptions: delete one first`);
  }

  #rows(subscriptionId: string): Promise<Row[]> {
    return this.#options.sql.query<Row>('select * from subscriptions where subscription_id = $1', [subscriptionId]);
  }

  async #row(subscriptionId: string): Promise<Row> {
    const [row] = await this.#rows(subscriptionId);
    if (row) return row;
    const message = `there is no subscription ${JSON.stringify(subscriptionId.slice(0, 80))}; GET /v1/subscriptions lists them`;
    throw new AlertingError('subscription-unknown', message);
  }
}

function subscriptionOf(row: Row): Subscription {
  const { subscription_id, min_severity, disabled_why, updated_at, owner, channel, matcher, phases, enabled } = row;
  return {
    subscriptionId: subscription_id,
    owner,
    channel: shownChannel(channel),
    minSeverity: min_severity,
    matcher,
    phases,
    enabled,
    ...(disabled_why !== null && { disabledWhy: disabled_why }),
    updatedAt: updated_at.toISOString(),
  };
}
