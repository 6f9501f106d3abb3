/** USB HID devices: point-of-sale scanners, TEMPer thermometers. */
export * from './code-ids.ts';
export * from './pos-scanner.ts';
export * from './temper.ts';
