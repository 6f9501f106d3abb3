/**
 * Listens to a channel of a PostgreSQL server on a connection of its own, and keeps doing so: a connection that ends is replaced, and since
 * what was said meanwhile is lost, `onGap` tells so each time after the first.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Log } from '../../protocols/base/log.ts';

export interface ListenOptions {
  url: string;
  /** A plain SQL name. */
  channel: string;
  onPayload: (payload: string) => void;
  onGap: () => void;
  log: Log;
}

export interface Listener {
  /** Resolves when it listens for the first time. */
  readonly listening: Promise<void>;
  healthy(): { ok: boolean; detail: string };
  close(): Promise<void>;
}

const RETRY_MS = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that vanished without a word is noticed after two of these. */
const PROBE_MS = 10_000;

export function listenPostgres(options: ListenOptions): Listener {
  const { log, channel } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let fault = 'not yet connected';
  let listened: () => void = () => {};
  const listening = new Promise<void>((resolve) => {
    listened = resolve;
  });

  async function run(): Promise<void> {
    const { default: pg } = await import('pg');
    for (let connections = 0; !signal.aborted; ) {
      const client = new pg.Client({
        connectionString: options.url,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        query_timeout: PROBE_MS,
        application_name: 'milepost-listener',
      });
      const ended = new Promise<void>((resolve) => {
        client.on('error', (error) => {
          fault = error.message;
          resolve();
        });
        client.on('end', () => resolve());
      });
      client.on('notification', ({ payload }) => options.onPayload(payload ?? ''));
      try {
        await client.connect();
        await client.query(`listen ${channel}`);
        fault = '';
        listened();
        if (connections++ > 0) options.onGap();
        await Promise.race([ended, probe(client)]);
      } catch (error) {
        fault = (error as Error).message;
        log.debug({ err: error, channel }, 'cannot listen to PostgreSQL; trying again');
      }
      if (fault === '') fault = 'the connection was closed';
      void client.end().catch(() => {});
      await delay(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Rejects when the server does not answer any more; resolves when listening ends. */
  async function probe(client: Client): Promise<void> {
    while (!signal.aborted) {
      await delay(PROBE_MS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await client.query('select 1');
    }
  }

  const running = run();
  return {
    listening,
    healthy: () => ({ ok: fault === '', detail: fault || `listens to ${channel}` }),
    async close() {
      stopping.abort();
      await running;
    },
  };
}
