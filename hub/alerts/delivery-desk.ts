/** Deliveries as people see them: what was sent, what waits and why, what expired; and one to try a subscription with. */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../protocols/base/clock.ts';
import { Conditions } from '../fleet/sql-conditions.ts';
import type { Store } from '../store/store.ts';
import { type Page, pageOf, readCursor } from '../tracking/reader.ts';
import { type AnnouncePolicy, type DeliveryBody, enqueue } from './announce.ts';

export const DELIVERY_STATES = ['waiting', 'done', 'expired'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface Delivery {
  deliveryId: string;
  subscriptionId: string;
  subject: string;
  incidentId?: string;
  /** Of the incident. */
  title?: string;
  phase: DeliveryBody['phase'];
  state: DeliveryState;
  attempts: number;
  madeAt: string;
  /** Of one that waits: the next attempt, and when it expires. */
  nextAt?: string;
  expiresAt: string;
  /** Delivered or given up. */
  doneAt?: string;
  /** What went wrong the last time, or why it was given up. */
  fault?: string;
}

export interface DeliveryList {
  subscription?: string | undefined;
  incident?: string | undefined;
  state?: DeliveryState | 'all' | undefined;
  limit: number;
  after?: string | undefined;
}

interface Row extends Record<string, unknown> {
  delivery_id: string;
  subscription_id: string;
  subject: string;
  incident_id: string | null;
  title: string | null;
  phase: DeliveryBody['phase'];
  state: DeliveryState;
  attempts: number;
  made_at: Date;
  next_at: Date;
  expires_at: Date;
  done_at: Date | null;
  fault: string | null;
}

const COLUMNS =
  "delivery_id, subscription_id, subject, incident_id, body->'incident'->>'title' as title, phase, state, attempts, made_at, next_at, expires_at, done_at, fault";

export class DeliveryDesk {
  readonly #options: AnnouncePolicy & { store: Store; clock: Pick<Clock, 'wall'> };

  constructor(options: AnnouncePolicy & { store: Store; clock: Pick<Clock, 'wall'> }) {
    this.#options = options;
  }

  /** The latest first. */
  async list({ subscription, incident, state = 'all', limit, after }: DeliveryList): Promise<Page<Delivery>> {
    const filter = new Conditions();
    if (subscription !== undefined) filter.and(`subscription_id = ${filter.place(subscription)}`);
    if (incident !== undefined) filter.and(`incident_id = ${filter.place(incident)}`);
    if (state !== 'all') filter.and(`state = ${filter.place(state)}`);
    if (after !== undefined) {
      const [, deliveryId = ''] = readCursor(after, 2);
      filter.and(`place < (select place from deliveries where delivery_id = ${filter.place(deliveryId)})`);
    }
    const rows = await this.#options.store.query<Row>(
      `select ${COLUMNS} from deliveries ${filter.where} order by place desc limit ${limit + 1}`,
      filter.values,
    );
    return pageOf(rows.map(deliveryOf), limit, ({ madeAt, deliveryId }) => [madeAt, deliveryId]);
  }

  /** Something to see that a subscription arrives; ordered by itself, so that it waits for nothing. */
  async test(subscriptionId: string): Promise<Delivery> {
    const { store, clock, retryForMs, newId = randomUUID } = this.#options;
    const nowMs = clock.wall().wallMs;
    const deliveryId = newId();
    const body: DeliveryBody = { deliveryId, subscriptionId, phase: 'test', at: new Date(nowMs).toISOString() };
    await enqueue(store, [{ subscriptionId, subject: `test/${deliveryId}`, body }], { nowMs, retryForMs });
    const [row] = await store.query<Row>(`select ${COLUMNS} from deliveries where delivery_id = $1`, [deliveryId]);
    return deliveryOf(row as Row);
  }
}

function deliveryOf(row: Row): Delivery {
  const { state, done_at, fault, incident_id, title } = row;
  return {
    deliveryId: row.delivery_id,
    subscriptionId: row.subscription_id,
    subject: row.subject,
    ...(incident_id !== null && { incidentId: incident_id }),
    ...(title !== null && { title }),
    phase: row.phase,
    state,
    attempts: row.attempts,
    madeAt: row.made_at.toISOString(),
    ...(state === 'waiting' && { nextAt: row.next_at.toISOString() }),
    expiresAt: row.expires_at.toISOString(),
    ...(done_at !== null && { doneAt: done_at.toISOString() }),
    ...(fault !== null && { fault }),
  };
}
