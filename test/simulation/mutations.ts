/**
 * Known bugs, each built into a simulated part, and the faults under which it shows. With one of them the oracle must find fault, or it
 * proves nothing when it finds none (oracle.test.ts).
 */
import type { EpisodeKind } from './plan.ts';

export type Mutation =
  | 'disk-ignores-sync'
  | 'free-on-puback'
  | 'acknowledge-too-much'
  | 'log-confirms-early'
  | 'log-corrupts'
  | 'log-reorders'
  | 'state-forgotten'
  | 'offsets-without-outputs'
  | 'outputs-without-offsets'
  | 'zombie-not-fenced'
  | 'tick-not-fenced'
  | 'points-collide'
  | 'gaps-unreported';

export interface KnownBug {
  mutation: Mutation;
  /** What goes wrong, in words. */
  bug: string;
  kinds: readonly EpisodeKind[];
  /** What the oracle has to say of it. */
  found: RegExp;
}

export const KNOWN_BUGS: readonly KnownBug[] = [
  {
    mutation: 'disk-ignores-sync',
    bug: 'fdatasync does nothing, and what was accepted goes with the power',
    kinds: ['gateway-power', 'gateway-wire'],
    found: /but \d+ was accepted|promised to|lost on a disk that is sound|did not come out/,
  },
  {
    mutation: 'free-on-puback',
    bug: 'the gateway takes PUBACK for the acknowledgement of the hub',
    kinds: ['broker-lies', 'broker-restart'],
    found: /freed up to \d+, but the hub's log lacks/,
  },
  {
    mutation: 'acknowledge-too-much',
    bug: 'the hub acknowledges more than the batch held',
    kinds: ['log-flaky', 'gateway-wire'],
    found: /freed up to \d+, but the hub's log lacks/,
  },
  {
    mutation: 'log-confirms-early',
    bug: 'an append is confirmed before it is durable, and then lost',
    kinds: ['log-flaky'],
    found: /freed up to \d+, but the hub's log lacks/,
  },
  {
    mutation: 'log-corrupts',
    bug: 'a batch in the log is damaged',
    kinds: ['log-flaky'],
    found: /the dead letter of|a dead letter that nobody offered/,
  },
  {
    mutation: 'log-reorders',
    bug: 'records of a partition are handed out in another order than they stand in',
    kinds: ['gateway-wire', 'hub-kill', 'log-away'],
    found: /device .* comes after/,
  },
  {
    mutation: 'state-forgotten',
    bug: 'a processor that restarts does not get back what it had seen',
    kinds: ['hub-kill', 'rebalance', 'broker-lies'],
    found: /the hub forgets|twice:/,
  },
  {
    mutation: 'offsets-without-outputs',
    bug: "an aborted transaction's offsets move all the same",
    kinds: ['log-flaky', 'rebalance'],
    found: /not drained|book differ|was not reported|the hub sees a violation/,
  },
  {
    mutation: 'outputs-without-offsets',
    bug: "an aborted transaction's outputs are seen all the same",
    kinds: ['log-flaky', 'rebalance'],
    found: /twice:/,
  },
  {
    mutation: 'zombie-not-fenced',
    bug: 'a processor that has lost its partitions may still commit',
    kinds: ['hub-pause'],
    found: /the hub forgets|twice:|gap alarm/,
  },
  {
    mutation: 'tick-not-fenced',
    bug: 'a processor that has lost its partitions may still report gaps',
    kinds: ['hub-pause', 'broker-lies'],
    found: /the hub forgets|twice:|gap alarm/,
  },
  {
    mutation: 'points-collide',
    bug: 'the time series keeps milliseconds only',
    kinds: ['series-flaky'],
    found: /is replaced by/,
  },
  {
    mutation: 'gaps-unreported',
    bug: 'gap alarms do not come out',
    kinds: ['broker-lies', 'network-storm'],
    found: /was not reported/,
  },
];
