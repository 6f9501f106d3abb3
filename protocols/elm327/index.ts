/** ELM327 adapters: vehicle speed, engine speed, odometer. */
export * from './answer.ts';
export * from './framer.ts';
export * from './pid.ts';
