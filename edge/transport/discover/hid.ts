/** HID devices that a driver reads: point-of-sale scanners and TEMPer thermometers; and scanners that pose as a keyboard. */
import { HID_POS_USAGE, TEMPER_INTERFACE, TEMPER_USB_IDS } from '../../../protocols/hid/index.ts';
import { makerOf } from '../discover.ts';
import { loadHid } from '../hid.ts';
import { type HidDevice, type HidInfo, isKeyboard, listHid, showsUsage } from '../hid-select.ts';
import type { Finding, Look } from './finding.ts';

export interface HidLookOptions {
  load?: () => Promise<{ devicesAsync(): Promise<HidInfo[]> }>;
  sysFolder?: string;
}

export async function lookAtHid({ load = loadHid, sysFolder = '/sys' }: HidLookOptions = {}): Promise<Look> {
  const devices = await listHid(await load(), sysFolder);
  const scanners = devices.filter((device) => showsUsage(device, HID_POS_USAGE));
  const sticks = devices.filter(
    ({ usbId, interfaceNumber }) => TEMPER_USB_IDS.includes(usbId) && interfaceNumber === TEMPER_INTERFACE,
  );
  const posIds = new Set(scanners.map(({ usbPort, path }) => usbPort ?? path));
  const keyboards = devices.filter(
    (device) =>
      isKeyboard(device) &&
      makerOf(device.usbId)?.driver === 'serial-barcode' &&
      !posIds.has(device.usbPort ?? device.path),
  );
  return {
    findings: [
      ...scanners.map((device) => scanner(device, scanners)),
      ...sticks.map((device) => thermometer(device, sticks)),
      ...keyboards.map(keyboard),
    ],
  };
}

function scanner(device: HidDevice, all: readonly HidDevice[]): Finding {
  return {
    ...placeOf(device),
    certainty: 'known',
    why: 'bar code reader in point-of-sale mode',
    entry: { name: 'scanner', driver: 'hid-barcode', options: identity(device, all), readsPackages: true },
  };
}

function thermometer(device: HidDevice, all: readonly HidDevice[]): Finding {
  return {
    ...placeOf(device),
    certainty: 'known',
    why: 'TEMPer thermometer',
    entry: { name: 'thermometer', driver: 'temper-hid', options: identity(device, all), readsPackages: false },
  };
}

function keyboard(device: HidDevice): Finding {
  return {
    ...placeOf(device),
    certainty: 'hint',
    why: "bar code reader in keyboard mode: scan the label 'USB HID POS' (or 'USB COM port emulation') of its manual, then look again",
  };
}

function placeOf(device: HidDevice): Pick<Finding, 'family' | 'place' | 'what'> {
  const { path, usbId, usbPort, serialNumber, name } = device;
  const parts = [name, `USB ${usbId}`, usbPort && `socket ${usbPort}`, serialNumber && `serial number ${serialNumber}`];
  return { family: 'hid', place: path, what: parts.filter(Boolean).join(', ') };
}

/** What tells it from the others of its kind, and stays so after a restart. */
function identity(device: HidDevice, all: readonly HidDevice[]): Record<string, string> {
  const { usbId, serialNumber, usbPort } = device;
  const alike = all.filter((other) => other.usbId === usbId);
  const isUnique =
    serialNumber !== undefined && alike.filter((each) => each.serialNumber === serialNumber).length === 1;
  if (isUnique) return { usbId, serialNumber };
  return alike.length > 1 && usbPort !== undefined ? { usbId, usbPort } : { usbId };
}
