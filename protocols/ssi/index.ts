/** Zebra Simple Serial Interface. */
export * from './beeps.ts';
export * from './code-types.ts';
export * from './commands.ts';
export * from './framer.ts';
export * from './message.ts';
export * from './packet.ts';
export * from './scan-assembler.ts';
