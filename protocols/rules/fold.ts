/**
 * What the evaluators of the kinds have in common: each is a fold over the points of one device in the order of their event time.
 *
 * The same points in the same order give the same transitions, whenever the fold was asked what time alone has brought about (`pass`). So a fold can
 * be done again when a late reading changes the order (running-rule.ts), and its result does not depend on when the clock was looked at.
 *
 * State is JSON. Its moments stand in properties whose name ends in `atUs` or `AtUs`, and nothing else does: a restart may have to move
 * them onto another boot's clock (move-times.ts). Pure.
 */
import type { TelemetryPayload } from '../uplink/model.ts';
import type { Rule } from './rule.ts';

/** One telemetry value set with the time of its observation: monotonic on a gateway, corrected wall time at the hub. */
export interface Sample {
  deviceId: string;
  /** Microseconds. */
  atUs: number;
  payload: TelemetryPayload;
}

/** What a rule sees of a sample. */
export interface Point {
  atUs: number;
  value: number;
  /** By kind: an impact's duration, whose speed it is. */
  aux?: number;
}

/** The rule's instance: one device, or the gateway as a whole (empty). */
export interface Scope<R extends Rule = Rule> {
  rule: R;
  deviceId: string;
}

export interface Transition {
  phase: 'raised' | 'cleared';
  atUs: number;
  /** What value and limit are, where it is not the kind's `quantity`. */
  quantity?: string;
  value: number;
  limit: number;
  message: string;
}

export type Emit = (transition: Transition) => void;

/** What every state has: the limit that is broken, while it is. */
export interface FoldState {
  open?: { limit: number } | undefined;
}

export interface Kind<R extends Rule, S extends FoldState> {
  /** Kinds of telemetry that are looked at. */
  payloads(rule: R): readonly TelemetryPayload['kind'][];
  /** What the values and limits of its transitions are. */
  quantity(rule: R): string;
  /** Nothing when the sample is no matter of this scope. */
  points(scope: Scope<R>, sample: Sample): Point[];
  begin(): S;
  /** What time alone brings about up to and with `untilUs`; absent where it brings about nothing. */
  pass?(scope: Scope<R>, state: S, at: { untilUs: number; emit: Emit }): void;
  /** Points come in order, each after a `pass` to its time. */
  take(scope: Scope<R>, state: S, at: { point: Point; emit: Emit }): void;
  /** The excursion that was stated is open (again), whatever brought it about. */
  reopen(scope: Scope<R>, state: S, stated: { atUs: number; limit: number }): void;
  /** A point that says: somebody begins to look, or looks again after a pause in which nobody did. */
  resume?(atUs: number): Point;
  /** Whether a point is such a one: the time before it is not passed. */
  isResumed?(point: Point): boolean;
  /** What makes two points of one moment different things, and not one the correction of the other. */
  sourceOf?(point: Point): number;
}

/** `Temperature of cooler-1`. */
export function nameOf(label: string, deviceId: string): string {
  return deviceId === '' ? label : `${label} of ${deviceId}`;
}

/** At most two decimals. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** `9.2 °C`, `40%`. */
export function show(value: number, unit: string): string {
  if (unit === '') return String(round(value));
  return unit === '%' || unit === '°' ? `${round(value)}${unit}` : `${round(value)} ${unit}`;
}

/** `90 s`, `15 min`, `2 h`: the largest unit of which there are at least one and a half, or exactly one. */
export function showMs(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, each]) => ms === each || ms >= 1.5 * each) ?? ['ms', 1];
  return `${Math.round((ms / size) * 10) / 10} ${unit}`;
}
