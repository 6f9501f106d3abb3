/**
 * Vibration: the root mean square of acceleration over a window, its mean (gravity, and a constant offset) left out. Pure.
 * Computed in one pass around the window's first sample, which keeps the difference of large numbers small.
 */
interface Sample {
  monotonicUs: number;
  xG: number;
  yG: number;
  zG: number;
}

const AXES = ['xG', 'yG', 'zG'] as const;
/** Fewer samples than this say nothing about a window. */
const MIN_SAMPLES = 10;

export class VibrationMeter {
  readonly #windowUs: number;
  #first: Sample | undefined;
  #count = 0;
  #sums = [0, 0, 0];
  #squares = [0, 0, 0];

  constructor(windowMs: number) {
    this.#windowUs = windowMs * 1000;
  }

  /** Takes the next sample; gives the window's value when it is the first of the next window. */
  push(sample: Sample): { rmsG: number; windowMs: number } | undefined {
    const elapsedUs = this.#first ? sample.monotonicUs - this.#first.monotonicUs : 0;
    const value = elapsedUs >= this.#windowUs ? this.#finish(elapsedUs) : undefined;
    if (elapsedUs >= this.#windowUs) this.reset();
    this.#add(sample);
    return value;
  }

  reset(): void {
    this.#first = undefined;
    this.#count = 0;
    this.#sums = [0, 0, 0];
    this.#squares = [0, 0, 0];
  }

  #add(sample: Sample): void {
    this.#first ??= sample;
    this.#count++;
    for (const [index, axis] of AXES.entries()) {
      const deviation = sample[axis] - this.#first[axis];
      this.#sums[index] = (this.#sums[index] ?? 0) + deviation;
      this.#squares[index] = (this.#squares[index] ?? 0) + deviation * deviation;
    }
  }

  #finish(elapsedUs: number): { rmsG: number; windowMs: number } | undefined {
    if (this.#count < MIN_SAMPLES) return undefined;
    const variances = this.#squares.map((square, index) => {
      const mean = (this.#sums[index] ?? 0) / this.#count;
      return Math.max(0, square / this.#count - mean * mean);
    });
    const rmsG = Math.sqrt(variances.reduce((sum, variance) => sum + variance, 0));
    return { rmsG: Math.round(rmsG * 1e5) / 1e5, windowMs: Math.round(elapsedUs / 1000) };
  }
}
