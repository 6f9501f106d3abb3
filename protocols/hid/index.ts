/** USB HID devices: point-of-sale scanners, TEMPer thermometers. */
export * from './pos-scanner.ts';
export * from './temper.ts';
