/**
 * The device families: one line each, with the schema of what a scenario may say about it and what it takes to build one.
 */
import { z } from 'zod';
import { adapterOptions, ELM327_KIND, elm327 } from './elm327/adapter.ts';
import { FAULTS } from './faults.ts';
import { GPIO_CONTACT_KIND, gpioContact, gpioContactOptions } from './gpio-contact/contacts.ts';
import { GPSD_KIND, gpsd, gpsdOptions } from './gpsd/daemon.ts';
import { HONEYWELL_KIND, honeywell, honeywellOptions } from './honeywell/scanner.ts';
import type { Drive } from './journey.ts';
import { llrpReader, READER_KIND, readerOptions } from './llrp-reader/reader.ts';
import { CONTACTS_KIND, contactsOptions, modbusContacts } from './modbus-contacts/contacts.ts';
import { modbusThermometer, THERMOMETER_KIND, thermometerOptions } from './modbus-thermometer/thermometer.ts';
import { GPS_KIND, gpsOptions, nmeaGps } from './nmea-gps/receiver.ts';
import { ONE_WIRE_KIND, oneWire, oneWireOptions } from './one-wire/bus.ts';
import { R200_KIND, r200Module, r200Options } from './r200/module.ts';
import { SCANNER_KIND, scannerOptions, serialBarcode } from './serial-barcode/scanner.ts';
import type { Simulator } from './simulator.ts';
import { moduleOptions, THINGMAGIC_KIND, thingMagicModule } from './thingmagic/module.ts';
import { readPointMap } from './uhf-module.ts';
import { UHF_READER18_KIND, uhfReader18, uhfReader18Options } from './uhfreader18/reader.ts';
import { WITMOTION_KIND, witmotion, witmotionOptions } from './witmotion/sensor.ts';
import { SSI_READER_KIND, ssiReaderOptions, zebraSsi } from './zebra-ssi/reader.ts';

/** Ids become file names of links. */
const id = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens');

const common = {
  id,
  /** The box it hangs on: for whoever writes that box's configuration. */
  gateway: id.optional(),
  /** It rides along: position, vibration. */
  vehicle: id.optional(),
};

/** Read point of each antenna, from 1. */
const readPoints = z.record(z.string().regex(/^[1-9]\d?$/, 'an antenna number'), z.string().min(1)).default({});
const UHF_COMMANDS = ['tag', 'antenna', 'error'];

export const deviceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...common,
    kind: z.literal(SCANNER_KIND),
    readPoint: z.string().min(1).optional(),
    options: scannerOptions.prefault({}),
  }),
  z.strictObject({
    ...common,
    kind: z.literal(SSI_READER_KIND),
    readPoint: z.string().min(1).optional(),
    options: ssiReaderOptions.prefault({}),
  }),
  z.strictObject({
    ...common,
    kind: z.literal(HONEYWELL_KIND),
    readPoint: z.string().min(1).optional(),
    options: honeywellOptions.prefault({}),
  }),
  z.strictObject({
    ...common,
    kind: z.literal(READER_KIND),
    readPoints,
    options: readerOptions.prefault({}),
  }),
  z.strictObject({ ...common, kind: z.literal(R200_KIND), readPoints, options: r200Options.prefault({}) }),
  z.strictObject({
    ...common,
    kind: z.literal(UHF_READER18_KIND),
    readPoints,
    options: uhfReader18Options.prefault({}),
  }),
  z.strictObject({ ...common, kind: z.literal(THINGMAGIC_KIND), readPoints, options: moduleOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(ELM327_KIND), options: adapterOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(THERMOMETER_KIND), options: thermometerOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(CONTACTS_KIND), options: contactsOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(WITMOTION_KIND), options: witmotionOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(GPS_KIND), options: gpsOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(GPSD_KIND), options: gpsdOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(ONE_WIRE_KIND), options: oneWireOptions.prefault({}) }),
  z.strictObject({ ...common, kind: z.literal(GPIO_CONTACT_KIND), options: gpioContactOptions.prefault({}) }),
]);
export type DeviceSpec = z.infer<typeof deviceSchema>;
export type DeviceKind = DeviceSpec['kind'];

export const DEVICE_KINDS: Readonly<Record<DeviceKind, { summary: string; commands: readonly string[] }>> = {
  [SCANNER_KIND]: { summary: 'bar code scanner, one line of text per scan, on a serial port', commands: ['scan'] },
  [SSI_READER_KIND]: {
    summary: 'Zebra bar code reader that waits for an acknowledgement (SSI), on a serial port',
    commands: ['scan'],
  },
  [HONEYWELL_KIND]: {
    summary: 'Honeywell bar code scanner with framed mode and menu commands, on a serial port',
    commands: ['scan'],
  },
  [READER_KIND]: { summary: 'RFID reader, LLRP 1.0.1 over TCP', commands: ['tag', 'antenna'] },
  [R200_KIND]: { summary: 'RFID module R200, YRM100, M100 on a serial port', commands: UHF_COMMANDS },
  [UHF_READER18_KIND]: { summary: 'RFID reader UHFReader18 on a serial port', commands: UHF_COMMANDS },
  [THINGMAGIC_KIND]: { summary: 'ThingMagic Mercury RFID module (M6e, M5e) on a serial port', commands: UHF_COMMANDS },
  [ELM327_KIND]: {
    summary: 'ELM327 adapter in a vehicle on its route, text on a serial port',
    commands: ['ignition', 'complain'],
  },
  [THERMOMETER_KIND]: {
    summary: 'temperature and humidity module XY-MD02, Modbus RTU on a serial port, or Modbus TCP',
    commands: ['excursion'],
  },
  [CONTACTS_KIND]: {
    summary: 'door contacts on a digital input module, Modbus RTU on a serial port, or Modbus TCP',
    commands: ['open', 'close'],
  },
  [WITMOTION_KIND]: {
    summary: 'WitMotion accelerometer, binary frames on a serial port',
    commands: ['shock', 'drop'],
  },
  [GPS_KIND]: { summary: 'GPS receiver, NMEA 0183 on a serial port', commands: ['void'] },
  [GPSD_KIND]: { summary: 'gpsd with a receiver, JSON over TCP', commands: ['void', 'leap'] },
  [ONE_WIRE_KIND]: {
    summary: '1-Wire thermometers, as the kernel shows them in a folder',
    commands: ['excursion', 'power-on', 'remove', 'attach'],
  },
  [GPIO_CONTACT_KIND]: {
    summary: 'door contacts on GPIO lines, behind stand-ins of gpiomon and gpioget in a folder',
    commands: ['open', 'close', 'bounce', 'miss'],
  },
};

/** The commands that every device knows. */
export const COMMON_COMMANDS: readonly string[] = ['unplug', 'replug', ...FAULTS, 'clear', 'storm'];

export function isDeviceKind(name: string): name is DeviceKind {
  return Object.hasOwn(DEVICE_KINDS, name);
}

const READERS: ReadonlySet<DeviceKind> = new Set<DeviceKind>([
  READER_KIND,
  SCANNER_KIND,
  SSI_READER_KIND,
  HONEYWELL_KIND,
  R200_KIND,
  UHF_READER18_KIND,
  THINGMAGIC_KIND,
]);

/** Whether packages pass in front of it. */
export function isReader(kind: DeviceKind): boolean {
  return READERS.has(kind);
}

export function buildDevice(spec: DeviceSpec, drive: Drive): Simulator {
  switch (spec.kind) {
    case SCANNER_KIND:
      return serialBarcode(spec.id, spec.options, spec.readPoint);
    case SSI_READER_KIND:
      return zebraSsi(spec.id, spec.options, spec.readPoint);
    case HONEYWELL_KIND:
      return honeywell(spec.id, spec.options, spec.readPoint);
    case READER_KIND:
      return llrpReader(spec.id, spec.options, readPointMap(spec.readPoints));
    case R200_KIND:
      return r200Module(spec.id, spec.options, readPointMap(spec.readPoints));
    case UHF_READER18_KIND:
      return uhfReader18(spec.id, spec.options, readPointMap(spec.readPoints));
    case THINGMAGIC_KIND:
      return thingMagicModule(spec.id, spec.options, readPointMap(spec.readPoints));
    case ELM327_KIND:
      return elm327(spec.id, spec.options, drive);
    case THERMOMETER_KIND:
      return modbusThermometer(spec.id, spec.options);
    case CONTACTS_KIND:
      return modbusContacts(spec.id, spec.options);
    case WITMOTION_KIND:
      return witmotion(spec.id, spec.options, drive);
    case GPS_KIND:
      return nmeaGps(spec.id, spec.options, drive);
    case GPSD_KIND:
      return gpsd(spec.id, spec.options, drive);
    case ONE_WIRE_KIND:
      return oneWire(spec.id, spec.options);
    case GPIO_CONTACT_KIND:
      return gpioContact(spec.id, spec.options);
  }
}
