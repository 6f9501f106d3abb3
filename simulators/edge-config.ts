/**
 * The configuration files of the gateways that a running scenario's devices hang on, ready for `milepost edge run`.
 *
 * A device without a gateway goes to the gateway `sim-edge`. Read points mean what the scenario says, `receiving` unless it does.
 * Device families without a driver of their own are named in a comment.
 */
import { basename, dirname, extname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { DeviceSpec } from './devices.ts';
import type { RunningDevice } from './run.ts';
import type { Scenario } from './scenario.ts';

export interface EdgeConfigFile {
  gateway: string;
  file: string;
  text: string;
}

export interface EdgeConfigOptions {
  scenario: Scenario;
  devices: readonly RunningDevice[];
  /** With several gateways each has a file of its own: `edge.yaml` becomes `edge.sort-hub-1.yaml`. */
  file: string;
  hubUrl: string;
}

const DEFAULT_GATEWAY = 'sim-edge';
const DEFAULT_STEP = 'receiving';

interface EdgeDevice {
  driver: string;
  options: Record<string, unknown>;
  antennas?: Record<string, string>;
}

export function edgeConfigs(options: EdgeConfigOptions): EdgeConfigFile[] {
  const { scenario, file } = options;
  const gateways = [...new Set(scenario.devices.map(({ gateway }) => gateway ?? DEFAULT_GATEWAY))];
  return gateways.map((gateway) => {
    const named =
      gateways.length === 1
        ? file
        : join(dirname(file), `${basename(file, extname(file))}.${gateway}${extname(file) || '.yaml'}`);
    return { gateway, file: named, text: configOf(gateway, options) };
  });
}

function configOf(id: string, { scenario, devices, file, hubUrl }: EdgeConfigOptions): string {
  const specs = scenario.devices.filter(({ gateway }) => (gateway ?? DEFAULT_GATEWAY) === id);
  const known = scenario.gateways.find((gateway) => gateway.id === id);
  const vehicle = known?.vehicle ?? (known?.facility === undefined ? commonVehicle(specs) : undefined);
  const entries = specs.map((spec) => {
    const found = edgeDevice(spec, devices.find((device) => device.id === spec.id)?.address ?? '');
    return { spec, ...(found && { found }) };
  });
  const steps = new Map(scenario.readPoints.map((point) => [point.id, point.businessStep]));
  const config = {
    gateway: {
      id,
      ...(vehicle === undefined ? { facility: known?.facility ?? id } : { vehicle }),
      ...(known?.latitude !== undefined && { latitude: known.latitude }),
      ...(known?.longitude !== undefined && { longitude: known.longitude }),
      stateDir: resolve(dirname(file), `${id}-state`),
    },
    hub: { url: hubUrl },
    readPoints: [...new Set(specs.flatMap(readPointsOf))].map((point) => {
      return { id: point, businessStep: steps.get(point) ?? DEFAULT_STEP };
    }),
    devices: entries.flatMap(({ spec, found }) => {
      if (found === undefined) return [];
      const readPoint = 'readPoint' in spec && spec.readPoint !== undefined ? { readPoint: spec.readPoint } : {};
      const { driver, antennas, options } = found;
      return [{ id: spec.id, driver, ...readPoint, ...(antennas && { antennas }), options }];
    }),
    ...known?.config,
  };
  const without = entries
    .filter(({ found }) => found === undefined)
    .map(({ spec }) => `# no driver: ${spec.id} (${spec.kind})\n`);
  return `# Gateway ${id} for the simulated scenario '${scenario.name}'.\n${without.join('')}${stringify(config)}`;
}

function readPointsOf(spec: DeviceSpec): string[] {
  if ('readPoints' in spec) return Object.values(spec.readPoints);
  return 'readPoint' in spec && spec.readPoint !== undefined ? [spec.readPoint] : [];
}

function commonVehicle(specs: readonly DeviceSpec[]): string | undefined {
  const vehicles = new Set(specs.flatMap(({ vehicle }) => vehicle ?? []));
  return vehicles.size === 1 ? [...vehicles][0] : undefined;
}

/** How the gateway's driver reaches the device; undefined for a family that no driver serves. */
function edgeDevice(spec: DeviceSpec, address: string): EdgeDevice | undefined {
  const colon = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
  switch (spec.kind) {
    case 'serial-barcode': {
      const { suffix } = spec.options;
      const ending = suffix === 'none' ? { suffixes: [], idleMs: 50 } : { suffixes: [suffix] };
      return { driver: 'serial-barcode', options: { path: address, ...ending } };
    }
    case 'llrp-reader':
      return { driver: 'llrp', antennas: spec.readPoints, options: { host, port } };
    case 'r200':
      return { driver: 'r200', antennas: spec.readPoints, options: { path: address } };
    case 'uhfreader18':
      return {
        driver: 'uhfreader18',
        antennas: spec.readPoints,
        options: { path: address, address: spec.options.address },
      };
    case 'thingmagic': {
      const antennas = Object.keys(spec.readPoints).map(Number);
      const ports = antennas.length > 0 ? { antennas } : {};
      return { driver: 'thingmagic', antennas: spec.readPoints, options: { path: address, region: 'eu3', ...ports } };
    }
    case 'elm327':
      return { driver: 'elm327', options: { path: address, intervalMs: 1000 } };
    case 'modbus-thermometer': {
      const { unitId, registers } = spec.options;
      return {
        driver: 'modbus-rtu',
        options: { path: address, intervalMs: 1000, units: [{ unitId, map: registers }] },
      };
    }
    case 'modbus-contacts': {
      const { unitId, inputs, openIsOn } = spec.options;
      const points = Array.from({ length: inputs }, (_, input) => {
        return {
          quantity: 'contact',
          functionCode: 2,
          address: input,
          openWhen: openIsOn,
          channel: `door-${input + 1}`,
        };
      });
      return { driver: 'modbus-rtu', options: { path: address, intervalMs: 500, units: [{ unitId, points }] } };
    }
    case 'witmotion': {
      const { rateHz } = spec.options;
      const measured = { sampleRateHz: rateHz, shortestPulseMs: Math.max(50, Math.ceil(10_000 / rateHz)) };
      return { driver: 'witmotion', options: { path: address, thresholdG: 3, ...measured } };
    }
    case 'zebra-ssi':
    case 'honeywell':
      return { driver: spec.kind, options: { path: address } };
    case 'nmea-gps':
      return { driver: 'nmea', options: { path: address, intervalMs: 1000 } };
    case 'gpsd':
      return { driver: 'gpsd', options: { host, port, intervalMs: 1000 } };
    case 'one-wire':
      return { driver: 'one-wire', options: { folder: address, intervalMs: 1000 } };
    case 'gpio-contact': {
      const { chip, firstLine, inputs: count, openIsHigh } = spec.options;
      const inputs = Array.from({ length: count }, (_, input) => {
        return { line: firstLine + input, channel: `door-${input + 1}`, openWhen: openIsHigh ? 'high' : 'low' };
      });
      return { driver: 'gpio-contact', options: { chip, inputs, programFolder: address } };
    }
    default:
      return undefined;
  }
}
