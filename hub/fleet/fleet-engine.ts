/**
 * What the hub does for the fleet by itself: takes rollouts further, puts together anew what gateways shall have, and writes what is to go out.
 *
 * Several processes may run it: each step is a transaction under the fleet's lock, and all that it knows stands in the store.
 */
import { backoff } from '../../protocols/base/backoff.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { EventLog, Runner } from '../log/event-log.ts';
import type { Store } from '../store/store.ts';
import type { Announcer, Changes } from '../tracking/changes.ts';
import { CONFIG_GROUP, drainConfigs } from './config-log.ts';
import { dirtyGateways, recompute } from './desired.ts';
import { FleetStore } from './fleet-store.ts';
import { rolloutsAtWork, stepRollout } from './rollout-desk.ts';

export interface FleetEngineOptions {
  store: Store;
  eventLog: Pick<EventLog, 'append'>;
  clock: Clock;
  log: Log;
  /** Told of what it changes. */
  changes: Announcer;
  /** What other parts of this process change: a reason to look at once. */
  heard?: Pick<Changes, 'subscribe'>;
}

const POLL_MS = 500;
/** However much is heard: gateways that answer one by one are looked at together. */
const LEAST_PAUSE_MS = 100;
const GROUP = 2_000;
const DRAINED_GROUPS = 10;

/** Until the runner is stopped. */
export function runFleet(options: FleetEngineOptions): Runner {
  const { clock, log, heard } = options;
  const stopping = new AbortController();
  let fault: Error | undefined;
  let wake = () => {};
  const unsubscribe = heard?.subscribe((changes) => {
    if (!fault && changes.some(({ kind }) => kind === 'gateway' || kind === 'rollout')) wake();
  });
  const run = async () => {
    const delays = () => backoff({ firstMs: 200, maxMs: 10_000, floorMs: 100, random: () => 0.5 });
    let pauses = delays();
    while (!stopping.signal.aborted) {
      const pausing = new AbortController();
      wake = () => pausing.abort();
      let pauseMs = POLL_MS;
      try {
        const didWork = await tickFleet(options);
        fault = undefined;
        pauses = delays();
        if (didWork) continue;
      } catch (error) {
        if (!fault) log.warn({ err: error }, 'the fleet is not kept up to date; trying again');
        fault = error as Error;
        pauseMs = pauses.next().value ?? POLL_MS;
      }
      await sleep(clock, LEAST_PAUSE_MS, stopping.signal);
      await sleep(clock, pauseMs, pausing.signal);
    }
  };
  const done = run();
  return {
    async stop() {
      unsubscribe?.();
      stopping.abort();
      wake();
      await done;
    },
    lag: () => undefined,
    fault: () => fault,
  };
}

/** Each part once. True when something was done, so that there may be more to do. */
export async function tickFleet(options: Omit<FleetEngineOptions, 'log' | 'heard'>): Promise<boolean> {
  const { store, clock } = options;
  const fleet = new FleetStore(options);
  let didWork = false;
  for (const rolloutId of await rolloutsAtWork(store, clock.wall().wallMs)) {
    const stepped = await fleet.tryChange((at) => stepRollout(at, rolloutId));
    didWork = stepped === true || didWork;
  }
  if ((await dirtyGateways(store, 1)).length > 0) {
    const changed = await fleet.tryChange(async ({ sql, nowMs, tell }) => {
      const ids = await recompute(sql, await dirtyGateways(sql, GROUP), nowMs);
      for (const gatewayId of ids) tell({ kind: 'gateway', gatewayId });
      return true;
    });
    didWork = changed === true || didWork;
  }
  // As much as a step of a rollout brings, before the next one is looked at.
  for (let groups = 0; groups < DRAINED_GROUPS; groups++) {
    const count = await drainConfigs(options, clock.wall().wallMs);
    didWork = count > 0 || didWork;
    if (count < CONFIG_GROUP) break;
  }
  return didWork;
}
