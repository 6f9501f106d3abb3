/** Honeywell scanners in framed mode. */
export * from './framer.ts';
export * from './honeywell.ts';
