/**
 * Which of the HID devices of this box is the one that a configuration means.
 *
 * One device may be listed several times, once for each top-level collection it shows; all entries of a device file are one device. The
 * USB socket comes from the device's place in /sys: `…/usb1/1-1/1-1.4/1-1.4:1.0/0003:05E0:1200.0003`.
 */
import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describeTransport, type HidOptions, TransportError } from './transport.ts';

/** What node-hid tells of a device (the part that is used). */
export interface HidInfo {
  vendorId: number;
  productId: number;
  path?: string | undefined;
  serialNumber?: string | undefined;
  manufacturer?: string | undefined;
  product?: string | undefined;
  interface: number;
  usagePage?: number | undefined;
  usage?: number | undefined;
}

export interface HidDevice {
  path: string;
  /** `vvvv:pppp` */
  usbId: string;
  serialNumber: string | undefined;
  usbPort: string | undefined;
  name: string;
  interfaceNumber: number;
  usages: readonly { page: number; id: number }[];
}

/** HID Usage Tables: what a reader in keyboard mode shows. */
const KEYBOARD = { page: 0x01, id: 0x06 };

export async function listHid(
  hid: { devicesAsync(): Promise<HidInfo[]> },
  sysFolder: string = '/sys',
): Promise<HidDevice[]> {
  const devices = new Map<string, HidDevice>();
  for (const info of await hid.devicesAsync()) {
    if (info.path === undefined) continue;
    const usage =
      info.usagePage === undefined || info.usage === undefined ? [] : [{ page: info.usagePage, id: info.usage }];
    const known = devices.get(info.path);
    devices.set(info.path, {
      path: info.path,
      usbId: `${hex4(info.vendorId)}:${hex4(info.productId)}`,
      serialNumber: info.serialNumber || undefined,
      usbPort: known?.usbPort ?? (await usbPortOf(info.path, sysFolder)),
      name: [info.manufacturer, info.product].filter(Boolean).join(' '),
      interfaceNumber: info.interface,
      usages: [...(known?.usages ?? []), ...usage],
    });
  }
  return [...devices.values()].sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/** @throws TransportError `port-missing`, `hid-mode`, `hid-ambiguous` */
export function selectHid(devices: readonly HidDevice[], options: HidOptions): HidDevice {
  const name = describeTransport(options);
  const meant = devices.filter((device) => isMeant(device, options));
  const fitting = meant.filter((device) => showsUsage(device, options.usage));
  const [first, second] = fitting;
  if (first && !second) return first;
  if (first) {
    const places = fitting.map(({ usbPort, path }) => usbPort ?? path).join(', ');
    throw new TransportError({
      code: 'hid-ambiguous',
      message: `${fitting.length} devices fit '${name}' (${places}): say which with serialNumber or usbPort`,
    });
  }
  const [other] = meant;
  if (other && options.usage && options.usbIds?.length !== 0 && isNamed(options)) {
    throw new TransportError({ code: 'hid-mode', message: wrongMode(name, other, options.usage) });
  }
  throw new TransportError({
    code: 'port-missing',
    message: `${name} is not attached: 'milepost edge devices' lists the HID devices of this box`,
  });
}

export function showsUsage(device: HidDevice, usage: HidOptions['usage']): boolean {
  return usage === undefined || device.usages.some(({ page, id }) => page === usage.page && id === usage.id);
}

export function isKeyboard(device: HidDevice): boolean {
  return showsUsage(device, KEYBOARD);
}

/** Something in the configuration tells the device from any other: one that fits it and shows another usage is worth a word. */
function isNamed({ usbIds, serialNumber, usbPort, path }: HidOptions): boolean {
  return [usbIds, serialNumber, usbPort, path].some((given) => given !== undefined);
}

function isMeant(device: HidDevice, options: HidOptions): boolean {
  const { path, usbIds, serialNumber, usbPort, interfaceNumber } = options;
  return (
    (path === undefined || device.path === path) &&
    (usbIds === undefined || usbIds.includes(device.usbId)) &&
    (serialNumber === undefined || device.serialNumber === serialNumber) &&
    (usbPort === undefined || device.usbPort === usbPort) &&
    (interfaceNumber === undefined || device.interfaceNumber === interfaceNumber)
  );
}

function wrongMode(name: string, device: HidDevice, wanted: { page: number; id: number }): string {
  const shown = device.usages.map(usageText).join(', ') || 'none';
  const what = isKeyboard(device)
    ? `it is in keyboard mode: scan the programming label 'USB HID POS' (or 'USB POS mode') of the reader's manual`
    : `is it the right device, and in the right mode?`;
  return `${name} is attached, but does not show usage ${usageText(wanted)} (it shows ${shown}): ${what}`;
}

function usageText({ page, id }: { page: number; id: number }): string {
  return `${page.toString(16).padStart(2, '0')}/${id.toString(16).padStart(2, '0')} (hex)`;
}

async function usbPortOf(path: string, sysFolder: string): Promise<string | undefined> {
  const place = await realpath(join(sysFolder, 'class/hidraw', basename(path), 'device')).catch(() => '');
  return /\/(\d+-\d+(?:\.\d+)*):\d+\.\d+\/[^/]+$/.exec(place)?.[1];
}

function hex4(id: number): string {
  return id.toString(16).padStart(4, '0');
}
