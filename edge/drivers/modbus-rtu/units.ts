/** A unit's options turned into what to read and what to make of it. Pure. */
import {
  planReads,
  REGISTER_MAP_PRESETS,
  type ReadRequest,
  type ReadResult,
  type RegisterMap,
  type RegisterPoint,
  readPoint,
} from '../../../protocols/modbus/index.ts';
import type { Reading, Sensor, SensorKind } from '../../driver.ts';
import type { PollOptions, UnitOptions } from './options.ts';

/** What a point gives: a reading (its time is the caller's), or why it cannot be trusted. */
export type PointOutcome = { ok: true; reading: Measurement; channel?: string } | { ok: false; fault: string };

type Measurement =
  | { kind: 'temperature'; temperatureCelsius: number }
  | { kind: 'humidity'; relativeHumidityPercent: number }
  | { kind: 'contact'; open: boolean };

export interface PolledUnit {
  unitId: number;
  /** How messages call it. */
  name: string;
  requests: readonly ReadRequest[];
  interpret(results: readonly ReadResult[]): PointOutcome[];
}

interface PolledPoint {
  point: RegisterPoint;
  openWhen: boolean;
  channel: string | undefined;
}

export function planUnit(options: UnitOptions): PolledUnit {
  const points = pointsOf(options);
  const map: RegisterMap = { name: options.map ?? 'configured', points: points.map(({ point }) => point) };
  return {
    unitId: options.unitId,
    name: options.channel ? `unit ${options.unitId} (${options.channel})` : `unit ${options.unitId}`,
    requests: planReads(map),
    interpret: (results) => points.map((point) => interpretPoint(point, results, options.channel)),
  };
}

/** What rules can name of a bus: one sensor for each channel. */
export function sensorsOfUnits({ units }: Pick<PollOptions, 'units'>): Sensor[] {
  const kinds = new Map<string | undefined, Set<SensorKind>>();
  for (const unit of units) {
    for (const { point, openWhen, channel } of pointsOf(unit)) {
      const kind = measurement(point.unit, 0, openWhen)?.kind;
      const name = channel ?? unit.channel;
      if (kind !== undefined) kinds.set(name, (kinds.get(name) ?? new Set()).add(kind));
    }
  }
  return [...kinds].map(([channel, each]) => ({ kinds: [...each], ...(channel !== undefined && { channel }) }));
}

function pointsOf(options: UnitOptions): PolledPoint[] {
  return options.points?.map((point, index) => customPoint(point, index)) ?? presetPoints(options.map ?? '');
}

function presetPoints(preset: string): PolledPoint[] {
  const map = REGISTER_MAP_PRESETS[preset];
  if (!map) throw new RangeError(`register map '${preset}' does not exist`);
  return map.points.map((point) => ({ point, openWhen: true, channel: undefined }));
}

function customPoint(options: NonNullable<UnitOptions['points']>[number], index: number): PolledPoint {
  const { quantity, functionCode, address, wordOrder, scale, offset, invalid } = options;
  return {
    point: {
      name: `${quantity} ${index + 1}`,
      functionCode,
      address,
      type: functionCode <= 2 ? 'bit' : options.type,
      wordOrder,
      scale,
      offset,
      invalid,
      unit: quantity === 'temperature' ? options.unit : quantity === 'humidity' ? 'percent' : 'contact',
      ...(quantity === 'humidity' && { minimum: 0, maximum: 100 }),
    },
    openWhen: options.openWhen,
    channel: options.channel,
  };
}

function interpretPoint(polled: PolledPoint, results: readonly ReadResult[], unitChannel?: string): PointOutcome {
  const value = readPoint(polled.point, results);
  if (!value.ok) {
    const raw = value.raw === undefined ? '' : `, raw value ${value.raw}`;
    return { ok: false, fault: `${value.name} is ${value.fault}${raw}` };
  }
  const reading = measurement(value.unit, value.value, polled.openWhen);
  if (reading === undefined)
    return { ok: false, fault: `${value.name} has the unit ${value.unit}, which nobody knows` };
  const channel = polled.channel ?? unitChannel;
  return { ok: true, reading, ...(channel !== undefined && { channel }) };
}

function measurement(unit: string, value: number, openWhen: boolean): Measurement | undefined {
  switch (unit) {
    case 'celsius':
      return { kind: 'temperature', temperatureCelsius: value };
    case 'fahrenheit':
      return { kind: 'temperature', temperatureCelsius: round(((value - 32) * 5) / 9) };
    case 'kelvin':
      return { kind: 'temperature', temperatureCelsius: round(value - 273.15) };
    case 'percent':
      return { kind: 'humidity', relativeHumidityPercent: value };
    case 'contact':
      return { kind: 'contact', open: (value !== 0) === openWhen };
    default:
      return undefined;
  }
}

/** No sensor of this kind has more than a thousandth of a degree. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** With its time, a measurement is a reading. */
export function readingAt(monotonicUs: number, { reading, channel }: Extract<PointOutcome, { ok: true }>): Reading {
  return { monotonicUs, ...(channel !== undefined && { channel }), ...reading };
}
