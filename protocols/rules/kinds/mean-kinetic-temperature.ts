/**
 * Mean kinetic temperature over the sliding window above `maxCelsius` raises; below it by `HYSTERESIS_CELSIUS` clears.
 *
 * USP <1079> "Risks and Mitigation Strategies for the Storage and Transportation of Finished Drug Products", and <659> (the equation of J. D. Haynes,
 * J. Pharm. Sci. 60 (1971) 927): T_K = (ΔH / R) / −ln( (e^(−ΔH / R·T_1) + … + e^(−ΔH / R·T_n)) / n ), temperatures in kelvin,
 * ΔH = 83.144 kJ/mol where nothing else is known, R = 8.3144 J/(mol·K). It supposes evenly spaced readings. Here each reading is weighted by the time
 * that it stands for, the time since the reading before it (the first one: as much as the second), at most `HOLD_US`: with evenly spaced readings
 * that is the equation above, and a pause in which nobody measured weighs nothing beyond that.
 *
 * It is told from when the readings stand for `MIN_COVERAGE` of the window: a single reading is no mean.
 * Bounds: at most `BUCKETS` + 2 buckets; readings closer together than a `BUCKETS`th of the window share one. The oldest counts by the part of it
 * that is still inside the window.
 */
import { type FoldState, type Kind, nameOf, round, showMs } from '../fold.ts';
import { quantityIn } from '../quantities.ts';
import type { MeanKineticTemperatureRule } from '../rule.ts';
import { HOLD_US } from './excursion-time.ts';

interface Bucket {
  startAtUs: number;
  endAtUs: number;
  /** The time that its readings stand for, and their e^(…) times that. */
  micros: number;
  sum: number;
}

interface State extends FoldState {
  buckets: Bucket[];
  /** The last reading; `waits`: the first one, whose weight the second will tell. */
  last?: { atUs: number; value: number; waits: boolean };
  open?: { limit: number } | undefined;
}

const GAS_CONSTANT = 8.3144;
const ZERO_CELSIUS_KELVIN = 273.15;
/** Exponents are taken relative to this one, so that they neither vanish nor overflow. */
const REFERENCE_KELVIN = 298.15;
const HYSTERESIS_CELSIUS = 0.1;
const MIN_COVERAGE = 0.05;
const BUCKETS = 240;

export const meanKineticTemperature: Kind<MeanKineticTemperatureRule, State> = {
  payloads: () => ['temperature'],
  quantity: () => 'temperatureCelsius',
  points({ deviceId }, sample) {
    const value = sample.deviceId === deviceId ? quantityIn(sample.payload, 'temperatureCelsius') : undefined;
    return value === undefined || value <= -ZERO_CELSIUS_KELVIN ? [] : [{ atUs: sample.atUs, value }];
  },
  begin: () => ({ buckets: [] }),
  take({ rule, deviceId }, state, { point, emit }) {
    const { atUs, value } = point;
    const { last } = state;
    if (last) {
      const micros = Math.min(atUs - last.atUs, HOLD_US);
      if (last.waits) add(state, rule, { atUs: last.atUs, value: last.value, micros });
      add(state, rule, { atUs, value, micros });
    }
    state.last = { atUs, value, waits: last === undefined };
    const celsius = mean(state, rule, atUs);
    if (celsius === undefined) return;
    const { maxCelsius: limit, windowMs } = rule;
    const is = `${nameOf('Mean kinetic temperature', deviceId)} over ${showMs(windowMs)} is ${round(celsius)} °C`;
    if (state.open) {
      if (celsius > limit - HYSTERESIS_CELSIUS) return;
      state.open = undefined;
      emit({ phase: 'cleared', atUs, value: celsius, limit, message: `${is}, below the limit of ${limit} °C again` });
    } else if (celsius > limit) {
      state.open = { limit };
      emit({ phase: 'raised', atUs, value: celsius, limit, message: `${is}, above the limit of ${limit} °C` });
    }
  },
  reopen(_scope, state, { limit }) {
    state.open = { limit };
  },
};

/** ΔH / R, in kelvin. */
function activation({ activationEnergyKilojoulesPerMole }: MeanKineticTemperatureRule): number {
  return (activationEnergyKilojoulesPerMole * 1000) / GAS_CONSTANT;
}

function add(
  { buckets }: State,
  rule: MeanKineticTemperatureRule,
  { atUs, value, micros }: { atUs: number; value: number; micros: number },
): void {
  const inverse = 1 / (value + ZERO_CELSIUS_KELVIN) - 1 / REFERENCE_KELVIN;
  const sum = micros * Math.exp(-activation(rule) * inverse);
  const last = buckets.at(-1);
  // A pause begins a bucket of its own: a bucket's time is spread evenly over it.
  const follows = last !== undefined && last.endAtUs === atUs - micros;
  if (follows && atUs - last.startAtUs <= (rule.windowMs * 1000) / BUCKETS) {
    last.endAtUs = atUs;
    last.micros += micros;
    last.sum += sum;
  } else buckets.push({ startAtUs: atUs - micros, endAtUs: atUs, micros, sum });
}

/** Degrees Celsius; undefined while too little is known. */
function mean({ buckets }: State, rule: MeanKineticTemperatureRule, atUs: number): number | undefined {
  const windowMicros = rule.windowMs * 1000;
  const fromUs = atUs - windowMicros;
  while (buckets[0] && buckets[0].endAtUs <= fromUs) buckets.shift();
  let micros = 0;
  let sum = 0;
  for (const bucket of buckets) {
    const inside = bucket.startAtUs >= fromUs ? 1 : (bucket.endAtUs - fromUs) / (bucket.endAtUs - bucket.startAtUs);
    micros += bucket.micros * inside;
    sum += bucket.sum * inside;
  }
  if (micros === 0 || micros < windowMicros * MIN_COVERAGE) return undefined;
  return 1 / (1 / REFERENCE_KELVIN - Math.log(sum / micros) / activation(rule)) - ZERO_CELSIUS_KELVIN;
}
