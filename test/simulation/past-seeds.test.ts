/**
 * Faults that the simulation found, each under the seed and the kinds of faults that showed it. They fail with the code that had the fault;
 * later code goes other ways under the same seed, which is why some have several.
 */
import { expect, it } from 'vitest';
import type { EpisodeKind } from './plan.ts';
import { simulate } from './simulate.ts';

interface Found {
  fault: string;
  seeds: readonly number[];
  kinds: readonly EpisodeKind[];
}

const FOUND: readonly Found[] = [
  {
    fault: 'a loss found while the disk was full was never stated, and the gap at the hub never closed',
    seeds: [21, 52, 67, 94],
    kinds: ['disk-full', 'gateway-kill', 'gateway-power'],
  },
  {
    fault: 'what a refused write left behind cost an accepted record after the next loss of power',
    seeds: [66],
    kinds: ['disk-full', 'gateway-kill', 'gateway-power'],
  },
  {
    fault: 'an orderly stop failed on a disk that was full or read-only, and left lanes open',
    seeds: [8, 9, 10, 21, 22],
    kinds: ['disk-full', 'disk-read-only', 'gateway-stop'],
  },
  {
    fault: 'an eviction reached the hub only when something else was appended to the alert lane',
    seeds: [122, 145],
    kinds: ['gateway-wire'],
  },
  {
    fault: 'a damaged header took its segment away unstated, and sequences were given out a second time',
    seeds: [1, 18, 20, 23, 24],
    kinds: ['damage-off', 'damage-live'],
  },
  {
    fault: 'a read error at the start was taken for the end of what had been accepted',
    seeds: [124],
    kinds: ['disk-io', 'gateway-kill'],
  },
  {
    fault: 'a processor that took over reported gaps a second time, and never the end of those reported before',
    seeds: [29, 33, 37, 45],
    kinds: ['hub-kill', 'rebalance', 'broker-lies'],
  },
  {
    fault: "the hub took a gateway's status of before, given again by the broker, for a violation",
    seeds: [85],
    kinds: ['gateway-power', 'hub-wire', 'network-storm'],
  },
];

it.each(FOUND)('$fault', async ({ seeds, kinds }) => {
  for (const seed of seeds) expect((await simulate(seed, { kinds })).failure, `seed ${seed}`).toBeUndefined();
});
