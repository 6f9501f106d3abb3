/**
 * The acceleration a sensor at rest measures: 1 g, away from the earth. An accelerometer alone can tell it from motion only
 * while it lies still, so only samples near 1 g are averaged, exponentially with TIME_CONSTANT_MS.
 * Until the first of them gravity counts as zero: at rest the detector then sees 1 g, below any sensible threshold.
 */
import { magnitude, scaled, type Vector3, ZERO } from './vector3.ts';

const TIME_CONSTANT_MS = 500;
/** A sample this near to 1 g may be rest; calibration and slow handling stay within it. */
const STILL_TOLERANCE_G = 0.2;

export class GravityEstimator {
  private samples = 0;
  private mean: Vector3 = ZERO;

  get vector(): Vector3 {
    return this.mean;
  }

  /** Unit vector away from the earth, in the sensor's axes; undefined until the sensor lay still. */
  get up(): Vector3 | undefined {
    return this.samples === 0 ? undefined : unit(this.mean);
  }

  add(acceleration: Vector3, sampleRateHz: number | undefined): void {
    if (!isStill(acceleration)) return;
    this.samples++;
    const window = ((sampleRateHz ?? 100) * TIME_CONSTANT_MS) / 1000;
    // A plain mean while few samples are there, so that the first one does not weigh for seconds.
    const weight = 1 / Math.min(this.samples, Math.max(1, window));
    this.mean = {
      x: this.mean.x + (acceleration.x - this.mean.x) * weight,
      y: this.mean.y + (acceleration.y - this.mean.y) * weight,
      z: this.mean.z + (acceleration.z - this.mean.z) * weight,
    };
  }

  /** Takes a new orientation at once, as after a fall. */
  restart(acceleration: Vector3): void {
    this.samples = 0;
    this.mean = ZERO;
    this.add(acceleration, undefined);
  }
}

/** Unit vector of a mean that can be rest; undefined for one that cannot. */
export function restDirection(mean: Vector3): Vector3 | undefined {
  return isStill(mean) ? unit(mean) : undefined;
}

/** A single sample near 1 g proves nothing; a row of them is rest, whichever way the sensor lies. */
export function isStill(acceleration: Vector3): boolean {
  return Math.abs(magnitude(acceleration) - 1) <= STILL_TOLERANCE_G;
}

function unit(vector: Vector3): Vector3 | undefined {
  const length = magnitude(vector);
  return length === 0 ? undefined : scaled(vector, 1 / length);
}
