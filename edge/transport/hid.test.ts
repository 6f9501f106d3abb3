import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HidPort, type HidSystem, openHid } from './hid.ts';
import type { HidInfo } from './hid-select.ts';
import { type HidOptions, hidReport, parseHidReport } from './transport.ts';

const never = new AbortController().signal;
const POS = { page: 0x8c, id: 2 };

/** A reader as node-hid lists it, one entry per collection. */
function listed(path: string, more: Partial<HidInfo> = {}): HidInfo {
  return {
    path,
    vendorId: 0x05e0,
    productId: 0x1200,
    interface: 0,
    usagePage: POS.page,
    usage: POS.id,
    manufacturer: 'Symbol',
    product: 'DS457',
    ...more,
  };
}
const keyboard = (path: string) => listed(path, { usagePage: 1, usage: 6 });

let sysFolder: string;
beforeEach(async () => {
  sysFolder = await mkdtemp(join(tmpdir(), 'milepost-sys-'));
});
afterEach(() => rm(sysFolder, { recursive: true }));

/** The device's place in /sys. */
async function plugged(hidraw: string, place: string): Promise<void> {
  const device = join(sysFolder, 'devices/pci0000:00/0000:00:14.0/usb1', place);
  await mkdir(device, { recursive: true });
  await mkdir(join(sysFolder, 'class/hidraw', hidraw), { recursive: true });
  await symlink(device, join(sysFolder, 'class/hidraw', hidraw, 'device'));
}

class FakePort extends EventEmitter implements HidPort {
  readonly calls: string[] = [];
  stuck = false;
  pause(): void {
    this.calls.push('pause');
  }
  resume(): void {
    this.calls.push('resume');
  }
  async write(bytes: Buffer): Promise<number> {
    this.calls.push(`output ${bytes.toString('hex')}`);
    if (this.stuck) throw new Error('could not write');
    return bytes.length;
  }
  async sendFeatureReport(bytes: Buffer): Promise<number> {
    this.calls.push(`feature ${bytes.toString('hex')}`);
    return bytes.length;
  }
  async close(): Promise<void> {
    this.calls.push('close');
  }
}

function box(devices: HidInfo[], overrides: Partial<HidSystem> = {}) {
  const opened: string[] = [];
  const port = new FakePort();
  const system: HidSystem = {
    load: async () => ({
      devicesAsync: async () => devices,
      HIDAsync: {
        open: async (path) => {
          opened.push(path);
          return port;
        },
      },
    }),
    mayOpen: async () => {},
    sysFolder,
    ...overrides,
  };
  const open = (options: Omit<HidOptions, 'kind'> = {}) => openHid({ kind: 'hid', ...options }, never, system);
  return { open, opened, port };
}

const failing = (code: string) => ({
  mayOpen: async () => Promise.reject(Object.assign(new Error(`${code}: …`), { code })),
});

describe('which HID device', () => {
  it('is found by what it shows, among all that are attached', async () => {
    const { open, opened } = box([listed('/dev/hidraw0', { usagePage: 1, usage: 2 }), listed('/dev/hidraw1')]);
    await (await open({ usage: POS })).close();
    expect(opened).toEqual(['/dev/hidraw1']);
  });

  it('is one device, however many collections it shows', async () => {
    const { open, opened } = box([listed('/dev/hidraw0', { usagePage: 0xff45, usage: 1 }), listed('/dev/hidraw0')]);
    await (await open({ usbIds: ['05e0:1200'], usage: POS })).close();
    expect(opened).toEqual(['/dev/hidraw0']);
  });

  it('is refused where two fit, and told apart by serial number or socket', async () => {
    await plugged('hidraw0', '1-1/1-1.2/1-1.2:1.0/0003:05E0:1200.0001');
    await plugged('hidraw1', '1-1/1-1.4/1-1.4:1.0/0003:05E0:1200.0002');
    const devices = [listed('/dev/hidraw0', { serialNumber: 'A' }), listed('/dev/hidraw1', { serialNumber: 'B' })];
    const { open, opened } = box(devices);
    await expect(open({ usage: POS })).rejects.toMatchObject({
      code: 'hid-ambiguous',
      message: expect.stringMatching(/2 devices fit .*\(1-1\.2, 1-1\.4\).*serialNumber or usbPort/),
    });
    await open({ serialNumber: 'B' });
    await open({ usbPort: '1-1.2' });
    await open({ path: '/dev/hidraw1' });
    expect(opened).toEqual(['/dev/hidraw1', '/dev/hidraw0', '/dev/hidraw1']);
  });

  it('is missing when nothing fits', async () => {
    const { open } = box([listed('/dev/hidraw0')]);
    await expect(open({ usbIds: ['413d:2107'], interfaceNumber: 1 })).rejects.toMatchObject({
      code: 'port-missing',
      message: expect.stringContaining('413d:2107'),
    });
    await expect(open({ interfaceNumber: 1 })).rejects.toMatchObject({ code: 'port-missing' });
    // A keyboard that nobody spoke of is no reader in the wrong mode.
    await expect(box([keyboard('/dev/hidraw0')]).open({ usage: POS })).rejects.toMatchObject({ code: 'port-missing' });
  });

  it('says that the reader is in keyboard mode', async () => {
    const { open } = box([keyboard('/dev/hidraw0')]);
    await expect(open({ usbIds: ['05e0:1200'], usage: POS })).rejects.toMatchObject({
      code: 'hid-mode',
      message: expect.stringMatching(/does not show usage 8c\/02.*it shows 01\/06.*keyboard mode.*USB HID POS/),
    });
  });

  it.each([
    ['EACCES', 'port-denied', 'hidraw*'],
    ['ENOENT', 'port-missing', 'unplugged'],
    ['EIO', 'port-failed', 'EIO'],
  ])('%s → %s', async (system, code, hint) => {
    const { open } = box([listed('/dev/hidraw0')], failing(system));
    await expect(open()).rejects.toMatchObject({ code, message: expect.stringContaining(hint) });
  });

  it('says what to install when node-hid does not load', async () => {
    const { load } = await import('./native-module.ts').then(({ NODE_HID, nativeModuleMissing }) => ({
      load: async () => Promise.reject(nativeModuleMissing(NODE_HID, new Error('Cannot find module'))),
    }));
    await expect(box([], { load }).open()).rejects.toMatchObject({
      code: 'native-module-missing',
      message: expect.stringContaining('npm install node-hid'),
    });
  });
});

describe('an open HID device', () => {
  it('gives each report as one chunk, and copies it', async () => {
    const { open, port } = box([listed('/dev/hidraw0')]);
    const transport = await open();
    const memory = Buffer.from([2, 1, 65]);
    port.emit('data', memory);
    memory.fill(0);
    port.emit('data', Buffer.from([2, 1, 66]));
    const reports = transport.incoming[Symbol.asyncIterator]();
    expect([...((await reports.next()).value ?? [])]).toEqual([2, 1, 65]);
    expect([...((await reports.next()).value ?? [])]).toEqual([2, 1, 66]);
    await transport.close();
    expect((await reports.next()).done).toBe(true);
    expect(port.calls).toEqual(['close']);
  });

  it('writes output and feature reports in order', async () => {
    const { open, port } = box([listed('/dev/hidraw0')]);
    const transport = await open();
    await Promise.all([
      transport.write(hidReport('feature', Buffer.of(254, 1))),
      transport.write(hidReport('output', Buffer.of(0, 1, 128))),
    ]);
    expect(port.calls).toEqual(['feature fe01', 'output 000180']);
    await expect((async () => transport.write(Buffer.of(9, 1)))()).rejects.toThrow(TypeError);
    expect(() => parseHidReport(Buffer.of(0))).toThrow(TypeError);
    await transport.close();
  });

  it('is lost when it is unplugged: what it had said is still given', async () => {
    const { open, port } = box([listed('/dev/hidraw0')]);
    const transport = await open();
    port.emit('data', Buffer.from([2]));
    port.emit('error', new Error('could not read data from device'));
    const reports = transport.incoming[Symbol.asyncIterator]();
    expect((await reports.next()).value).toEqual(Buffer.from([2]));
    await expect(reports.next()).rejects.toMatchObject({ code: 'port-lost' });
    await expect(transport.write(hidReport('output', Buffer.of(0)))).rejects.toMatchObject({ code: 'port-lost' });
    await transport.close();
    expect(port.calls).toEqual(['close']);
  });

  it('is lost when a write fails', async () => {
    const { open, port } = box([listed('/dev/hidraw0')]);
    port.stuck = true;
    const transport = await open();
    await expect(transport.write(hidReport('output', Buffer.of(0, 1)))).rejects.toMatchObject({ code: 'port-lost' });
    await expect(transport.incoming[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'port-lost' });
  });

  it('stops reading when nobody takes', async () => {
    const { open, port } = box([listed('/dev/hidraw0')]);
    const transport = await open();
    const reports = transport.incoming[Symbol.asyncIterator]();
    for (let i = 0; i < 4; i++) port.emit('data', Buffer.alloc(64 * 1024));
    expect(port.calls).toEqual(['pause']);
    await reports.next();
    await reports.next();
    expect(port.calls).toEqual(['pause', 'resume']);
    await transport.close();
  });
});
