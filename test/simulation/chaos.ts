/** What each kind of episode does to the world while it lasts, and that all of it ends. */
import type { Gateway } from './gateway.ts';
import type { Hub } from './hub.ts';
import type { Wire } from './mqtt-session.ts';
import type { Episode, EpisodeKind } from './plan.ts';
import { type BrokerFaults, CALM, type SimBroker } from './sim-broker.ts';
import { CALM_DISK, type DiskState } from './sim-disk.ts';
import { CALM_LOG, type LogFaults, type SimLog } from './sim-log.ts';
import type { SimSeries } from './sim-series.ts';
import type { World } from './world.ts';

export interface Stage {
  world: World;
  gateways: readonly Gateway[];
  hubs: readonly Hub[];
  broker: SimBroker;
  log: SimLog;
  series: SimSeries;
}

/** One episode: whom it concerns, and a way to undo it when its time is over. */
interface Scene extends Stage, Omit<Episode, 'kind' | 'target'> {
  gateway: Gateway;
  hub: Hub;
  target: number;
  until(end: () => void): void;
}

const TEN_YEARS_MS = 10 * 365.25 * 86_400_000;
/** Where a clock stands that was never set: some fifty years back. */
const NEVER_SET_MS = -1.7e12;

export class Chaos {
  readonly #stage: Stage;
  #calm = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  happen({ kind, target, ...episode }: Episode): void {
    const { world, gateways, hubs } = this.#stage;
    const gateway = gateways[target % gateways.length];
    const hub = hubs[target % hubs.length];
    if (!gateway || !hub) return;
    world.note(`episode ${kind} for ${Math.round(episode.forMs)} ms`);
    const until = (end: () => void) => {
      world.after(episode.forMs, undefined, () => {
        if (!this.#calm) end();
      });
    };
    ACTS[kind]({ ...this.#stage, ...episode, gateway, hub, target, until });
  }

  /** Every fault that has an end ends now. What was killed comes up again in its own time. */
  cease(): void {
    const { world, gateways, hubs, broker, log, series } = this.#stage;
    this.#calm = true;
    world.note('faults cease');
    broker.faults = CALM;
    log.faults = CALM_LOG;
    Object.assign(series, { away: false, failure: 0 });
    for (const { wire } of [...gateways, ...hubs]) wire.cut = false;
    for (const { disk } of gateways) disk.state = CALM_DISK;
  }
}

const ACTS: Record<EpisodeKind, (scene: Scene) => void> = {
  'gateway-kill': ({ gateway, forMs }) => gateway.kill(forMs),
  'gateway-power': ({ gateway, forMs }) => gateway.powerCut(forMs),
  'gateway-stop': ({ gateway, forMs }) => gateway.stop(forMs),
  'gateway-wire': (scene) => cutWire(scene, scene.gateway.wire, scene.gateway.id),
  'hub-wire': (scene) => cutWire(scene, scene.hub.wire, scene.hub.name),
  'broker-restart': ({ broker, forMs }) => broker.restart(forMs / 2),
  'broker-lies': (scene) => troubleBroker(scene, { loss: scene.strength * 0.5, silence: scene.strength * 0.3 }),
  'network-storm': (scene) => {
    const { strength } = scene;
    troubleBroker(scene, { doubling: strength * 0.5, straying: strength * 0.4, maxLatencyMs: 15 + strength * 400 });
  },
  'log-away': (scene) => troubleLog(scene, { away: true }),
  'log-flaky': (scene) => {
    const { strength } = scene;
    troubleLog(scene, { failure: strength * 0.5, ambiguity: strength * 0.3, maxLatencyMs: 12 + strength * 200 });
  },
  'hub-kill': ({ hub, forMs }) => hub.kill(forMs),
  'hub-pause': ({ hub, forMs }) => hub.pause(forMs),
  rebalance: ({ log }) => {
    for (const group of log.groups()) log.rebalance(group);
  },
  'series-away': ({ series, until }) => {
    series.away = true;
    until(() => {
      series.away = false;
    });
  },
  'series-flaky': ({ series, strength, until }) => {
    series.failure = strength * 0.6;
    until(() => {
      series.failure = 0;
    });
  },
  'disk-full': (scene) => troubleDisk(scene, { fault: 'ENOSPC', faultShare: 1 }),
  'disk-read-only': (scene) => troubleDisk(scene, { fault: 'EROFS', faultShare: 1 }),
  'disk-io': (scene) => troubleDisk(scene, { fault: 'EIO', faultShare: scene.strength * 0.6 }),
  'disk-slow': (scene) => troubleDisk(scene, { slowestSyncMs: 20 + scene.strength * 800 }),
  'clock-step': ({ gateway, strength, target }) => {
    const size = target % 2 === 0 ? TEN_YEARS_MS : strength * 60_000;
    gateway.wall.offsetMs += strength < 0.5 ? -size : size;
  },
  'clock-unsynced': ({ gateway, until }) => {
    Object.assign(gateway.wall, { state: 'unsynced', offsetMs: NEVER_SET_MS });
    until(() => Object.assign(gateway.wall, { state: 'gps', offsetMs: 0 }));
  },
  'damage-off': ({ gateway, forMs }) => {
    gateway.kill(forMs);
    gateway.damage();
  },
  'damage-live': ({ gateway }) => gateway.damage(),
};

function cutWire({ broker, strength, until }: Scene, wire: Wire, client: string): void {
  wire.cut = true;
  broker.dropClient(client, strength * 2_000);
  until(() => {
    wire.cut = false;
  });
}

function troubleBroker({ broker, until }: Scene, faults: Partial<BrokerFaults>): void {
  broker.faults = { ...broker.faults, ...faults };
  until(() => {
    broker.faults = { ...broker.faults, ...calmed(faults, CALM) };
  });
}

function troubleLog({ log, until }: Scene, faults: Partial<LogFaults>): void {
  log.faults = { ...log.faults, ...faults };
  until(() => {
    log.faults = { ...log.faults, ...calmed(faults, CALM_LOG) };
  });
}

function troubleDisk({ gateway: { disk }, until }: Scene, state: Partial<DiskState>): void {
  disk.state = { ...disk.state, ...state };
  until(() => {
    disk.state = { ...disk.state, ...calmed(state, CALM_DISK) };
  });
}

/** What was troubled, as it is when nothing is wrong. */
function calmed<T extends object>(troubled: Partial<T>, calm: T): Partial<T> {
  return Object.fromEntries(Object.entries(calm).filter(([name]) => name in troubled)) as Partial<T>;
}
