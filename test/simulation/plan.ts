/** What a seed stands for: how many boxes and hubs, how much room they have, what they report, and what happens to them when. Pure. */
import type { OutboxOptions } from '../../edge/outbox/outbox-options.ts';
import type { UplinkOptions } from '../../edge/uplink/uplink.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';

export const EPISODES = [
  'gateway-kill',
  'gateway-power',
  'gateway-stop',
  'gateway-wire',
  'hub-wire',
  'broker-restart',
  'broker-lies',
  'network-storm',
  'log-away',
  'log-flaky',
  'hub-kill',
  'hub-pause',
  'rebalance',
  'series-away',
  'series-flaky',
  'disk-full',
  'disk-read-only',
  'disk-io',
  'disk-slow',
  'clock-step',
  'clock-unsynced',
  'damage-off',
  'damage-live',
] as const;
export type EpisodeKind = (typeof EPISODES)[number];

export interface Episode {
  kind: EpisodeKind;
  atMs: number;
  forMs: number;
  /** Picks a gateway or a hub. */
  target: number;
  /** 0 to 1: how bad. */
  strength: number;
}

export interface Report {
  atMs: number;
  gateway: number;
  lane: Lane;
}

export interface Plan {
  gateways: number;
  hubs: number;
  partitions: number;
  /** When faults cease. */
  calmFromMs: number;
  outbox: Pick<OutboxOptions, 'maxBytes' | 'alertReserveBytes' | 'segmentBytes' | 'commitDelayMs'>;
  /** With one batch of a lane under way at a time, its order at the hub is certain. */
  uplink: Pick<UplinkOptions, 'window' | 'batchRecords' | 'batchBytes' | 'acknowledgeTimeoutMs' | 'deflate'>;
  reports: Report[];
  episodes: Episode[];
}

export interface PlanOptions {
  /** Kinds of episodes to draw from, where not all. */
  kinds?: readonly EpisodeKind[];
}

export function planOf(random: () => number, options: PlanOptions = {}): Plan {
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const gateways = between(1, 3);
  const calmFromMs = between(6_000, 15_000);
  // One box in three is short of space, so that it must evict.
  const maxBytes = random() < 0.35 ? between(6_000, 12_000) : between(40_000, 200_000);
  const segmentBytes = Math.floor(maxBytes / between(8, 16));
  return {
    gateways,
    hubs: between(1, 2),
    partitions: between(1, 3),
    calmFromMs,
    outbox: { maxBytes, alertReserveBytes: Math.floor(maxBytes / 8), segmentBytes, commitDelayMs: between(0, 20) },
    uplink: {
      window: { tracking: random() < 0.5 ? 1 : 8 },
      batchRecords: between(1, 12),
      batchBytes: between(300, 2_000),
      acknowledgeTimeoutMs: between(500, 2_500),
      deflate: random() < 0.2,
    },
    reports: Array.from({ length: gateways }, (_, gateway) => reportsOf(gateway, calmFromMs, random)).flat(),
    episodes: episodesOf(calmFromMs, random, options.kinds),
  };
}

/** Now and then, and in bursts. */
function reportsOf(gateway: number, untilMs: number, random: () => number): Report[] {
  const reports: Report[] = [];
  const weights = [0.1, 0.3 + random() * 0.4];
  const lane = (): Lane => {
    const draw = random();
    return LANES[weights.findIndex((weight) => draw < weight)] ?? 'telemetry';
  };
  const meanMs = 100 + random() * 500;
  for (let atMs = random() * meanMs; atMs < untilMs; atMs += -Math.log(1 - random()) * meanMs) {
    const count = random() < 0.1 ? 2 + Math.floor(random() * 15) : 1;
    for (let each = 0; each < count; each++) reports.push({ atMs: atMs + each * random() * 3, gateway, lane: lane() });
  }
  return reports;
}

function episodesOf(
  untilMs: number,
  random: () => number,
  kinds: readonly EpisodeKind[] = drawnKinds(random),
): Episode[] {
  return Array.from({ length: 2 + Math.floor(random() * 8) }, () => ({
    kind: kinds[Math.floor(random() * kinds.length)] as EpisodeKind,
    atMs: random() * untilMs * 0.9,
    forMs: 50 + random() ** 2 * 6_000,
    target: Math.floor(random() * 6),
    strength: random(),
  }));
}

/** A disk is damaged in one seed of four only, since fewer things can be asserted then; but there more than once. */
function drawnKinds(random: () => number): EpisodeKind[] {
  const isDamaged = random() < 0.25;
  const others = EPISODES.filter((kind) => !kind.startsWith('damage'));
  if (!isDamaged) return others;
  const damage = EPISODES.filter((kind) => kind.startsWith('damage'));
  return [...others, ...damage, ...damage, ...damage, ...damage];
}
