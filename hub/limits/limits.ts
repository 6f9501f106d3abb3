/**
 * A package's own limits, and the rules they come to (protocols/rules): the shipper's word about the parcel, whatever the rules of the place
 * that it is at. Pure.
 *
 * `maxTiltDegrees` is kept and given back, but nothing can break it yet: no telemetry on the wire tells how a place is inclined (a shock has
 * peaks of its axes, a vibration its effective value, neither an attitude). The answer says so in `notEvaluated`.
 */
import type { LimitRule, ShockRule } from '../../protocols/rules/rule.ts';

export interface PackageLimits {
  /** At least one of the two. */
  temperatureCelsius?: { low?: number; high?: number };
  /** FRAGILE_G, where `maxShockG` says no other. */
  fragile?: boolean;
  maxShockG?: number;
  maxTiltDegrees?: number;
}

const FRAGILE_G = 2;

/** Back inside by so much ends an excursion; less where the range is narrow. */
const HYSTERESIS_CELSIUS = 0.5;
/** What falls and bounces is one shock. */
export const SHOCK_QUIET_MS = 60_000;

export function shockLimitOf({ maxShockG, fragile }: PackageLimits): number | undefined {
  return maxShockG ?? (fragile ? FRAGILE_G : undefined);
}

export function temperatureRuleOf({ temperatureCelsius: range }: PackageLimits, device: string): LimitRule | undefined {
  if (!range) return undefined;
  const { low, high } = range;
  const width = low !== undefined && high !== undefined ? high - low : Number.POSITIVE_INFINITY;
  return {
    kind: 'limit',
    id: 'package-temperature',
    severity: 'warning',
    target: { device, quantity: 'temperatureCelsius' },
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
    hysteresis: Math.min(HYSTERESIS_CELSIUS, width / 4),
    dwellMs: 0,
  };
}

export function shockRuleOf(limits: PackageLimits, device: string): ShockRule | undefined {
  const peakG = shockLimitOf(limits);
  if (peakG === undefined) return undefined;
  return {
    kind: 'shock',
    id: 'package-shock',
    severity: 'warning',
    device,
    peakG,
    minDurationMs: 0,
    clearAfterMs: SHOCK_QUIET_MS,
  };
}

/** What is wrong with limits whose shape is right; undefined when nothing is. */
export function faultOf({ temperatureCelsius: range }: PackageLimits): string | undefined {
  if (!range) return undefined;
  const { low, high } = range;
  if (low === undefined && high === undefined) return 'temperatureCelsius needs low, high or both';
  if (low !== undefined && high !== undefined && low >= high)
    return `temperatureCelsius.low (${low}) must be below high (${high})`;
  return undefined;
}

/** Limits that nothing measures today. */
export function notEvaluated({ maxTiltDegrees }: PackageLimits): string[] {
  return maxTiltDegrees === undefined ? [] : ['maxTiltDegrees'];
}
