import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { discoverPorts, type ListedPort } from './discover.ts';

let dev: string;
beforeEach(async () => {
  dev = await mkdtemp(join(tmpdir(), 'milepost-dev-'));
  await mkdir(join(dev, 'serial/by-id'), { recursive: true });
  await mkdir(join(dev, 'serial/by-path'), { recursive: true });
});
afterEach(() => rm(dev, { recursive: true }));

/** A device file with its links, as udev makes them; returns what the operating system lists. */
async function plug(name: string, links: { byId?: string; byPath?: string }, info: Partial<ListedPort> = {}) {
  const path = join(dev, name);
  await writeFile(path, '');
  if (links.byId) {
    await rm(join(dev, 'serial/by-id', links.byId), { force: true });
    await symlink(path, join(dev, 'serial/by-id', links.byId));
  }
  if (links.byPath) await symlink(path, join(dev, 'serial/by-path', links.byPath));
  return { path, ...info };
}

it('proposes a bar code reader by its serial number', async () => {
  const port = await plug(
    'ttyACM0',
    { byId: 'usb-Symbol_DS457-if00', byPath: 'pci-0:1.1' },
    { vendorId: '05E0', productId: '1701', serialNumber: 'S123', manufacturer: 'Symbol' },
  );
  expect(await discoverPorts({ devFolder: dev, listPorts: async () => [port] })).toEqual([
    {
      devicePath: join(dev, 'ttyACM0'),
      stablePath: join(dev, 'serial/by-id/usb-Symbol_DS457-if00'),
      stability: 'serial-number',
      manufacturer: 'Symbol',
      serialNumber: 'S123',
      usbId: '05e0:1701',
      suggestion: {
        certainty: 'known',
        why: 'Zebra (Symbol) bar code reader',
        entry: {
          id: 'scanner-1',
          driver: 'serial-barcode',
          options: { path: join(dev, 'serial/by-id/usb-Symbol_DS457-if00') },
        },
      },
    },
  ]);
});

it('tells two adapters without serial numbers apart by their sockets', async () => {
  const ch340 = { vendorId: '1a86', productId: '7523' };
  // The second one takes the by-id name over from the first.
  const ports = [
    await plug('ttyUSB0', { byId: 'usb-1a86_USB_Serial-if00-port0', byPath: 'pci-0:1.2' }, ch340),
    await plug('ttyUSB1', { byId: 'usb-1a86_USB_Serial-if00-port0', byPath: 'pci-0:1.3' }, ch340),
  ];
  const found = await discoverPorts({ devFolder: dev, listPorts: async () => ports });
  expect(found.map(({ stability }) => stability)).toEqual(['socket', 'socket']);
  expect(found.map(({ stablePath }) => stablePath)).toEqual([
    join(dev, 'serial/by-path/pci-0:1.2'),
    join(dev, 'serial/by-path/pci-0:1.3'),
  ]);
  expect(found.map(({ suggestion }) => [suggestion.certainty, suggestion.entry.id])).toEqual([
    ['guess', 'serial-1'],
    ['guess', 'serial-2'],
  ]);
});

it('leaves out the empty serial ports of a motherboard, keeps an on-board UART, and works without udev', async () => {
  const list = ['/dev/ttyS0', '/dev/ttyS1', '/dev/ttyAMA0'].map((path) => ({ path }));
  const found = await discoverPorts({ devFolder: join(dev, 'none'), listPorts: async () => list });
  expect(found.map(({ devicePath, stability }) => [devicePath, stability])).toEqual([['/dev/ttyAMA0', 'none']]);

  const gps = await plug('ttyACM3', { byPath: 'pci-0:4' });
  const fromLinks = await discoverPorts({ devFolder: dev, listPorts: async () => [] });
  expect(fromLinks.map(({ devicePath }) => devicePath)).toEqual([gps.path]);
});

it('asks the real operating system without a fault', async () => {
  for (const port of await discoverPorts()) expect(port.suggestion.entry.options.path).toBe(port.stablePath);
});
