/**
 * HID devices that do not exist, as umockdev shows them to one process: a description of the device in /sys, the ioctls that hidapi needs,
 * and a script of what the device file says and is told.
 *
 * Found out with umockdev 0.17.16 and node-hid 3.4: without the hid parent's report_descriptor and the `device` link the usage is missing from
 * the listing; a device file without recorded HIDIOCGRDESCSIZE and HIDIOCGRDESC is "not a HIDRAW device"; a feature report is
 * `HIDIOCSFEATURE <result> <bytes>`.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface MockHid {
  /** hidraw0, hidraw1, … */
  number: number;
  vendorId: string;
  productId: string;
  serialNumber?: string;
  usbPort: string;
  interfaceNumber?: number;
  /** Report descriptor, hexadecimal. */
  descriptor: string;
  /** Feature reports that it takes. */
  features?: readonly string[];
  /** `r` what the device says after so many milliseconds, `w` what it waits to be told; hexadecimal. */
  script: readonly (['r', number, string] | ['w', string])[];
}

/** Arguments of umockdev-run up to `--`. */
export async function mockHid(folder: string, devices: readonly MockHid[]): Promise<string[]> {
  const description = join(folder, 'devices.umockdev');
  await writeFile(description, devices.map(describeDevice).join('\n'));
  const parts = await Promise.all(
    devices.map(async (device) => {
      const [ioctl, script] = [join(folder, `${device.number}.ioctl`), join(folder, `${device.number}.script`)];
      await writeFile(ioctl, ioctls(device));
      await writeFile(script, device.script.map(scriptLine).join(''), 'latin1');
      const file = `/dev/hidraw${device.number}`;
      return ['-i', `${file}=${ioctl}`, '-s', `${file}=${script}`];
    }),
  );
  return ['-d', description, ...parts.flat()];
}

function describeDevice(device: MockHid): string {
  const { number, vendorId, productId, serialNumber = '', usbPort, interfaceNumber = 0, descriptor } = device;
  const usb = `/devices/pci0000:00/0000:00:14.0/usb1/${usbPort}`;
  const usbInterface = `${usb}/${usbPort}:1.${interfaceNumber}`;
  const ids = `${vendorId}:${productId}`.toUpperCase();
  const hid = `0003:${ids}.000${number + 1}`;
  return `P: ${usb}
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor=${vendorId}
A: idProduct=${productId}
A: manufacturer=Test
A: product=Mock
A: serial=${serialNumber}

P: ${usbInterface}
E: DEVTYPE=usb_interface
E: SUBSYSTEM=usb
A: bInterfaceNumber=0${interfaceNumber}

P: ${usbInterface}/${hid}
E: SUBSYSTEM=hid
E: HID_ID=0003:0000${ids.replace(':', ':0000')}
E: HID_NAME=Test Mock
E: HID_UNIQ=${serialNumber}
E: HID_PHYS=usb-0000:00:14.0-${usbPort}/input${interfaceNumber}
H: report_descriptor=${descriptor.toUpperCase()}

P: ${usbInterface}/${hid}/hidraw/hidraw${number}
N: hidraw${number}
E: DEVNAME=/dev/hidraw${number}
E: SUBSYSTEM=hidraw
L: device=../../../${hid}
`;
}

function ioctls({ number, descriptor, features = [] }: MockHid): string {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(descriptor.length / 2);
  const hexSize = size.toString('hex').toUpperCase();
  return [
    `@DEV /dev/hidraw${number}`,
    `HIDIOCGRDESCSIZE 0 ${hexSize}`,
    `HIDIOCGRDESC 0 ${hexSize}${descriptor.toUpperCase()}`,
    ...features.map((report) => `HIDIOCSFEATURE ${report.length / 2} ${report.toUpperCase()}`),
    '',
  ].join('\n');
}

function scriptLine(step: MockHid['script'][number]): string {
  const [delayMs, hex] = step[0] === 'r' ? [step[1], step[2]] : [0, step[1]];
  return `${step[0]} ${delayMs} ${encode(Buffer.from(hex, 'hex'))}\n`;
}

/** umockdev(1), script format: control characters as `^@`, `^A`, …; the caret itself as `^` and a backtick. */
function encode(bytes: Buffer): string {
  return [...bytes]
    .map((byte) =>
      byte < 0x20 ? `^${String.fromCharCode(byte + 0x40)}` : byte === 0x5e ? '^`' : String.fromCharCode(byte),
    )
    .join('');
}
