import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CONNECTION_ATTEMPT,
  decodeMessage,
  encodeMessage,
  LlrpFramer,
  llrpStatus,
  type Message,
  readerEvent,
} from '../../../protocols/llrp/index.ts';
import { checkEdgeConfig } from '../../config.ts';
import { EventLoopClock } from '../event-loop-clock.test-support.ts';
import type { HidInfo } from '../hid-select.ts';
import type { Finding } from './finding.ts';
import { lookAtGpio } from './gpio.ts';
import { lookAtGpsd } from './gpsd.ts';
import { lookAtHid } from './hid.ts';
import { expandHosts, MOST_HOSTS } from './hosts.ts';
import { lookForLlrp } from './llrp.ts';
import { lookAtOneWire } from './one-wire.ts';
import { lookAtSerial } from './serial.ts';
import { renderConfig, suggestConfig } from './suggest-config.ts';

const signal = new AbortController().signal;
const clock = new EventLoopClock();
let folder: string;
const servers: { server: Server; sockets: Set<Socket> }[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-discover-'));
});
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(folder, { recursive: true });
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const hid = (more: Partial<HidInfo>): HidInfo => ({
  vendorId: 0x05e0,
  productId: 0x1200,
  interface: 0,
  manufacturer: 'Symbol',
  product: 'DS457',
  usagePage: 0x8c,
  usage: 2,
  ...more,
});

function lookAtThese(...devices: HidInfo[]): Promise<{ findings: Finding[] }> {
  return lookAtHid({ load: async () => ({ devicesAsync: async () => devices }), sysFolder: folder });
}

describe('hosts', () => {
  it.each([
    [['reader-1'], ['reader-1']],
    [['192.0.2.7', '192.0.2.7'], ['192.0.2.7']],
    [['192.0.2.6/30'], ['192.0.2.5', '192.0.2.6']],
    [['192.0.2.9/31'], ['192.0.2.8', '192.0.2.9']],
    [['192.0.2.9/32'], ['192.0.2.9']],
    [['fe80::1'], ['fe80::1']],
  ])('%j', (words, hosts) => {
    expect(expandHosts(words)).toEqual({ hosts });
  });

  it('asks no more than it may', () => {
    expect(expandHosts(['10.0.0.0/22'])).toMatchObject({ hosts: { length: 1022 } });
    const many = Array.from({ length: MOST_HOSTS + 1 }, (_, index) => `h${index}`);
    for (const words of [['10.0.0.0/8'], ['10.0.0.0/22', '10.1.0.0/30', '10.2.0.0/30'], many]) {
      expect(expandHosts(words)).toMatchObject({ error: expect.stringContaining(String(MOST_HOSTS)) });
    }
  });

  it.each(['192.0.2.0/33', '192.0.2/24', '300.0.2.0/24', 'a b', '', '192.0.2.0/'])('refuses %j', (word) => {
    expect(expandHosts([word])).toMatchObject({ error: expect.stringContaining(`'${word}'`) });
  });
});

describe('what is attached', () => {
  it('HID: readers by serial number, thermometers on their interface, keyboards as a hint', async () => {
    const { findings } = await lookAtThese(
      hid({ path: '/dev/hidraw0', serialNumber: 'S1' }),
      hid({ path: '/dev/hidraw1', vendorId: 0x413d, productId: 0x2107, interface: 0, usagePage: 1, usage: 6 }),
      hid({ path: '/dev/hidraw2', vendorId: 0x413d, productId: 0x2107, interface: 1, usagePage: 0xff00, usage: 1 }),
      hid({ path: '/dev/hidraw3', productId: 0x1300, usagePage: 1, usage: 6 }),
      hid({ path: '/dev/hidraw4', vendorId: 0x046d, usagePage: 1, usage: 6 }),
    );
    expect(findings.map(({ place, certainty, entry }) => [place, certainty, entry?.driver, entry?.options])).toEqual([
      ['/dev/hidraw0', 'known', 'hid-barcode', { usbId: '05e0:1200', serialNumber: 'S1' }],
      ['/dev/hidraw2', 'known', 'temper-hid', { usbId: '413d:2107' }],
      ['/dev/hidraw3', 'hint', undefined, undefined],
    ]);
    expect(findings[2]?.why).toContain('USB HID POS');
  });

  it('1-Wire: one entry with a channel for each thermometer', async () => {
    for (const name of ['28-0316a2795aff', '10-000802b4ba0e', '29-000000000001', 'w1_bus_master1']) {
      await mkdir(join(folder, name));
    }
    const { findings } = await lookAtOneWire(folder);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.entry?.options).toEqual({
      folder,
      sensors: [
        { rom: '10-000802b4ba0e', channel: '10-000802b4ba0e' },
        { rom: '28-0316a2795aff', channel: '28-0316a2795aff' },
      ],
    });
    expect(await lookAtOneWire(join(folder, 'none'))).toEqual({ findings: [] });
  });

  it('GPIO: an example, or what is missing', async () => {
    const look = await lookAtGpio(async () => 'gpiochip0 [pinctrl-bcm2835] (54 lines)\ngpiochip1 [x] (8 lines)\n');
    expect(look.findings.map(({ place, certainty }) => [place, certainty])).toEqual([
      ['gpiochip0', 'hint'],
      ['gpiochip1', 'hint'],
    ]);
    expect(await lookAtGpio(async () => undefined)).toMatchObject({
      findings: [],
      problem: expect.stringContaining('gpiod'),
    });
  });

  it('serial: a receiver that gpsd reads is not free', async () => {
    const path = join(folder, 'ttyACM0');
    await writeFile(path, '');
    const listPorts = async () => [{ path, vendorId: '1546', productId: '01a7', manufacturer: 'u-blox' }];
    const free = await lookAtSerial({ devFolder: folder, listPorts });
    expect(free.findings).toMatchObject([{ place: path, certainty: 'known', entry: { driver: 'nmea' } }]);
    const taken = await lookAtSerial({ devFolder: folder, listPorts, takenByGpsd: [path] });
    expect(taken.findings).toMatchObject([{ place: path, certainty: 'hint' }]);
    expect(taken.findings[0]).not.toHaveProperty('entry');
  });

  it('gpsd: with a receiver, without one, not at all', async () => {
    const greet = (devices: object[]) => (socket: Socket) => {
      socket.write('{"class":"VERSION","release":"3.22","proto_major":3,"proto_minor":14}\r\n');
      socket.once('data', () => socket.write(`${JSON.stringify({ class: 'DEVICES', devices })}\r\n`));
    };
    const host = '127.0.0.1';
    const port = await listen(greet([{ class: 'DEVICE', path: '/dev/ttyACM0', driver: 'u-blox', activated: 1 }]));
    const found = await lookAtGpsd({ clock, signal, host, port });
    expect(found.receivers).toEqual(['/dev/ttyACM0']);
    expect(found.findings).toMatchObject([{ certainty: 'known', entry: { driver: 'gpsd', options: { host, port } } }]);
    const empty = await listen(greet([]));
    expect((await lookAtGpsd({ clock, signal, host, port: empty })).findings).toMatchObject([{ certainty: 'hint' }]);
    const other = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await lookAtGpsd({ clock, signal, host, port: other })).findings).toEqual([]);
  });
});

describe('LLRP readers', () => {
  const general = {
    name: 'GeneralDeviceCapabilities',
    maxNumberOfAntennas: 4,
    canSetAntennaProperties: false,
    hasUtcClock: true,
    manufacturer: 25882,
    model: 2001002,
    firmwareVersion: '7.6.1',
    parameters: [],
  } as const;

  const UPTIME = { name: 'Uptime', microseconds: 1_000n } as const;

  function welcome(status: number): Buffer {
    const event = { name: 'ConnectionAttemptEvent', status } as const;
    return encodeMessage(readerEvent({ version: 1, id: 0, at: UPTIME, event }));
  }

  async function reader(asked: string[]): Promise<number> {
    return await listen((socket) => {
      const framer = new LlrpFramer();
      socket.write(welcome(CONNECTION_ATTEMPT.success));
      socket.on('data', (chunk) => {
        for (const frame of framer.push(chunk)) {
          const { name, id } = decodeMessage(frame);
          asked.push(name);
          const parameters = [llrpStatus(0), ...(name === 'GET_READER_CAPABILITIES' ? [general] : [])];
          socket.write(encodeMessage({ name: `${name}_RESPONSE`, version: 1, id, parameters } as Message));
        }
      });
    });
  }

  it('says who they are, and takes its leave', async () => {
    const asked: string[] = [];
    const port = await reader(asked);
    const progress: number[] = [];
    const onProgress = (count: number) => progress.push(count);
    const { findings } = await lookForLlrp({ hosts: ['127.0.0.1', 'localhost'], port, clock, signal, onProgress });
    expect(findings[0]).toMatchObject({
      place: `127.0.0.1:${port}`,
      what: 'RFID reader (LLRP): Impinj model 2001002, firmware 7.6.1',
      why: '4 antenna ports',
      entry: { driver: 'llrp', options: { host: '127.0.0.1', port } },
    });
    expect(asked.slice(0, 2).sort()).toEqual(expect.arrayContaining(['GET_READER_CAPABILITIES']));
    expect(asked).toContain('CLOSE_CONNECTION');
    expect(progress).toEqual([1, 2]);
  });

  it('leaves one alone that is in use, and passes over what is none', async () => {
    const busy = await listen((socket) => socket.end(welcome(CONNECTION_ATTEMPT.clientInitiatedConnectionExists)));
    const { findings } = await lookForLlrp({ hosts: ['127.0.0.1'], port: busy, clock, signal });
    expect(findings).toMatchObject([{ certainty: 'known', why: expect.stringContaining('in use') }]);
    const web = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await lookForLlrp({ hosts: ['127.0.0.1'], port: web, clock, signal })).findings).not.toContainEqual(
      expect.objectContaining({ certainty: 'known' }),
    );
  });
});

describe('the configuration', () => {
  const findings: Finding[] = [
    {
      family: 'serial',
      place: '/dev/serial/by-id/usb-1',
      what: 'adapter',
      certainty: 'guess',
      why: 'set the driver',
      entry: {
        name: 'serial',
        driver: 'serial-barcode',
        options: { path: '/dev/serial/by-id/usb-1' },
        readsPackages: true,
      },
    },
    {
      family: 'hid',
      place: '/dev/hidraw0',
      what: 'a "quoted" name: with\na line break #1',
      certainty: 'known',
      why: 'reader',
      entry: { name: 'scanner', driver: 'hid-barcode', options: { usbId: '0536:1234' }, readsPackages: true },
    },
    {
      family: 'hid',
      place: '/dev/hidraw1',
      what: 'another',
      certainty: 'known',
      why: 'reader',
      entry: {
        name: 'scanner',
        driver: 'hid-barcode',
        options: { usbId: '0536:1235', usbPort: '1-1.4' },
        readsPackages: true,
      },
    },
    {
      family: 'gpio',
      place: 'gpiochip0',
      what: '54 lines',
      certainty: 'hint',
      why: 'an example',
      entry: {
        name: 'doors',
        driver: 'gpio-contact',
        options: { chip: 'gpiochip0', inputs: [{ line: 17, channel: 'door-1' }] },
        readsPackages: false,
      },
    },
    { family: 'hid', place: '/dev/hidraw3', what: '', certainty: 'hint', why: 'keyboard mode' },
  ];

  it('passes the check as it stands, with every entry and all that a person should know', async () => {
    const problems = ["GPIO chips: 'gpiodetect' is missing"];
    const text = renderConfig(findings, { hostname: 'Gate way_1', problems });
    const result = await checkEdgeConfig(text, 'suggested.yaml');
    expect(result).toMatchObject({ ok: true });
    if (!result.ok) return;
    expect(result.config.gateway.id).toBe('Gate-way_1');
    expect(result.config.devices.map(({ id, readPoint }) => [id, readPoint])).toEqual([
      ['serial-1', 'serial-1-place'],
      ['scanner-1', 'scanner-1-place'],
      ['scanner-2', 'scanner-2-place'],
    ]);
    expect(text).toContain('# A guess: set the driver');
    expect(text).toContain('# /dev/hidraw3\n');
    expect(text).toContain(`# Not looked at: ${problems[0]}`);
    // The example works too, once somebody takes the comment signs away.
    const uncommented = text.replace(/^ {2}# (- id: doors-1|( {2,}.*))$/gm, '  $1');
    expect(await checkEdgeConfig(uncommented, 'suggested.yaml')).toMatchObject({
      ok: true,
      config: { devices: { length: 4 } },
    });
    expect(suggestConfig(findings, 'x').devices).toHaveLength(3);
  });

  it('passes the check when nothing was found', async () => {
    const text = renderConfig([], { hostname: '---', problems: [] });
    expect(await checkEdgeConfig(text, 'suggested.yaml')).toMatchObject({ ok: true, config: { devices: [] } });
  });

  it('holds entries that each driver takes', async () => {
    const looks = [
      await lookAtThese(
        hid({ path: '/dev/hidraw0' }),
        hid({ path: '/dev/hidraw2', vendorId: 0x413d, productId: 0x2107, interface: 1 }),
      ),
      await lookAtGpio(async () => 'gpiochip0 [x] (54 lines)'),
    ];
    // As if somebody had chosen: a hint's example must be right as well.
    const all = looks
      .flatMap(({ findings: found }) => found)
      .map((found) => ({ ...found, certainty: 'known' as const }));
    const result = await checkEdgeConfig(renderConfig(all, { hostname: 'box', problems: [] }), 'suggested.yaml');
    expect(result).toMatchObject({ ok: true, config: { devices: { length: 4 } } });
  });
});
