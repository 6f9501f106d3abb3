/**
 * What an accelerometer on a load floor feels: gravity, its own noise, the road, and half-sine shocks.
 *
 * A parcel that is dropped feels nothing while it falls: free fall is 0 g. A half-sine of amplitude A and duration D: a(t) = A sin(πt/D) for 0 ≤ t ≤ D (ASTM D3332's test pulse).
 */
import type { Random } from '../random.ts';

export type Axis = 'x' | 'y' | 'z';

export interface Shock {
  startUs: number;
  peakG: number;
  durationMs: number;
  axis: Axis;
  /** Free fall for so long before it. */
  fallMs: number;
}

export interface Acceleration {
  xG: number;
  yG: number;
  zG: number;
}

export interface MotionOptions {
  /** Standard deviation of the sensor's own noise. */
  noiseG: number;
  /** Standard deviation of the road's vibration at 50 km/h; grows with the speed. */
  roadG: number;
}

const STANDARD_GRAVITY = 9.80665;
const ROAD_REFERENCE_METERS_PER_SECOND = 50 / 3.6;

export function accelerationAt(
  atUs: number,
  world: { options: MotionOptions; shocks: readonly Shock[]; speedMetersPerSecond: number; random: Random },
): Acceleration {
  const { options, random } = world;
  const road = (options.roadG * world.speedMetersPerSecond) / ROAD_REFERENCE_METERS_PER_SECOND;
  const sigma = Math.hypot(options.noiseG, road);
  const gravity = world.shocks.some(({ startUs, fallMs }) => startUs - fallMs * 1000 <= atUs && atUs < startUs) ? 0 : 1;
  const felt = { x: sigma * random.gaussian(), y: sigma * random.gaussian(), z: gravity + sigma * random.gaussian() };
  for (const shock of world.shocks) felt[shock.axis] += halfSine(shock, atUs);
  return { xG: felt.x, yG: felt.y, zG: felt.z };
}

/**
 * The impact that ends a fall from this height: v = √(2gh), and a half-sine's velocity change is 2/π · A · D. Without rebound.
 */
export function impactOf(fall: { heightCm: number; durationMs: number }) {
  const velocityChangeMetersPerSecond = Math.sqrt((2 * STANDARD_GRAVITY * fall.heightCm) / 100);
  const peakG = (Math.PI / 2) * (velocityChangeMetersPerSecond / (STANDARD_GRAVITY * (fall.durationMs / 1000)));
  const fallMs = (velocityChangeMetersPerSecond / STANDARD_GRAVITY) * 1000;
  return { peakG, fallMs, velocityChangeMetersPerSecond };
}

export function shockEndUs(shock: Shock): number {
  return shock.startUs + shock.durationMs * 1000;
}

function halfSine(shock: Shock, atUs: number): number {
  const share = (atUs - shock.startUs) / (shock.durationMs * 1000);
  return share >= 0 && share <= 1 ? shock.peakG * Math.sin(Math.PI * share) : 0;
}
