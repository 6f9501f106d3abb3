/**
 * Rules at work: what the edge evaluates on its monotonic time and the hub's preview on corrected wall time. No I/O, no clock.
 *
 * @example
 * const rule = createRule({ kind: 'limit', … }, { deviceId: 'cooler-1', newId: randomUUID });
 * for (const outcome of rule.observe({ deviceId: 'cooler-1', atUs, payload })) tell(outcome);
 */
import type { AlertSeverity } from '../uplink/model.ts';
import type { FoldState, Kind, Sample } from './fold.ts';
import { door } from './kinds/door.ts';
import { excursionTime } from './kinds/excursion-time.ts';
import { geofence } from './kinds/geofence.ts';
import { limit } from './kinds/limit.ts';
import { meanKineticTemperature } from './kinds/mean-kinetic-temperature.ts';
import { missing } from './kinds/missing.ts';
import { rate } from './kinds/rate.ts';
import { shock } from './kinds/shock.ts';
import type { Rule, RuleKind } from './rule.ts';
import { FoldedRule } from './running-rule.ts';

export type { Sample } from './fold.ts';
export { quantityIn, valuesOf } from './quantities.ts';

/** One phase of an alert. */
export interface Outcome {
  phase: 'raised' | 'cleared' | 'retracted';
  /** Names the excursion; the same in all its phases. */
  alertId: string;
  ruleId: string;
  severity: AlertSeverity;
  /** Empty where the rule watches the gateway as a whole. */
  deviceId: string;
  /** What `value` and `limit` are, with its unit. */
  quantity: string;
  value: number;
  limit: number;
  message: string;
  /** Event time of the phase. */
  atUs: number;
  /** The readings around it, oldest first; at most 20. */
  context: { atUs: number; value: number }[];
}

/** An excursion that was raised and may still change. */
export interface OpenAlert {
  alertId: string;
  ruleId: string;
  severity: AlertSeverity;
  deviceId: string;
  message: string;
  value: number;
  limit: number;
  raisedAtUs: number;
}

export interface RunningRule {
  readonly rule: Rule;
  readonly deviceId: string;
  /** Readings that were older than what is kept, and so changed nothing. */
  readonly tooLate: number;
  /** The excursion that is open. */
  readonly open: OpenAlert | undefined;
  /** Samples that are no matter of this rule are passed over. */
  observe(sample: Sample): Outcome[];
  /** What time alone brings about, and what late readings change. To be called a few times a second. */
  tick(nowUs: number): Outcome[];
  /** The gateway begins to look, or looks again after a pause in which nobody did. */
  resume(nowUs: number): void;
  /** Ends an open excursion for a reason outside of the readings. */
  end(nowUs: number, reason: string): Outcome[];
  /** JSON. */
  snapshot(): unknown;
  /** Goes on from a snapshot. @throws TypeError for what is none of this kind of rule. */
  restore(snapshot: unknown): void;
  /** What was stated is known better elsewhere: this excursion is open, or none is. Readings up to now change nothing any more. */
  adopt(stated: { alertId: string; atUs: number; value: number; limit: number; message: string } | undefined): void;
  /** The excursion goes by another id from now on. */
  rename(alertId: string, to: string): void;
}

/** Each is given rules of its own kind and states of its own making alone. */
const KINDS: Readonly<Record<RuleKind, unknown>> = {
  limit,
  rate,
  missing,
  shock,
  door,
  geofence,
  'excursion-time': excursionTime,
  'mean-kinetic-temperature': meanKineticTemperature,
};

/** The evaluator of a rule's kind. */
export function kindOf(rule: Rule): Kind<Rule, FoldState> {
  return KINDS[rule.kind] as Kind<Rule, FoldState>;
}

/**
 * @param options.deviceId The device that is watched; it has to be one that the rule's pattern fits. Empty for a geofence: the gateway's position,
 *   whichever receiver tells.
 */
export function createRule(rule: Rule, options: { deviceId: string; newId: () => string }): RunningRule {
  return new FoldedRule({ scope: { rule, deviceId: options.deviceId }, kind: kindOf(rule), newId: options.newId });
}

/** The device pattern of a rule; undefined where it watches the gateway as a whole. */
export function patternOf(rule: Rule): string | undefined {
  if (rule.kind === 'geofence') return undefined;
  return 'target' in rule ? rule.target.device : rule.device;
}

/** `zone:cold-store`: the devices of read points in a zone. */
export const ZONE_PREFIX = 'zone:';

/**
 * Whether a rule's device, a name or a pattern in which `*` stands for any characters, fits. A device with several sensors names them
 * after a slash (`bus-1/cold-zone`).
 * @param zone The zone of the device's read point, for patterns that begin with `zone:`.
 */
export function matchesDevice(pattern: string, deviceId: string, zone?: string): boolean {
  if (pattern.startsWith(ZONE_PREFIX)) {
    return zone !== undefined && matchesDevice(pattern.slice(ZONE_PREFIX.length), zone);
  }
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return deviceId === head;
  if (deviceId.length < head.length + tail.length || !deviceId.startsWith(head) || !deviceId.endsWith(tail))
    return false;
  let at = head.length;
  const end = deviceId.length - tail.length;
  for (const part of parts) {
    const found = deviceId.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
