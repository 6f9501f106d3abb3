/**
 * `milepost hub setup`: topics, database schema, retention and down-sampling, as the configuration says, whatever was there before; twice is as
 * good as once. `hub run` creates what it needs by itself, and changes nothing that exists.
 *
 * Each part is tried: what fails is told with the others, and nothing is left out for it.
 */

import { topicsOf } from './config.ts';
import { openEventLog, openStore, openTimeSeries, type PortOptions } from './ports.ts';
import type { SetupStep } from './timeseries/time-series.ts';

export type HubSetupStep = (SetupStep | { what: string; did: 'failed'; detail: string }) & {
  part: 'store' | 'event log' | 'time series';
};

/** Rejects only when a port cannot be opened at all (a module is missing, the data folder is in use). */
export async function setupHub(options: PortOptions): Promise<HubSetupStep[]> {
  const { config } = options;
  const steps: HubSetupStep[] = [];
  const part = async (name: HubSetupStep['part'], what: string, work: () => Promise<SetupStep[]>) => {
    try {
      for (const step of await work()) steps.push({ part: name, ...step });
    } catch (error) {
      steps.push({ part: name, what, did: 'failed', detail: error instanceof Error ? error.message : String(error) });
    }
  };
  // Without a server of its own each part lives in the store.
  const store = config.postgres || !config.kafka || !config.influx ? await openStore(options) : undefined;
  const eventLog = await openEventLog(options, store);
  const timeSeries = await openTimeSeries(options, store);
  try {
    if (store) {
      await part('store', 'schema', async () => [changed('schema', await store.migrate(), 'migrations applied now')]);
    }
    await part('event log', 'topics', async () => {
      const topics = topicsOf(config);
      return [changed(`topics ${topics.map(({ name }) => name).join(', ')}`, await eventLog.setup(), 'created now')];
    });
    const { raw, hourly } = config.retention.telemetry;
    await part('time series', 'retention', () => timeSeries.arrange({ rawMs: raw, hourlyMs: hourly }));
  } finally {
    await timeSeries.close();
    await eventLog.close();
    await store?.close();
  }
  return steps;
}

function changed(what: string, names: readonly string[], how: string): SetupStep {
  return names.length === 0
    ? { what, did: 'nothing' }
    : { what, did: 'created', detail: `${how}: ${names.join(', ')}` };
}
