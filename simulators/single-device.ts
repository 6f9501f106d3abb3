/** A scenario of one device, for a developer who wants nothing else on the table. */
import { COMMON_COMMANDS, DEVICE_KINDS, type DeviceKind } from './devices.ts';
import { parseScenario, type Scenario } from './scenario.ts';
import { SimulatorError } from './simulator.ts';

export interface SingleDeviceOptions {
  /** Link of a serial device; folder of 1-Wire sensors and GPIO contacts. */
  path?: string;
  /** TCP port of the LLRP reader (5084 unless told), of gpsd (2947) or of the thermometer's Modbus TCP. */
  port?: number;
  /** Scans or tags per second; samples per second of the accelerometer. */
  rate?: number;
}

const LLRP_PORT = 5084;
const GPSD_PORT = 2947;
const DEFAULT_SCANS_PER_S = 0.5;
const COMPANY_PREFIX = '4012345';
/** Once around a block. */
const ROUTE = [
  { stop: 'start', stopS: 10, latitude: 52.531, longitude: 13.381, altitudeMeters: 36, speedKmh: 45 },
  { latitude: 52.5323, longitude: 13.3822 },
  { latitude: 52.5336, longitude: 13.3856 },
  { latitude: 52.5316, longitude: 13.3856 },
];

/** @throws SimulatorError `sim-scenario-invalid` for an option that the device does not have */
export function singleDeviceScenario(kind: DeviceKind, options: SingleDeviceOptions): Scenario {
  const { path, port, rate } = options;
  const id = kind;
  const serial = path === undefined ? {} : { path };
  const scenario = (parts: object): Scenario =>
    parseScenario({ name: kind, description: DEVICE_KINDS[kind].summary, ...parts });
  switch (kind) {
    case 'serial-barcode':
    case 'zebra-ssi':
    case 'honeywell':
      refuse(kind, { port });
      return scenario({ devices: [{ id, kind, readPoint: 'read-point-1', options: serial }], flow: flowOf(id, rate) });
    case 'llrp-reader':
      refuse(kind, { path });
      return scenario({
        devices: [
          { id, kind, readPoints: { 1: 'read-point-1', 2: 'read-point-2' }, options: { port: port ?? LLRP_PORT } },
        ],
        flow: flowOf(id, rate),
      });
    case 'r200':
    case 'uhfreader18':
    case 'thingmagic':
      refuse(kind, { port });
      return scenario({
        devices: [{ id, kind, readPoints: { 1: 'read-point-1' }, options: serial }],
        flow: flowOf(id, rate),
      });
    case 'modbus-thermometer':
    case 'modbus-contacts':
      refuse(kind, { rate });
      return scenario({
        devices: [{ id, kind, options: { ...serial, ...(port !== undefined && { tcpPort: port }) } }],
      });
    case 'witmotion':
      refuse(kind, { port });
      return scenario({ devices: [{ id, kind, options: { ...serial, ...(rate !== undefined && { rateHz: rate }) } }] });
    case 'one-wire':
    case 'gpio-contact':
      refuse(kind, { port, rate });
      return scenario({ devices: [{ id, kind, options: serial }] });
    case 'gpsd':
      refuse(kind, { path, rate });
      return scenario({
        vehicles: [{ id: 'vehicle', route: ROUTE }],
        devices: [{ id, kind, vehicle: 'vehicle', options: { port: port ?? GPSD_PORT } }],
      });
    case 'elm327':
    case 'nmea-gps':
      refuse(kind, { port, rate });
      return scenario({
        vehicles: [{ id: 'vehicle', route: ROUTE }],
        devices: [{ id, kind, vehicle: 'vehicle', options: serial }],
      });
  }
}

/** Every command of a device of this kind. */
export function commandsOf(kind: DeviceKind): string[] {
  return [...DEVICE_KINDS[kind].commands, ...COMMON_COMMANDS];
}

function flowOf(device: string, perSecond = DEFAULT_SCANS_PER_S) {
  const everyMs = 1000 / perSecond;
  if (!(perSecond > 0 && everyMs >= 1)) {
    throw new SimulatorError({
      code: 'sim-scenario-invalid',
      message: `rate ${perSecond}: above 0, at most 1000 a second`,
    });
  }
  return {
    companyPrefix: COMPANY_PREFIX,
    inductEveryMs: [0.8 * everyMs, 1.2 * everyMs],
    maxInFlight: 1000,
    steps: [{ device, afterMs: [0, 0], gapMs: [0, 0] }],
  };
}

function refuse(kind: DeviceKind, given: Partial<Record<keyof SingleDeviceOptions, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    throw new SimulatorError({ code: 'sim-scenario-invalid', message: `${kind} has no --${name}` });
  }
}
