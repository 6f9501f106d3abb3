/** Serial UHF RFID modules and readers: R200/YRM100, UHFReader18, ThingMagic Mercury. */
export * from './describe.ts';
export * from './mercury.ts';
export * from './mercury-commands.ts';
export * from './mercury-tags.ts';
export * from './r200.ts';
export * from './uhf-reader18.ts';
