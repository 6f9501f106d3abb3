/** Rules over the stored telemetry of one gateway, with the evaluators that run on the gateway. */
import {
  createRule,
  kindOf,
  matchesDevice,
  type Outcome,
  patternOf,
  type RunningRule,
} from '../../../protocols/rules/engine.ts';
import type { Rule } from '../../../protocols/rules/rule.ts';
import type { Measurement, StoredReading } from './stored-telemetry.ts';

/** What the rules look at. */
export function measurementsOf(rules: readonly Rule[]): Measurement[] {
  return [...new Set(rules.flatMap((rule) => kindOf(rule).payloads(rule)))];
}

interface Watch {
  running: RunningRule;
  kinds: readonly Measurement[];
}

export class Replay {
  readonly #rules: readonly Rule[];
  readonly #zones: ReadonlyMap<string, string>;
  readonly #onRaised: (raised: Outcome) => void;
  /** By device: those that its readings alone concern. */
  readonly #ofDevice = new Map<string, Watch[]>();
  /** Those that look at readings of several devices: a door while moving, a geofence. */
  readonly #shared: Watch[] = [];
  readonly #lastUs = new Map<string, number>();
  #alerts = 0;
  /** Ids of the rules that had something to look at. */
  readonly watched = new Set<string>();

  /** @param at.zones Of the read points of devices, by device. */
  constructor(at: {
    rules: readonly Rule[];
    zones: ReadonlyMap<string, string>;
    onRaised: (raised: Outcome) => void;
  }) {
    this.#rules = at.rules;
    this.#zones = at.zones;
    this.#onRaised = at.onRaised;
    for (const rule of at.rules) if (patternOf(rule) === undefined) this.#shared.push(this.#watch(rule, ''));
  }

  /** In the order of time. */
  take({ deviceId, atMs, payload }: StoredReading): void {
    // Two readings of a device within one millisecond are two, and no correction of the first.
    const atUs = Math.max(atMs * 1000, (this.#lastUs.get(deviceId) ?? 0) + 1);
    this.#lastUs.set(deviceId, atUs);
    const sample = { deviceId, atUs, payload };
    for (const watches of [this.#watchesOf(deviceId), this.#shared]) {
      for (const { running, kinds } of watches) {
        if (!kinds.includes(payload.kind)) continue;
        this.watched.add(running.rule.id);
        this.#tell(running.observe(sample));
      }
    }
  }

  /** What time alone brings about until the end. */
  end(atMs: number): void {
    for (const { running } of [...this.#ofDevice.values(), this.#shared].flat()) this.#tell(running.tick(atMs * 1000));
  }

  #watchesOf(deviceId: string): Watch[] {
    const known = this.#ofDevice.get(deviceId);
    if (known) return known;
    const own: Watch[] = [];
    for (const rule of this.#rules) {
      const pattern = patternOf(rule);
      if (pattern === undefined || !matchesDevice(pattern, deviceId, this.#zones.get(deviceId))) continue;
      (rule.kind === 'door' ? this.#shared : own).push(this.#watch(rule, deviceId));
    }
    this.#ofDevice.set(deviceId, own);
    return own;
  }

  #watch(rule: Rule, deviceId: string): Watch {
    const running = createRule(rule, { deviceId, newId: () => String(++this.#alerts) });
    return { running, kinds: kindOf(rule).payloads(rule) };
  }

  #tell(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) if (outcome.phase === 'raised') this.#onRaised(outcome);
  }
}
