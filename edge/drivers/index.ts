/**
 * The list of drivers: the name in the configuration → how to load it. A driver is loaded only when a configuration names it.
 * A new device family is one folder here (driver.ts, options.ts, sample.yaml, README.md, fixtures/, driver.test.ts) and one line below.
 */
import type { Driver } from '../driver.ts';

export const DRIVERS: Readonly<Record<string, () => Promise<Driver<unknown>>>> = {
  'serial-barcode': async () => (await import('./serial-barcode/driver.ts')).driver,
  llrp: async () => (await import('./llrp/driver.ts')).driver,
  'modbus-rtu': async () => (await import('./modbus-rtu/driver.ts')).driver,
  'modbus-tcp': async () => (await import('./modbus-tcp/driver.ts')).driver,
  witmotion: async () => (await import('./witmotion/driver.ts')).driver,
  nmea: async () => (await import('./nmea/driver.ts')).driver,
};
