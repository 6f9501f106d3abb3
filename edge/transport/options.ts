/** The parts of a driver's options that say how its device is reached; the same words in every driver. */
import { z } from 'zod';
import type { HidOptions, SerialOptions, TcpOptions } from './transport.ts';

/** Fields of a serial port, to be spread into a driver's schema; defaults are the device family's factory settings. */
export function serialFields(factory: { baudRate: number; parity?: 'none' | 'even' | 'odd' }) {
  return {
    path: z
      .string()
      .regex(/^\/.+/, "an absolute path: /dev/serial/by-id/… ('milepost edge devices' lists them)")
      .describe('Port of the device; by-id or by-path, because /dev/ttyUSB0 may be another device after a restart'),
    baudRate: z.int().min(50).max(4_000_000).default(factory.baudRate).describe('Speed in baud, as set in the device'),
    dataBits: z.literal([5, 6, 7, 8]).default(8).describe('Data bits'),
    parity: z
      .enum(['none', 'even', 'odd'])
      .default(factory.parity ?? 'none')
      .describe('Parity bit'),
    stopBits: z.literal([1, 2]).default(1).describe('Stop bits'),
    rtscts: z.boolean().default(false).describe('Hardware flow control'),
  };
}

/** Fields of a TCP connection, to be spread into a driver's schema. */
export function tcpFields(factory: { port: number }) {
  return {
    host: z.string().min(1).describe('Name or address of the device'),
    port: z.int().min(1).max(65_535).default(factory.port).describe('TCP port'),
    connectTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe('How long to wait for the connection'),
  };
}

export function serialTransport(options: Omit<Required<SerialOptions>, 'kind'>): SerialOptions {
  const { path, baudRate, dataBits, parity, stopBits, rtscts } = options;
  return { kind: 'serial', path, baudRate, dataBits, parity, stopBits, rtscts };
}

export function tcpTransport(options: Omit<Required<TcpOptions>, 'kind'>): TcpOptions {
  const { host, port, connectTimeoutMs } = options;
  return { kind: 'tcp', host, port, connectTimeoutMs };
}

/** Fields that tell one HID device from the others, to be spread into a driver's schema. All may be left out where there is only one. */
export const hidFields = {
  usbId: z
    .string()
    .regex(/^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$/, "vendor and product as 'lsusb' shows them: 05e0:1200")
    .transform((id) => id.toLowerCase())
    .optional()
    .describe('USB vendor and product'),
  serialNumber: z.string().min(1).max(126).optional().describe('Serial number of the device'),
  usbPort: z
    .string()
    .regex(/^\d+-\d+(\.\d+)*$/, "a USB socket as the kernel counts them: 1-1.4 ('milepost edge devices' lists them)")
    .optional()
    .describe('USB socket, for devices without a serial number of which there are several'),
  path: z.string().regex(/^\/.+/, 'an absolute path').optional().describe('Device file, or a link of udev’s to it'),
};

export function hidIdentity(options: {
  usbId?: string | undefined;
  serialNumber?: string | undefined;
  usbPort?: string | undefined;
  path?: string | undefined;
}): Pick<HidOptions, 'kind' | 'usbIds' | 'serialNumber' | 'usbPort' | 'path'> {
  const { usbId, serialNumber, usbPort, path } = options;
  return {
    kind: 'hid',
    ...(usbId !== undefined && { usbIds: [usbId] }),
    ...(serialNumber !== undefined && { serialNumber }),
    ...(usbPort !== undefined && { usbPort }),
    ...(path !== undefined && { path }),
  };
}

/** Name of one sensor of a device that has several: `channel` of its readings. */
export const channelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$/, 'letters, digits, dots, colons, dashes or underscores');
