/**
 * Which serial ports this box has, and an entry for the configuration for each (`milepost edge devices`).
 *
 * The path proposed is the most stable one that tells the device from others of its kind:
 * by-id when the adapter has a serial number; else by-path (the socket it is plugged into), because two adapters without serial
 * numbers share one by-id name, and which of them gets it is chance; else the bare device.
 * What hangs behind a general-purpose adapter cannot be known from outside: there the entry is a guess and says so.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { nativeModuleMissing, SERIALPORT } from './native-module.ts';

/** What the operating system knows about a port (the part of serialport's PortInfo that is used). */
export interface ListedPort {
  path: string;
  manufacturer?: string | undefined;
  serialNumber?: string | undefined;
  vendorId?: string | undefined;
  productId?: string | undefined;
}

export interface AttachedPort {
  /** The device, for example /dev/ttyUSB0: may name another device after a restart. */
  devicePath: string;
  /** The path to configure. */
  stablePath: string;
  stability: 'serial-number' | 'socket' | 'none';
  manufacturer?: string;
  serialNumber?: string;
  /** `vvvv:pppp`, USB only. */
  usbId?: string;
  suggestion: Suggestion;
}

export interface Suggestion {
  /** `known` by its USB id; `guess`: the adapter says nothing about what is behind it. */
  certainty: 'known' | 'guess';
  why: string;
  /** An entry of `devices` in the configuration, as it stands. */
  entry: { id: string; driver: string; options: { path: string } };
}

export interface DiscoverOptions {
  devFolder?: string;
  listPorts?: () => Promise<ListedPort[]>;
}

/** Ports with something attached, in order of their paths. @throws TransportError `native-module-missing`. */
export async function discoverPorts(options: DiscoverOptions = {}): Promise<AttachedPort[]> {
  const serialFolder = join(options.devFolder ?? '/dev', 'serial');
  const [listed, byId, byPath] = await Promise.all([
    (options.listPorts ?? listPorts)(),
    readLinks(join(serialFolder, 'by-id')),
    readLinks(join(serialFolder, 'by-path')),
  ]);
  const ports = new Map<string, ListedPort>();
  for (const devicePath of [...byId.keys(), ...byPath.keys()]) ports.set(devicePath, { path: devicePath });
  for (const port of listed) if (ports.has(port.path) || isAttached(port)) ports.set(port.path, port);
  const taken = new Set<string>();
  return [...ports.values()]
    .sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
    .map((port) => describePort(port, byId.get(port.path), byPath.get(port.path), taken));
}

function describePort(
  port: ListedPort,
  byId: string | undefined,
  byPath: string | undefined,
  takenIds: Set<string>,
): AttachedPort {
  const unique = port.serialNumber !== undefined && byId !== undefined;
  const stablePath = (unique ? byId : byPath) ?? byId ?? port.path;
  const usbId = port.vendorId && port.productId ? `${port.vendorId}:${port.productId}`.toLowerCase() : undefined;
  const { driver, name, certainty, why } = recognise(usbId);
  return {
    devicePath: port.path,
    stablePath,
    stability: unique ? 'serial-number' : byPath !== undefined ? 'socket' : 'none',
    ...(port.manufacturer && { manufacturer: port.manufacturer }),
    ...(port.serialNumber && { serialNumber: port.serialNumber }),
    ...(usbId && { usbId }),
    suggestion: { certainty, why, entry: { id: freeId(name, takenIds), driver, options: { path: stablePath } } },
  };
}

/** A motherboard lists up to 32 serial ports that do not exist; a USB device or an on-board UART of an ARM board does. */
function isAttached({ path, vendorId }: ListedPort): boolean {
  return vendorId !== undefined || /\/tty(AMA|O|MFD)\d+$/.test(path);
}

interface Recognised {
  driver: string;
  name: string;
  certainty: 'known' | 'guess';
  why: string;
}

// USB vendor ids as assigned by the USB-IF: makers of one kind of device only.
const MAKERS: Readonly<Record<string, Omit<Recognised, 'certainty'>>> = {
  '05e0': { driver: 'serial-barcode', name: 'scanner', why: 'Zebra (Symbol) bar code reader' },
  '0c2e': { driver: 'serial-barcode', name: 'scanner', why: 'Honeywell bar code reader' },
  '05f9': { driver: 'serial-barcode', name: 'scanner', why: 'Datalogic bar code reader' },
  '0536': { driver: 'serial-barcode', name: 'scanner', why: 'Honeywell (Hand Held Products) bar code reader' },
  '065a': { driver: 'serial-barcode', name: 'scanner', why: 'Opticon bar code reader' },
  '1546': { driver: 'nmea', name: 'gps', why: 'u-blox GNSS receiver' },
};

/** What a maker of one kind of device only makes. */
export function makerOf(usbId: string | undefined): Omit<Recognised, 'certainty'> | undefined {
  return MAKERS[usbId?.slice(0, 4) ?? ''];
}

function recognise(usbId: string | undefined): Recognised {
  const known = makerOf(usbId);
  if (known) return { ...known, certainty: 'known' };
  const what = usbId ? 'a general-purpose USB adapter' : 'an on-board port';
  return {
    driver: 'serial-barcode',
    name: 'serial',
    certainty: 'guess',
    why: `${what}: set the driver to what is behind it (serial-barcode, modbus-rtu, witmotion, nmea)`,
  };
}

function freeId(name: string, taken: Set<string>): string {
  let number = 1;
  while (taken.has(`${name}-${number}`)) number++;
  taken.add(`${name}-${number}`);
  return `${name}-${number}`;
}

/** Link target → link. A folder that does not exist has no links. */
async function readLinks(folder: string): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    const target = await realpath(join(folder, name)).catch(() => undefined);
    if (target !== undefined) links.set(target, join(folder, name));
  }
  return links;
}

async function listPorts(): Promise<ListedPort[]> {
  const { SerialPort } = await import('serialport').catch((cause: unknown) => {
    throw nativeModuleMissing(SERIALPORT, cause);
  });
  // It asks udev; a box without udev still has the links, or nothing to tell.
  return await SerialPort.list().catch(() => []);
}
