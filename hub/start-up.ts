/**
 * Starts what reads the event log, each consumer as soon as what it needs is there. A store or a log that is away is waited for: the hub comes up,
 * says so in /healthz, and goes on by itself.
 */

import type { HubOptions } from './hub-options.ts';
import type { Runner } from './log/event-log.ts';
import type { Ports } from './ports.ts';

/** A consumer of the event log: started when what it needs is there, and asked how far it is. */
export interface Consumer {
  name: string;
  start(): Promise<Runner>;
  runner?: Runner;
}

export interface StartUp {
  /** `log`: they work without the store. */
  begin(consumers: readonly Consumer[], needs: 'log' | 'store'): void;
  /** All that was begun is running, or the signal has ended the waiting. Never rejects. */
  done(): Promise<void>;
}

const RETRY_MS = 1_000;

/** Prepares tables, topics and the time series, whatever consumers come. */
export function startUp({ store, eventLog, timeSeries }: Omit<Ports, 'cache'>, options: HubOptions): StartUp {
  const patiently = (what: string, work: () => Promise<unknown>) => untilDone(what, work, options);
  const migrated = store ? patiently('store', () => store.migrate()) : Promise.resolve();
  // An embedded log stands in the store's tables.
  const logged = (options.config.kafka ? Promise.resolve() : migrated).then(() =>
    patiently('event log', () => eventLog.setup()),
  );
  const both = Promise.all([migrated, logged]);
  const all: Promise<unknown>[] = [both];
  if (timeSeries) all.push(patiently('time series', () => timeSeries.setup()));
  return {
    begin(consumers, needs) {
      const ready = needs === 'log' ? logged : both;
      for (const consumer of consumers) {
        const start = async () => {
          consumer.runner = await consumer.start();
        };
        all.push(ready.then(() => patiently(consumer.name, start)));
      }
    },
    async done() {
      await Promise.all(all);
    },
  };
}

export function consumersHealthy(consumers: readonly Consumer[]): { ok: boolean; detail: string } {
  const missing = consumers.filter(({ runner }) => runner === undefined).map(({ name }) => name);
  if (missing.length > 0) return { ok: false, detail: `not started yet: ${missing.join(', ')}` };
  const faults = consumers.flatMap(({ name, runner }) => {
    const fault = runner?.fault();
    return fault ? [`${name}: ${fault.message}`] : [];
  });
  return faults.length > 0
    ? { ok: false, detail: faults.join('; ') }
    : { ok: true, detail: `${consumers.length} consumers` };
}

async function untilDone(
  what: string,
  work: () => Promise<unknown>,
  { clock, log, signal }: HubOptions,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 1 || attempt % 30 === 0)
        log.warn({ err: error, what, attempt }, 'not available yet: trying again');
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }
}
