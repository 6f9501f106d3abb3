/**
 * Thresholds: one value of one device against a low and a high limit, with hysteresis and dwell (design, section 8).
 *
 * An excursion begins when the value has been beyond the limit for `dwellMs` without interruption and ends when it is back inside by at
 * least `hysteresis`: exactly one raise and one clear, however the value trembles at the limit. Event time is the reading's monotonic
 * time; a reading older than the last one is not evaluated.
 */
import type { AlertSeverity } from '../../protocols/uplink/model.ts';

export interface Threshold {
  id: string;
  deviceId: string;
  /** `temperatureCelsius`, `relativeHumidityPercent`, `peakG`, … */
  quantity: string;
  low?: number;
  high?: number;
  hysteresis: number;
  dwellMs: number;
  severity: AlertSeverity;
}

export interface ThresholdOutcome {
  phase: 'raised' | 'cleared';
  threshold: Threshold;
  /** Names the excursion. */
  alertId: string;
  value: number;
  limit: number;
  message: string;
}

interface Excursion {
  alertId: string;
  limit: number;
  above: boolean;
}

export class ThresholdRule {
  readonly threshold: Threshold;
  readonly #newId: () => string;
  #lastUs = Number.NEGATIVE_INFINITY;
  /** Since when the value has been beyond a limit without interruption, while no excursion is open. */
  #beyond: { sinceUs: number; limit: number; above: boolean } | undefined;
  #excursion: Excursion | undefined;

  constructor(threshold: Threshold, newId: () => string) {
    this.threshold = threshold;
    this.#newId = newId;
  }

  evaluate(value: number, atUs: number): ThresholdOutcome | undefined {
    if (atUs < this.#lastUs || !Number.isFinite(value)) return undefined;
    this.#lastUs = atUs;
    return this.#excursion ? this.#inside(this.#excursion, value) : this.#outside(value, atUs);
  }

  /** Ends an open excursion: for readings that are events (an impact), which nothing later takes back. */
  end(value: number): ThresholdOutcome | undefined {
    const excursion = this.#excursion;
    this.#excursion = undefined;
    return excursion && this.#outcome('cleared', excursion, value);
  }

  #outside(value: number, atUs: number): ThresholdOutcome | undefined {
    const { low, high, dwellMs } = this.threshold;
    const above = high !== undefined && value > high;
    const below = low !== undefined && value < low;
    const limit = above ? high : below ? low : undefined;
    if (limit === undefined) {
      this.#beyond = undefined;
      return undefined;
    }
    // From one limit straight to the other is a new excursion.
    if (this.#beyond?.above !== above) this.#beyond = { sinceUs: atUs, limit, above };
    if (atUs - this.#beyond.sinceUs < dwellMs * 1000) return undefined;
    this.#beyond = undefined;
    this.#excursion = { alertId: this.#newId(), limit, above };
    return this.#outcome('raised', this.#excursion, value);
  }

  #inside(excursion: Excursion, value: number): ThresholdOutcome | undefined {
    const { hysteresis } = this.threshold;
    const back = excursion.above ? value <= excursion.limit - hysteresis : value >= excursion.limit + hysteresis;
    if (!back) return undefined;
    this.#excursion = undefined;
    return this.#outcome('cleared', excursion, value);
  }

  #outcome(phase: 'raised' | 'cleared', excursion: Excursion, value: number): ThresholdOutcome {
    const { threshold } = this;
    const side = excursion.above ? 'above' : 'below';
    const message =
      phase === 'raised'
        ? `${threshold.quantity} of ${threshold.deviceId} is ${round(value)}, ${side} the limit of ${excursion.limit}`
        : `${threshold.quantity} of ${threshold.deviceId} is within its limit of ${excursion.limit} again`;
    return { phase, threshold, alertId: excursion.alertId, value, limit: excursion.limit, message };
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
