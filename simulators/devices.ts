/**
 * The device families: one line each, with the schema of what a scenario may say about it and what it takes to build one.
 */
import { z } from 'zod';
import { FAULTS } from './faults.ts';
import type { Drive } from './journey.ts';
import { llrpReader, READER_KIND, readerOptions } from './llrp-reader/reader.ts';
import { modbusThermometer, THERMOMETER_KIND, thermometerOptions } from './modbus-thermometer/thermometer.ts';
import { GPS_KIND, gpsOptions, nmeaGps } from './nmea-gps/receiver.ts';
import { SCANNER_KIND, scannerOptions, serialBarcode } from './serial-barcode/scanner.ts';
import type { Simulator } from './simulator.ts';
import { WITMOTION_KIND, witmotion, witmotionOptions } from './witmotion/sensor.ts';

/** Ids become file names of links. */
const id = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens');

const common = {
  id,
  /** The box it hangs on: for whoever writes that box's configuration. */
  gateway: id.optional(),
  /** It rides along: position, vibration. */
  vehicle: id.optional(),
};

export const deviceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal(SCANNER_KIND),
    readPoint: z.string().min(1).optional(),
    options: scannerOptions.prefault({}),
  }),
  z.strictObject({
    ...common,
    kind: z.literal(READER_KIND),
    /** Read point of each antenna, from 1. */
    readPoints: z.record(z.string().regex(/^[1-9]\d?$/, 'an antenna number'), z.string().min(1)).default({}),
    options: readerOptions.prefault({}),
  }),
  z.strictObject({ ...common, kind: z.literal(THERMOMETER_KIND), options: thermometerOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(WITMOTION_KIND), options: witmotionOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(GPS_KIND), options: gpsOptions.prefault({}) }),
]);
export type DeviceSpec = z.infer<typeof deviceSchema>;
export type DeviceKind = DeviceSpec['kind'];

export const DEVICE_KINDS: Readonly<Record<DeviceKind, { summary: string; commands: readonly string[] }>> = {
  [SCANNER_KIND]: { summary: 'bar code scanner, one line of text per scan, on a serial port', commands: ['scan'] },
  [READER_KIND]: { summary: 'RFID reader, LLRP 1.0.1 over TCP', commands: ['tag', 'antenna'] },
  [THERMOMETER_KIND]: {
    summary: 'temperature and humidity module XY-MD02, Modbus RTU on a serial port, or Modbus TCP',
    commands: ['excursion'],
  },
  [WITMOTION_KIND]: { summary: 'WitMotion accelerometer, binary frames on a serial port', commands: ['shock'] },
  [GPS_KIND]: { summary: 'GPS receiver, NMEA 0183 on a serial port', commands: ['void'] },
};

/** The commands that every device knows. */
export const COMMON_COMMANDS: readonly string[] = ['unplug', 'replug', ...FAULTS, 'clear'];

export function isDeviceKind(name: string): name is DeviceKind {
  return Object.hasOwn(DEVICE_KINDS, name);
}

/** Whether packages pass in front of it. */
export function isReader(kind: DeviceKind): boolean {
  return kind === SCANNER_KIND || kind === READER_KIND;
}

export function buildDevice(spec: DeviceSpec, drive: Drive): Simulator {
  switch (spec.kind) {
    case SCANNER_KIND:
      return serialBarcode(spec.id, spec.options, spec.readPoint);
    case READER_KIND: {
      const readPoints = Object.entries(spec.readPoints).map(([antenna, point]) => [Number(antenna), point] as const);
      return llrpReader(spec.id, spec.options, new Map(readPoints));
    }
    case THERMOMETER_KIND:
      return modbusThermometer(spec.id, spec.options);
    case WITMOTION_KIND:
      return witmotion(spec.id, spec.options, drive);
    case GPS_KIND:
      return nmeaGps(spec.id, spec.options, drive);
  }
}
