/**
 * The list of drivers: the name in the configuration → how to load it. A driver is loaded only when a configuration names it.
 * A new device family is one folder here (driver.ts, options.ts, sample.yaml, README.md, fixtures/, driver.test.ts) and one line below.
 */
import type { Driver } from '../driver.ts';

export const DRIVERS: Readonly<Record<string, () => Promise<Driver<unknown>>>> = {
  'serial-barcode': async () => (await import('./serial-barcode/driver.ts')).driver,
  'zebra-ssi': async () => (await import('./zebra-ssi/driver.ts')).driver,
  honeywell: async () => (await import('./honeywell/driver.ts')).driver,
  llrp: async () => (await import('./llrp/driver.ts')).driver,
  r200: async () => (await import('./r200/driver.ts')).driver,
  uhfreader18: async () => (await import('./uhfreader18/driver.ts')).driver,
  thingmagic: async () => (await import('./thingmagic/driver.ts')).driver,
  'modbus-rtu': async () => (await import('./modbus-rtu/driver.ts')).driver,
  'modbus-tcp': async () => (await import('./modbus-tcp/driver.ts')).driver,
  witmotion: async () => (await import('./witmotion/driver.ts')).driver,
  'hid-barcode': async () => (await import('./hid-barcode/driver.ts')).driver,
  'temper-hid': async () => (await import('./temper-hid/driver.ts')).driver,
  'one-wire': async () => (await import('./one-wire/driver.ts')).driver,
  'gpio-contact': async () => (await import('./gpio-contact/driver.ts')).driver,
  gpsd: async () => (await import('./gpsd/driver.ts')).driver,
  elm327: async () => (await import('./elm327/driver.ts')).driver,
  nmea: async () => (await import('./nmea/driver.ts')).driver,
};
