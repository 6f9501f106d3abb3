/** Accelerometers and impacts. */
export * from './impact.ts';
export * from './pulse.ts';
export * from './sampling.ts';
export type { Vector3 } from './vector3.ts';
export * from './witmotion.ts';
export * from './witmotion-encoder.ts';
export * from './witmotion-framer.ts';
