/**
 * What the rules should find in a whole curve, looked at all at once and as slowly as may be: the other opinion for oracle.test.ts.
 *
 * Nothing of the evaluators is used here. Times in microseconds, ends undefined where the curve ends first.
 */
import type {
  DoorRule,
  ExcursionTimeRule,
  LimitRule,
  MeanKineticTemperatureRule,
  MissingRule,
  RateRule,
  ShockRule,
} from './rule.ts';

export interface Excursion {
  raisedUs: number;
  clearedUs?: number;
}

/** Time and value; the impact's duration where there is one. */
export type Curve = readonly (readonly [atUs: number, value: number, durationMs?: number])[];

const HOUR_US = 3_600_000_000;

/** By brute force: each reading is asked whether it ends a run that is long enough. */
export function limitOracle(
  curve: Curve,
  rule: Pick<LimitRule, 'low' | 'high' | 'hysteresis' | 'dwellMs'>,
): Excursion[] {
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY, hysteresis, dwellMs } = rule;
  const found: Excursion[] = [];
  let from = 0;
  for (let index = 0; index < curve.length; index++) {
    const [atUs, value] = at(curve, index);
    const above = value > high;
    if (!above && value >= low) continue;
    let first = index;
    while (first > from && (above ? at(curve, first - 1)[1] > high : at(curve, first - 1)[1] < low)) first--;
    if (atUs - at(curve, first)[0] < dwellMs * 1000) continue;
    const isBack = ([, later]: readonly [number, number, number?]) =>
      above ? later <= high - hysteresis : later >= low + hysteresis;
    const end = curve.findIndex((point, later) => later > index && isBack(point));
    if (end < 0) return [...found, { raisedUs: atUs }];
    found.push({ raisedUs: atUs, clearedUs: at(curve, end)[0] });
    from = end;
    // The reading that ends it may begin another on the other side.
    index = end - 1;
  }
  return found;
}

/** The least squares slope as the mean of the slopes of all pairs, weighted by the square of their distance. */
export function rateOracle(curve: Curve, { maxPerMinute, hysteresis, windowMs }: RateRule): Excursion[] {
  const found: Excursion[] = [];
  let direction = 0;
  for (const [nowUs] of curve) {
    const seen = curve.filter(([atUs]) => atUs <= nowUs && atUs >= nowUs - windowMs * 1000);
    if (seen.length < 2 || nowUs - at(seen, 0)[0] < windowMs * 500) continue;
    let rise = 0;
    let run = 0;
    for (const [t1, v1] of seen) {
      for (const [t2, v2] of seen) {
        if (t2 <= t1) continue;
        const minutes = (t2 - t1) / 60e6;
        rise += (v2 - v1) * minutes;
        run += minutes * minutes;
      }
    }
    const slope = rise / run;
    if (direction !== 0 && slope * direction <= maxPerMinute - hysteresis) {
      direction = 0;
      (found.at(-1) as Excursion).clearedUs = nowUs;
    }
    if (direction === 0 && Math.abs(slope) > maxPerMinute) {
      direction = slope > 0 ? 1 : -1;
      found.push({ raisedUs: nowUs });
    }
  }
  return found;
}

export function missingOracle(curve: Curve, { afterMs }: MissingRule, endUs: number): Excursion[] {
  return curve.flatMap(([atUs], index) => {
    const next = curve[index + 1]?.[0];
    if ((next ?? endUs) - atUs <= afterMs * 1000) return [];
    return [{ raisedUs: atUs + afterMs * 1000, ...(next === undefined ? {} : { clearedUs: next }) }];
  });
}

export function shockOracle(
  curve: Curve,
  { peakG, minDurationMs, clearAfterMs }: ShockRule,
  endUs: number,
): Excursion[] {
  const hits = curve.filter(([, g, ms = 0]) => g >= peakG && ms >= minDurationMs).map(([atUs]) => atUs);
  const pause = clearAfterMs * 1000;
  const firsts = hits.filter((hit, index) => index === 0 || hit - (hits[index - 1] as number) > pause);
  return firsts.map((first, index) => {
    const next = firsts[index + 1] ?? Number.POSITIVE_INFINITY;
    const last = Math.max(...hits.filter((hit) => hit >= first && hit < next));
    return { raisedUs: first, ...(Math.min(next, endUs) > last + pause ? { clearedUs: last + pause } : {}) };
  });
}

/** A door with nothing but a longest time open; 1 is open. */
export function doorOracle(curve: Curve, { openLongerThanMs = 0 }: DoorRule, endUs: number): Excursion[] {
  const found: Excursion[] = [];
  for (const [index, [atUs, open]] of curve.entries()) {
    if (open !== 1 || (index > 0 && at(curve, index - 1)[1] === 1)) continue;
    const closedUs = curve.find(([later, value]) => later > atUs && value === 0)?.[0];
    const dueUs = atUs + openLongerThanMs * 1000;
    if ((closedUs ?? endUs) <= dueUs) continue;
    found.push({ raisedUs: dueUs, ...(closedUs === undefined ? {} : { clearedUs: closedUs }) });
  }
  return found;
}

/** Integrates anew for each moment at which anything can bend. */
export function excursionTimeOracle(curve: Curve, rule: ExcursionTimeRule, endUs: number): Excursion[] {
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY } = rule;
  const perUs = rule.perMs * 1000;
  const maxUs = rule.maxTotalMs * 1000;
  const beyond = curve.flatMap(([atUs, value], index) => {
    const until = Math.min(curve[index + 1]?.[0] ?? Number.POSITIVE_INFINITY, atUs + HOUR_US, endUs);
    return value > high || value < low ? [[atUs, until] as const] : [];
  });
  const sumAt = (nowUs: number) =>
    beyond.reduce((sum, [from, to]) => sum + Math.max(0, Math.min(to, nowUs) - Math.max(from, nowUs - perUs)), 0);
  const bends = [
    ...new Set([
      ...curve.map(([atUs]) => atUs),
      ...beyond.flatMap(([from, to]) => [from, to, from + perUs, to + perUs]),
    ]),
  ]
    .filter((each) => each < endUs)
    .sort((a, b) => a - b);
  const found: Excursion[] = [];
  let isOpen = false;
  for (const [index, fromUs] of bends.entries()) {
    const toUs = bends[index + 1] ?? endUs;
    const [before, after] = [sumAt(fromUs), sumAt(toUs)];
    const crossingUs = fromUs + ((maxUs - before) / (after - before)) * (toUs - fromUs);
    if (!isOpen && after > maxUs) found.push({ raisedUs: before > maxUs ? fromUs : crossingUs });
    else if (isOpen && after <= maxUs) (found.at(-1) as Excursion).clearedUs = crossingUs;
    isOpen = after > maxUs;
  }
  return found;
}

export function meanKineticTemperatureOracle(curve: Curve, rule: MeanKineticTemperatureRule): Excursion[] {
  const { maxCelsius, windowMs, activationEnergyKilojoulesPerMole } = rule;
  const energy = activationEnergyKilojoulesPerMole / 0.0083144;
  const found: Excursion[] = [];
  let isOpen = false;
  for (const [nowUs] of curve) {
    let weights = 0;
    let sum = 0;
    for (const [index, [atUs, celsius]] of curve.entries()) {
      if (atUs > nowUs) break;
      const since = index === 0 ? (curve[1]?.[0] ?? atUs) - atUs : atUs - at(curve, index - 1)[0];
      const startUs = atUs - Math.min(since, HOUR_US);
      const inside = Math.max(0, atUs - Math.max(startUs, nowUs - windowMs * 1000));
      // The first reading weighs nothing until there is a second.
      const weight = nowUs === curve[0]?.[0] ? 0 : inside;
      weights += weight;
      sum += weight * Math.exp(-energy / (celsius + 273.15));
    }
    if (weights === 0 || weights < windowMs * 1000 * 0.05) continue;
    const mean = energy / -Math.log(sum / weights) - 273.15;
    if (!isOpen && mean > maxCelsius) found.push({ raisedUs: nowUs });
    else if (isOpen && mean <= maxCelsius - 0.1) (found.at(-1) as Excursion).clearedUs = nowUs;
    else continue;
    isOpen = !isOpen;
  }
  return found;
}

function at(curve: Curve, index: number): Curve[number] {
  return curve[index] as Curve[number];
}
