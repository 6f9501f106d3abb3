/** Readings of the sensors of a van for tests: minutes after 2026-01-05 08:00 UTC, one record each, its sequence drawn from the time. */
import { type Violation, violationsOf } from './evaluate.ts';
import type { PackageLimits } from './limits.ts';
import { placeOf } from './places.ts';
import type { Reading } from './reading.ts';

export const START_US = Date.UTC(2026, 0, 5, 8) * 1000;
export const MINUTE_US = 60_000_000;
export const VAN = { vehicleId: 'VAN-7' };

export function temperature(minute: number, celsius: number, rest: Partial<Reading> = {}): Reading {
  return {
    place: placeOf(VAN) ?? '',
    gatewayId: 'gw-van-7',
    epoch: '00000000000000aa',
    sequence: Math.round(minute) + 1,
    deviceId: 'cooler',
    quantity: 'temperatureCelsius',
    atUs: START_US + minute * MINUTE_US,
    value: celsius,
    clock: { state: 'gps', uncertaintyMs: 1, corrected: false },
    ...rest,
  };
}

export function shock(minute: number, peakG: number, rest: Partial<Reading> = {}): Reading {
  const sequence = Math.round(minute * 100) + 1;
  return { ...temperature(minute, peakG), deviceId: 'impacts', quantity: 'peakG', sequence, ...rest };
}

/** What broke the limits on the van, an hour later. */
export function evaluateOf(
  limits: PackageLimits,
  stays: readonly { readings: readonly Reading[]; fromMinute?: number; toMinute?: number }[],
): Violation[] {
  return violationsOf(
    limits,
    stays.map(({ readings, fromMinute = 0, toMinute }) => ({
      place: VAN,
      fromUs: START_US + fromMinute * MINUTE_US,
      ...(toMinute !== undefined && { toUs: START_US + toMinute * MINUTE_US }),
      readings,
    })),
    START_US + 60 * MINUTE_US,
  );
}
