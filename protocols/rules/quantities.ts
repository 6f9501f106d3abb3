/**
 * The values that rules may watch: fields of telemetry, their unit, the kind of telemetry that carries them, and the units that people may write
 * instead. Pure.
 */
import type { TelemetryPayload } from '../uplink/model.ts';

export interface Quantity {
  /** Of the value as it is stored; empty where there is none. */
  unit: string;
  /** The kind of telemetry that carries it. */
  kind: TelemetryPayload['kind'];
  /** For people. */
  label: string;
}

export const QUANTITIES: Readonly<Record<string, Quantity>> = {
  temperatureCelsius: { unit: '°C', kind: 'temperature', label: 'Temperature' },
  relativeHumidityPercent: { unit: '%', kind: 'humidity', label: 'Relative humidity' },
  peakG: { unit: 'g', kind: 'shock', label: 'Peak acceleration' },
  durationMs: { unit: 'ms', kind: 'shock', label: 'Duration of the impact' },
  velocityChangeMetersPerSecond: { unit: 'm/s', kind: 'shock', label: 'Velocity change of the impact' },
  rmsG: { unit: 'g', kind: 'vibration', label: 'Vibration' },
  speedMetersPerSecond: { unit: 'm/s', kind: 'vehicle', label: 'Speed' },
  engineRpm: { unit: 'rpm', kind: 'vehicle', label: 'Engine speed' },
  odometerMeters: { unit: 'm', kind: 'vehicle', label: 'Odometer' },
  open: { unit: '', kind: 'contact', label: 'Open' },
  latitude: { unit: '°', kind: 'position', label: 'Latitude' },
  longitude: { unit: '°', kind: 'position', label: 'Longitude' },
  altitudeMeters: { unit: 'm', kind: 'position', label: 'Altitude' },
  courseDegrees: { unit: '°', kind: 'position', label: 'Course' },
  hdop: { unit: '', kind: 'position', label: 'Dilution of precision' },
  satellites: { unit: '', kind: 'position', label: 'Satellites in use' },
};

/** One value of a payload; undefined when it does not carry the quantity. A contact is 1 when open, else 0. */
export function quantityIn(payload: TelemetryPayload, quantity: string): number | undefined {
  const value = (payload as unknown as Record<string, unknown>)[quantity];
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The values of a payload that rules may watch. */
export function valuesOf(payload: TelemetryPayload): { quantity: string; value: number }[] {
  const values: { quantity: string; value: number }[] = [];
  for (const quantity of Object.keys(QUANTITIES)) {
    const value = quantityIn(payload, quantity);
    if (value !== undefined) values.push({ quantity, value });
  }
  return values;
}

/** Impacts are events: nothing later takes their values back. */
export function isEvent(quantity: string): boolean {
  return QUANTITIES[quantity]?.kind === 'shock';
}

/** value = written × factor + offset; a difference takes the factor alone. */
type Conversion = readonly [factor: number, offset?: number];

/** By the unit that values are stored in: the units that may be written. */
const UNITS: Readonly<Record<string, Readonly<Record<string, Conversion>>>> = {
  '°C': { '°C': [1], C: [1], '°F': [5 / 9, -160 / 9], F: [5 / 9, -160 / 9], K: [1, -273.15] },
  '%': { '%': [1], '%RH': [1] },
  g: { g: [1], mg: [0.001], 'm/s²': [1 / 9.80665], 'm/s2': [1 / 9.80665] },
  'm/s': { 'm/s': [1], 'km/h': [1 / 3.6], mph: [0.44704], kn: [1852 / 3600] },
  m: { m: [1], km: [1000], ft: [0.3048], mi: [1609.344] },
  ms: { ms: [1], s: [1000] },
  rpm: { rpm: [1], '1/min': [1] },
  '°': { '°': [1], deg: [1] },
  'kJ/mol': { 'kJ/mol': [1] },
};

const WRITTEN = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)?\s*$/u;

export type Measured = { value: number } | { fault: 'number' | 'unit'; unit?: string; units: string[] };

/**
 * A number, bare (in the quantity's own unit) or with a unit (`46.4 °F`).
 * @param of What is measured: `difference` of two values, or the `perMinute` change of one (`2 °F/min`, `30 °C/h`).
 */
export function measure(written: unknown, unit: string, of: 'value' | 'difference' | 'perMinute' = 'value'): Measured {
  const units = Object.keys(UNITS[unit] ?? {}).map((name) => (of === 'perMinute' ? `${name}/min` : name));
  if (typeof written === 'number') return Number.isFinite(written) ? { value: written } : { fault: 'number', units };
  const match = typeof written === 'string' ? WRITTEN.exec(written) : null;
  if (!match) return { fault: 'number', units };
  const number = Number(match[1]);
  let name = match[2];
  if (!Number.isFinite(number)) return { fault: 'number', units };
  if (name === undefined) return { value: number };
  let per = 1;
  if (of === 'perMinute') {
    const time = /^(.*)\/\s*(s|min|h)$/u.exec(name);
    if (!time) return { fault: 'unit', unit: name, units };
    name = (time[1] as string).trim();
    per = time[2] === 's' ? 60 : time[2] === 'h' ? 1 / 60 : 1;
  }
  const table = UNITS[unit];
  const conversion = table && Object.hasOwn(table, name) ? table[name] : undefined;
  if (!conversion) return unit === '' && name === '' ? { value: number * per } : { fault: 'unit', unit: name, units };
  const [factor, offset = 0] = conversion;
  return { value: tidy((number * factor + (of === 'value' ? offset : 0)) * per) };
}

/** `8 °C` of 8: what `measure` reads back. */
export function withUnit(value: number, unit: string): string | number {
  return unit === '' ? value : `${value} ${unit}`;
}

/** 46.4 °F is 8 °C, not 8.000000000000002. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
