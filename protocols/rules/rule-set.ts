/**
 * The rules of a gateway at work: which rule watches which device, made as devices are heard; rules exchanged while they run.
 *
 * A pattern watches each device from its first value on, a name without `*` from the beginning (so that a sensor which never speaks is missed).
 * Ids of rules are unique within a set. Bounds: `MOST_RUNNING` pairs of rule and device; what is beyond is not watched and counted in `refused`.
 */
import { canonicalJson } from '../base/canonical-json.ts';
import type { TelemetryPayload } from '../uplink/model.ts';
import { createRule, kindOf, matchesDevice, type Outcome, patternOf, type RunningRule, ZONE_PREFIX } from './engine.ts';
import type { Sample } from './fold.ts';
import type { Rule } from './rule.ts';
import { moveSnapshot } from './running-rule.ts';

export interface RuleSetOptions {
  newId: () => string;
  /** The zone of a device's read point, for patterns such as `zone:cold-store`. */
  zoneOf?: (deviceId: string) => string | undefined;
}

/** JSON. */
export interface RuleSetSnapshot {
  rule: Rule;
  running: { deviceId: string; snapshot: unknown }[];
}

const MOST_RUNNING = 500;
const NONE: readonly RunningRule[] = [];

export class RuleSet {
  /** Devices that are not watched for want of room. */
  refused = 0;
  readonly #options: RuleSetOptions;
  #rules: readonly Rule[] = [];
  /** By rule id, then by device; empty device: the gateway. */
  #running = new Map<string, Map<string, RunningRule>>();
  /** Who is to see what a device says, by device and kind of payload; forgotten whenever a rule begins to run. */
  #routes = new Map<string, Map<TelemetryPayload['kind'], readonly RunningRule[]>>();

  constructor(options: RuleSetOptions) {
    this.#options = options;
  }

  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /**
   * These rules from now on. One that is as it was keeps its state; one that is gone or is another clears what it had open, and says why.
   */
  setRules(rules: readonly Rule[], nowUs: number): Outcome[] {
    const outcomes: Outcome[] = [];
    const wanted = new Map<string, Rule>();
    // Of two with the same id the first counts: the file's, on a gateway.
    for (const rule of rules) if (!wanted.has(rule.id)) wanted.set(rule.id, rule);
    for (const old of this.#rules) {
      const next = wanted.get(old.id);
      if (next && canonicalJson(next) === canonicalJson(old)) continue;
      const reason = `the rule '${old.id}' was ${next ? 'changed' : 'removed'}`;
      for (const running of this.#running.get(old.id)?.values() ?? []) outcomes.push(...running.end(nowUs, reason));
      this.#running.delete(old.id);
    }
    this.#rules = [...wanted.values()];
    this.#routes.clear();
    for (const rule of this.#rules) {
      const pattern = patternOf(rule);
      const isName = pattern !== undefined && !pattern.includes('*') && !pattern.startsWith(ZONE_PREFIX);
      const deviceId = pattern === undefined ? '' : isName ? pattern : undefined;
      if (deviceId === undefined || this.#running.get(rule.id)?.has(deviceId)) continue;
      this.#begin(rule, deviceId)?.resume(nowUs);
    }
    return outcomes;
  }

  observe(sample: Sample): Outcome[] {
    const running = this.#routes.get(sample.deviceId)?.get(sample.payload.kind) ?? this.#route(sample);
    if (running.length === 0) return [];
    if (running.length === 1) return (running[0] as RunningRule).observe(sample);
    return running.flatMap((rule) => rule.observe(sample));
  }

  tick(nowUs: number): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const rule of this.running()) for (const outcome of rule.tick(nowUs)) outcomes.push(outcome);
    return outcomes;
  }

  /** Nobody looked for a while. */
  resume(nowUs: number): void {
    for (const rule of this.running()) rule.resume(nowUs);
  }

  *running(): Generator<RunningRule> {
    for (const byDevice of this.#running.values()) yield* byDevice.values();
  }

  /** The one that runs, or begins to. */
  find(ruleId: string, deviceId: string): RunningRule | undefined {
    const running = this.#running.get(ruleId)?.get(deviceId);
    if (running) return running;
    const rule = this.#rules.find(({ id }) => id === ruleId);
    return rule && this.#begin(rule, deviceId);
  }

  snapshot(): RuleSetSnapshot[] {
    return this.#rules.map((rule) => ({
      rule,
      running: [...(this.#running.get(rule.id) ?? [])].map(([deviceId, running]) => ({
        deviceId,
        snapshot: running.snapshot(),
      })),
    }));
  }

  /** In place of all that runs; rules of the snapshot become the rules. @param move Its moments on this clock. */
  restore(saved: readonly RuleSetSnapshot[], move: (atUs: number) => number): void {
    this.#rules = saved.map(({ rule }) => rule);
    this.#running.clear();
    this.#routes.clear();
    for (const { rule, running } of saved) {
      for (const { deviceId, snapshot } of running) this.#begin(rule, deviceId)?.restore(moveSnapshot(snapshot, move));
    }
  }

  /** Finds out who looks at what this device says; devices that a pattern fits begin to be watched. */
  #route({ deviceId, payload }: Sample): readonly RunningRule[] {
    const zone = this.#options.zoneOf?.(deviceId);
    for (const rule of this.#rules) {
      const pattern = patternOf(rule);
      if (pattern === undefined || !kindOf(rule).payloads(rule).includes(payload.kind)) continue;
      if (this.#running.get(rule.id)?.has(deviceId) || !matchesDevice(pattern, deviceId, zone)) continue;
      if (!(rule.kind === 'door' && payload.kind !== 'contact')) this.#begin(rule, deviceId);
    }
    const found: RunningRule[] = [];
    for (const running of this.running()) {
      const { rule } = running;
      if (!kindOf(rule).payloads(rule).includes(payload.kind)) continue;
      // The gateway's position and speed concern rules of any device.
      const isOfGateway = running.deviceId === '' || (rule.kind === 'door' && payload.kind !== 'contact');
      if (isOfGateway || running.deviceId === deviceId) found.push(running);
    }
    const routes = this.#routes.get(deviceId) ?? new Map<TelemetryPayload['kind'], readonly RunningRule[]>();
    routes.set(payload.kind, found.length === 0 ? NONE : found);
    this.#routes.set(deviceId, routes);
    return found;
  }

  #begin(rule: Rule, deviceId: string): RunningRule | undefined {
    const count = [...this.#running.values()].reduce((sum, { size }) => sum + size, 0);
    if (count >= MOST_RUNNING) {
      this.refused++;
      return undefined;
    }
    const running = createRule(rule, { deviceId, newId: this.#options.newId });
    const byDevice = this.#running.get(rule.id) ?? new Map<string, RunningRule>();
    byDevice.set(deviceId, running);
    this.#running.set(rule.id, byDevice);
    this.#routes.clear();
    return running;
  }
}
