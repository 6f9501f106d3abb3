/**
 * Rules: what a value of a device, a door or a position may be, and when somebody must be told (design, section 8).
 *
 * One model for the gateway's own file, the fleet's profiles, the gateway that evaluates and the hub that tries new limits on stored
 * telemetry. Durations are milliseconds here; people write them with their unit (check.ts).
 */
import type { AlertSeverity } from '../uplink/model.ts';

interface RuleBase {
  /** Kebab-case, unique within a configuration. */
  id: string;
  severity: AlertSeverity;
}

/** The values a rule watches. */
export interface Target {
  /** A device id, or a pattern with `*` (`cooler-*`): each device that fits is watched by itself. */
  device: string;
  /** A field of telemetry with its unit, for example `temperatureCelsius`: one of QUANTITIES. */
  quantity: string;
}

/** Beyond a limit for `dwellMs` without interruption raises; back inside by `hysteresis` clears. At least one of low and high. */
export interface LimitRule extends RuleBase {
  kind: 'limit';
  target: Target;
  low?: number;
  high?: number;
  /** In the quantity's unit, as the limits. */
  hysteresis: number;
  dwellMs: number;
}

/** The slope over `windowMs`, in the quantity's unit per minute, in either direction. */
export interface RateRule extends RuleBase {
  kind: 'rate';
  target: Target;
  maxPerMinute: number;
  windowMs: number;
  /** Per minute, as the limit. */
  hysteresis: number;
}

/** No value for `afterMs`; the next value clears. */
export interface MissingRule extends RuleBase {
  kind: 'missing';
  target: Target;
  afterMs: number;
}

/** An impact of at least `peakG` that lasted at least `minDurationMs`; clears when none followed for `clearAfterMs`. */
export interface ShockRule extends RuleBase {
  kind: 'shock';
  /** As Target.device. */
  device: string;
  peakG: number;
  minDurationMs: number;
  clearAfterMs: number;
}

/** Open for longer than `openLongerThanMs`, or open while the vehicle moves faster; at least one of the two. Closing or standing clears. */
export interface DoorRule extends RuleBase {
  kind: 'door';
  /** As Target.device. */
  device: string;
  openLongerThanMs?: number;
  whileMovingAboveMetersPerSecond?: number;
}

/** WGS 84, degrees. */
export type GeofenceShape =
  | { kind: 'circle'; latitude: number; longitude: number; radiusMeters: number }
  | { kind: 'polygon'; points: [latitude: number, longitude: number][] };

/** The gateway's position is inside (or outside) the shape for `dwellMs`. */
export interface GeofenceRule extends RuleBase {
  kind: 'geofence';
  shape: GeofenceShape;
  alertWhen: 'inside' | 'outside';
  dwellMs: number;
  /** How far across the border back a position must be to clear. */
  hysteresisMeters: number;
}

/** Time beyond the limits adds up over the sliding window `perMs`; clears when the sum has fallen to `maxTotalMs` or less. */
export interface ExcursionTimeRule extends RuleBase {
  kind: 'excursion-time';
  target: Target;
  low?: number;
  high?: number;
  maxTotalMs: number;
  perMs: number;
}

/** Mean kinetic temperature over the sliding window (USP <1079>). */
export interface MeanKineticTemperatureRule extends RuleBase {
  kind: 'mean-kinetic-temperature';
  /** quantity: temperatureCelsius. */
  target: Target;
  maxCelsius: number;
  windowMs: number;
  /** USP <1079>: 83.144 where nothing else is known of the goods. */
  activationEnergyKilojoulesPerMole: number;
}

export type Rule =
  | LimitRule
  | RateRule
  | MissingRule
  | ShockRule
  | DoorRule
  | GeofenceRule
  | ExcursionTimeRule
  | MeanKineticTemperatureRule;

export type RuleKind = Rule['kind'];

/** Something wrong with a rule or a configuration: what, where, why, and what to do. */
export interface Problem {
  /** Where, from the top of what was checked: `['rules', 0, 'hysteresis']`. */
  path: (string | number)[];
  /** Kebab-case; docs/errors.md. */
  code: string;
  message: string;
  /** What would be right, in words. */
  proposal?: string;
}
