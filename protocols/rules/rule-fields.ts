/** What each kind of rule is written with: names, units, what may be left out. check.ts reads and writes rules by these tables. */
import type { Rule, RuleKind } from './rule.ts';

export interface Field {
  /** In a Rule. */
  name: string;
  /** As people write it; the unit is in the value. */
  written: string;
  is: 'duration' | 'value' | 'difference' | 'perMinute';
  /** Of the number; absent: that of the target's quantity. */
  unit?: string;
  /** What it is when left out; absent: it must be there, unless `optional`. */
  fallback?: number;
  optional?: true;
  range: 'any' | 'zero-or-more' | 'above-zero';
}

export interface KindFields {
  /** Whose values: those of a target, of a device, or the gateway's position. */
  of: 'target' | 'device' | 'shape';
  fields: readonly Field[];
  /** One line for people. */
  summary: string;
}

const limits: readonly Field[] = [
  { name: 'low', written: 'low', is: 'value', optional: true, range: 'any' },
  { name: 'high', written: 'high', is: 'value', optional: true, range: 'any' },
];

const duration = (written: string, more: Partial<Field> = {}): Field => ({
  name: `${written}Ms`,
  written,
  is: 'duration',
  range: 'above-zero',
  ...more,
});

const dwell = duration('dwell', { fallback: 0, range: 'zero-or-more' });

export const KIND_FIELDS: Readonly<Record<RuleKind, KindFields>> = {
  limit: {
    of: 'target',
    summary: 'a value beyond a limit',
    fields: [
      ...limits,
      { name: 'hysteresis', written: 'hysteresis', is: 'difference', fallback: 0, range: 'zero-or-more' },
      dwell,
    ],
  },
  rate: {
    of: 'target',
    summary: 'a value that changes too fast',
    fields: [
      { name: 'maxPerMinute', written: 'max', is: 'perMinute', range: 'above-zero' },
      duration('window'),
      { name: 'hysteresis', written: 'hysteresis', is: 'perMinute', fallback: 0, range: 'zero-or-more' },
    ],
  },
  missing: { of: 'target', summary: 'no value for too long', fields: [duration('after')] },
  shock: {
    of: 'device',
    summary: 'an impact',
    fields: [
      { name: 'peakG', written: 'peak', is: 'value', unit: 'g', range: 'above-zero' },
      duration('minDuration', { fallback: 0, range: 'zero-or-more' }),
      duration('clearAfter', { fallback: 10_000 }),
    ],
  },
  door: {
    of: 'device',
    summary: 'a door open for too long, or while the vehicle moves',
    fields: [
      duration('openLongerThan', { optional: true }),
      {
        name: 'whileMovingAboveMetersPerSecond',
        written: 'whileMovingAbove',
        is: 'value',
        unit: 'm/s',
        optional: true,
        range: 'above-zero',
      },
    ],
  },
  geofence: {
    of: 'shape',
    summary: 'the gateway inside or outside of an area',
    fields: [
      dwell,
      { name: 'hysteresisMeters', written: 'hysteresis', is: 'value', unit: 'm', fallback: 50, range: 'zero-or-more' },
    ],
  },
  'excursion-time': {
    of: 'target',
    summary: 'beyond limits for too long in sum',
    fields: [...limits, duration('maxTotal'), duration('per')],
  },
  'mean-kinetic-temperature': {
    of: 'target',
    summary: 'too warm by the mean kinetic temperature',
    fields: [
      { name: 'maxCelsius', written: 'max', is: 'value', unit: '°C', range: 'any' },
      duration('window'),
      {
        name: 'activationEnergyKilojoulesPerMole',
        written: 'activationEnergy',
        is: 'value',
        unit: 'kJ/mol',
        fallback: 83.144,
        range: 'above-zero',
      },
    ],
  },
};

export const RULE_KINDS = Object.keys(KIND_FIELDS) as RuleKind[];

/** The number of a field in a rule. */
export function numberIn(rule: Rule, field: Field): number | undefined {
  const value = (rule as unknown as Record<string, unknown>)[field.name];
  return typeof value === 'number' ? value : undefined;
}
