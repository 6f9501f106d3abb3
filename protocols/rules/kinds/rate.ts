/**
 * The slope over the last `windowMs`, steeper than `maxPerMinute` in either direction raises; flatter by `hysteresis` clears.
 *
 * The slope is that of the straight line with the least squares to the readings of the window, so that a spike weighs as one reading among many. It
 * is known when the readings span at least half of the window. Bounds: at most `BINS` + 1 bins of the window are kept; readings that come closer together
 * than that share one, by their means.
 */
import { type Emit, type FoldState, type Kind, nameOf, type Point, round, type Scope } from '../fold.ts';
import { QUANTITIES, quantityIn } from '../quantities.ts';
import type { RateRule } from '../rule.ts';
import { payloadsWith } from './payloads-with.ts';

interface Bin {
  firstAtUs: number;
  lastAtUs: number;
  count: number;
  /** Of the times, from `firstAtUs`. */
  sumMicros: number;
  sumValue: number;
}

interface State extends FoldState {
  bins: Bin[];
  open?: { limit: number } | undefined;
}

const BINS = 120;
const MICROS_PER_MINUTE = 60_000_000;

export const rate: Kind<RateRule, State> = {
  payloads: ({ target }) => payloadsWith(target.quantity),
  quantity: ({ target }) => `${target.quantity}PerMinute`,
  points({ rule, deviceId }, sample) {
    const value = sample.deviceId === deviceId ? quantityIn(sample.payload, rule.target.quantity) : undefined;
    return value === undefined ? [] : [{ atUs: sample.atUs, value }];
  },
  begin: () => ({ bins: [] }),
  take(scope, state, { point, emit }) {
    const { windowMs, maxPerMinute, hysteresis } = scope.rule;
    add(state.bins, point, windowMs * 1000);
    const slope = slopeOf(state.bins, point.atUs, windowMs * 1000);
    if (slope === undefined) return;
    if (state.open) {
      // Measured in the direction of the excursion: as steep the other way is another one.
      const steepness = state.open.limit > 0 ? slope : -slope;
      if (steepness > maxPerMinute - hysteresis) return;
      tell(scope, { phase: 'cleared', limit: state.open.limit, slope, point, emit });
      state.open = undefined;
    }
    if (Math.abs(slope) <= maxPerMinute) return;
    state.open = { limit: Math.sign(slope) * maxPerMinute };
    tell(scope, { phase: 'raised', limit: state.open.limit, slope, point, emit });
  },
  reopen(_scope, state, { limit }) {
    state.open = { limit };
  },
};

function add(bins: Bin[], { atUs, value }: Point, windowMicros: number): void {
  while (bins[0] && bins[0].lastAtUs < atUs - windowMicros) bins.shift();
  const last = bins.at(-1);
  if (last && atUs - last.firstAtUs < windowMicros / BINS) {
    last.lastAtUs = atUs;
    last.count++;
    last.sumMicros += atUs - last.firstAtUs;
    last.sumValue += value;
  } else bins.push({ firstAtUs: atUs, lastAtUs: atUs, count: 1, sumMicros: 0, sumValue: value });
}

/** Per minute. */
function slopeOf(bins: readonly Bin[], atUs: number, windowMicros: number): number | undefined {
  const [first] = bins;
  if (!first || bins.length < 2 || atUs - first.firstAtUs < windowMicros / 2) return undefined;
  let count = 0;
  let sumT = 0;
  let sumV = 0;
  for (const bin of bins) {
    count += bin.count;
    sumT += (bin.firstAtUs - atUs) * bin.count + bin.sumMicros;
    sumV += bin.sumValue;
  }
  const meanT = sumT / count;
  const meanV = sumV / count;
  let covariance = 0;
  let variance = 0;
  for (const bin of bins) {
    const t = bin.firstAtUs - atUs + bin.sumMicros / bin.count - meanT;
    covariance += bin.count * t * (bin.sumValue / bin.count - meanV);
    variance += bin.count * t * t;
  }
  return variance === 0 ? undefined : (covariance / variance) * MICROS_PER_MINUTE;
}

function tell(
  { rule, deviceId }: Scope<RateRule>,
  at: { phase: 'raised' | 'cleared'; limit: number; slope: number; point: Point; emit: Emit },
): void {
  const { unit = '', label = rule.target.quantity } = QUANTITIES[rule.target.quantity] ?? {};
  const perMinute = (value: number) => `${round(value)} ${unit}/min`;
  const verb = at.slope >= 0 ? 'rises' : 'falls';
  const changes = `${nameOf(label, deviceId)} ${verb} by ${perMinute(Math.abs(at.slope))}`;
  const message =
    at.phase === 'raised'
      ? `${changes}, the limit is ${perMinute(rule.maxPerMinute)}`
      : `${changes}, within the limit of ${perMinute(rule.maxPerMinute)} again`;
  at.emit({ phase: at.phase, atUs: at.point.atUs, value: at.slope, limit: at.limit, message });
}
