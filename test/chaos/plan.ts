/**
 * Which fault strikes what and when, decided by a seed alone. Pure.
 *
 * Faults are dealt from a shuffled deck of all (target, kind) pairs, so that a short run meets many different ones and a long run all of
 * them, again and again. Their times are a Poisson process, so they overlap; one target has one fault at a time.
 */
import type { Random } from '../../simulators/random.ts';

/**
 * kill: SIGKILL, started again after a while. freeze: SIGSTOP, then SIGCONT. restart: an orderly one. cut, hang, delay: see
 * fault-proxy.ts. disk-full: not a byte is left on the gateway's disk.
 */
const FAULT_KINDS = ['kill', 'freeze', 'restart', 'cut', 'hang', 'delay', 'disk-full'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultTarget {
  name: string;
  kinds: readonly FaultKind[];
}

export interface PlannedFault {
  /** From the start of the storm. */
  atMs: number;
  forMs: number;
  target: string;
  kind: FaultKind;
  /** `delay` only. */
  delayMs?: number;
}

/** How long each lasts; a killed program is down for so long before it is started again. */
const LASTS_MS: Record<FaultKind, readonly [from: number, to: number]> = {
  kill: [0, 3_000],
  freeze: [500, 8_000],
  restart: [0, 0],
  cut: [200, 6_000],
  hang: [500, 8_000],
  delay: [1_000, 10_000],
  'disk-full': [1_000, 8_000],
};
const DELAY_MS = [20, 700] as const;
/** What a target has to itself after a fault. */
const REST_MS = 1_000;

export function planFaults(options: {
  targets: readonly FaultTarget[];
  durationMs: number;
  /** Between the beginnings of two faults, on average. */
  meanGapMs: number;
  random: Random;
}): PlannedFault[] {
  const { targets, durationMs, meanGapMs, random } = options;
  const cards = targets.flatMap(({ name, kinds }) => kinds.map((kind) => ({ target: name, kind })));
  if (cards.length === 0) throw new Error('nothing can be struck: the plan would be empty');
  const busyUntilMs = new Map<string, number>();
  const faults: PlannedFault[] = [];
  let deck: typeof cards = [];
  let atMs = 0;
  for (;;) {
    atMs += -Math.log(1 - random.next()) * meanGapMs;
    if (atMs >= durationMs) return faults;
    if (deck.length === 0) deck = shuffled(cards, random);
    const index = deck.findIndex(({ target }) => (busyUntilMs.get(target) ?? 0) <= atMs);
    const [card] = index < 0 ? [] : deck.splice(index, 1);
    if (card === undefined) continue;
    const forMs = Math.round(random.between(...LASTS_MS[card.kind]));
    const fault: PlannedFault = { atMs: Math.round(atMs), forMs, ...card };
    if (card.kind === 'delay') fault.delayMs = Math.round(random.between(...DELAY_MS));
    busyUntilMs.set(card.target, atMs + forMs + REST_MS);
    faults.push(fault);
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let at = result.length - 1; at > 0; at--) {
    const other = random.integer(0, at);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}
