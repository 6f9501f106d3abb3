import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { memoryLines } from '../testing/memory-line.ts';
import { parseDeviceAddress } from './device.ts';
import { type CaptureEntry, CaptureWriter, readCapture } from './format.ts';
import { record } from './record.ts';
import { type ReplayOptions, replay } from './replay.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-capture-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function capture(text: string): Promise<string> {
  const file = join(folder, `capture-${files++}.jsonl`);
  await writeFile(file, text);
  return file;
}

async function entriesOf(file: string): Promise<CaptureEntry[]> {
  const entries: CaptureEntry[] = [];
  for await (const entry of readCapture(file)) entries.push(entry);
  return entries;
}

const line = (atUs: number, direction: string, text: string) =>
  `${JSON.stringify({ t_us: atUs, direction, hex: Buffer.from(text).toString('hex') })}\n`;

describe('capture format', () => {
  it('reads entries, with further keys and empty lines', async () => {
    const file = await capture(`{"t_us":0,"direction":"in","hex":"41","note":"x"}\n\n${line(5, 'out', 'BC')}`);
    expect(await entriesOf(file)).toEqual([
      { atUs: 0, direction: 'in', bytes: Buffer.from('A') },
      { atUs: 5, direction: 'out', bytes: Buffer.from('BC') },
    ]);
  });

  it('leaves out a torn last line, wherever it was torn', async () => {
    const whole = line(1, 'in', 'first') + line(2, 'in', 'second');
    const second = line(1, 'in', 'first').length;
    for (let end = second; end < whole.length - 1; end++) {
      expect(await entriesOf(await capture(whole.slice(0, end))), `cut at ${end}`).toHaveLength(1);
    }
    expect(await entriesOf(await capture(whole.slice(0, -1)))).toHaveLength(2);
  });

  it.each([
    ['no JSON', 'x\n', ':1: no JSON object'],
    ['a number', '5\n', ':1: no JSON object'],
    ['no time', '{"direction":"in","hex":"41"}\n', ':1: t_us'],
    ['a time that is no whole number', '{"t_us":1.5,"direction":"in","hex":"41"}\n', ':1: t_us'],
    ['another direction', '{"t_us":1,"direction":"up","hex":"41"}\n', ':1: direction'],
    ['half a byte', '{"t_us":1,"direction":"in","hex":"414"}\n', ':1: hex'],
    ['time that runs back', line(5, 'in', 'a') + line(4, 'in', 'b'), ':2: t_us 4 is less than 5'],
    ['a line without end', `${line(0, 'in', 'a')}${'4'.repeat(200_000)}`, ':2: a line of more than'],
  ])('refuses %s', async (_what, text, message) => {
    await expect(entriesOf(await capture(text))).rejects.toMatchObject({
      code: 'sim-capture-invalid',
      message: expect.stringContaining(message),
    });
  });

  it('says that a file is not there', async () => {
    await expect(entriesOf(join(folder, 'none'))).rejects.toMatchObject({ code: 'sim-capture-unreadable' });
  });

  it('writes until the file is full, and never over another', async () => {
    const file = join(folder, 'bounded.jsonl');
    const writer = new CaptureWriter(file, 200);
    const entry = { atUs: 7, direction: 'in', bytes: Buffer.alloc(16, 0x41) } as const;
    expect([writer.add(entry), writer.add(entry), writer.add(entry)]).toEqual([true, true, false]);
    writer.close();
    expect(await entriesOf(file)).toEqual([entry, entry]);
    expect(() => new CaptureWriter(file, 200)).toThrow(expect.objectContaining({ code: 'sim-path-occupied' }));
  });

  it('knows addresses', () => {
    expect(parseDeviceAddress('/dev/ttyUSB0', 9600)).toEqual({ kind: 'serial', path: '/dev/ttyUSB0', baudRate: 9600 });
    expect(parseDeviceAddress('tcp:10.0.0.5:5084', 9600)).toEqual({ kind: 'tcp', host: '10.0.0.5', port: 5084 });
    expect(parseDeviceAddress('tcp:[::1]:502', 9600)).toEqual({ kind: 'tcp', host: '::1', port: 502 });
    expect(parseDeviceAddress('tcp:nowhere', 9600)).toBeUndefined();
  });
});

async function playing(
  text: string,
  { hostListens = true, ...changes }: Partial<ReplayOptions> & { hostListens?: boolean } = {},
) {
  const clock = new ManualClock();
  const { open, line: lineOf } = memoryLines();
  const controller = new AbortController();
  const file = await capture(text);
  let address = '';
  let over = false;
  const done = replay({
    ...{ file, path: '/run/device', speed: 1, lockstep: false, loop: false, clock, log: silentLog },
    ...{ signal: controller.signal, onListening: (where: string) => (address = where) },
    async openLine(options) {
      const opened = await open(options);
      lineOf('device').hostListens = hostListens;
      return opened;
    },
    ...changes,
  }).finally(() => {
    over = true;
  });
  // A rejection is looked at by the test that expects it.
  done.catch(() => {});
  /** The file is read in real time; the clock goes on in steps until it was. */
  const until = async (condition: () => boolean): Promise<number> => {
    while (!condition()) {
      await clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return clock.monotonicUs() / 1000;
  };
  await until(() => address !== '');
  return { clock, done, device: lineOf('device'), controller, until, isOver: () => over };
}

describe('replay', () => {
  it('keeps the times, from the first entry on, and leaves out what the host said', async () => {
    const text = line(5_000_000, 'in', 'a') + line(5_500_000, 'out', '?') + line(35_000_000, 'in', 'b');
    const { clock, done, device, until, isOver } = await playing(text);
    const first = await until(() => device.text === 'a');
    const second = await until(() => device.text === 'ab');
    expect(second - first).toBeGreaterThan(29_900);
    expect(second - first).toBeLessThan(30_100);
    await until(isOver);
    expect(await done).toEqual({ entries: 3, bytesSent: 2, bytesLost: 0, bytesFromHost: 0 });
    expect(clock.timers).toBe(0);
  });

  it('plays faster, and again and again', async () => {
    const changes = { speed: 10, loop: true };
    const { device, controller, done, until } = await playing(
      line(0, 'in', 'a') + line(90_000_000, 'in', 'b'),
      changes,
    );
    const once = await until(() => device.text.startsWith('ab'));
    expect(once).toBeGreaterThan(8_900);
    expect(once).toBeLessThan(20_000);
    await until(() => device.text.startsWith('ababa'));
    controller.abort();
    await done;
  });

  it('in lockstep answers only when the host has asked', async () => {
    const text = line(0, 'out', 'ask1') + line(1000, 'in', 'one') + line(2000, 'out', 'ask2') + line(3000, 'in', 'two');
    const { clock, device, until, isOver, done } = await playing(text, { lockstep: true });
    await clock.advance(60_000);
    expect(device.text).toBe('');
    device.fromHost(Buffer.from('ask1'));
    await until(() => device.text === 'one');
    await clock.advance(60_000);
    expect(device.text).toBe('one');
    device.fromHost(Buffer.from('ask2'));
    await until(() => device.text === 'onetwo');
    await until(isOver);
    expect((await done).bytesFromHost).toBe(8);
  });

  it('in lockstep hears a host that asks in the moment in which it opens the port', async () => {
    const text = line(0, 'out', 'ask') + line(1000, 'in', 'answer');
    const { device, until, isOver } = await playing(text, { lockstep: true, hostListens: false });
    device.fromHost(Buffer.from('ask'));
    device.hostListens = true;
    await until(isOver);
    expect(device.text).toBe('answer');
  });

  it('counts what nobody heard', async () => {
    const { device, done, until, isOver } = await playing(line(0, 'in', 'a') + line(60_000_000, 'in', 'bc'));
    await until(() => device.text === 'a');
    device.hostListens = false;
    await until(isOver);
    expect(await done).toMatchObject({ bytesSent: 1, bytesLost: 2 });
  });

  it('tells of a bad capture', async () => {
    const { done, until, isOver } = await playing('x\n');
    await until(isOver);
    await expect(done).rejects.toMatchObject({ code: 'sim-capture-invalid' });
  });
});

describe('recording a network device', () => {
  const clock = systemClock();

  async function device(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
    const server = createServer(onSocket);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return { server, port: typeof address === 'object' && address ? address.port : 0 };
  }

  it('as the host takes what the device says, until it hangs up', async () => {
    const { server, port } = await device((socket) => socket.end('hello'));
    const file = join(folder, 'host.jsonl');
    const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
    const options = { device: target, file, bytesMax: 1e6, clock, log: silentLog, openLine: memoryLines().open };
    const recording = await record(options);
    await recording.ended;
    await recording.stop();
    expect((await entriesOf(file)).map(({ direction, bytes }) => `${direction} ${bytes}`)).toEqual(['in hello']);
    await new Promise((resolve) => server.close(resolve));
  });

  it('in the middle passes both directions on, and a replay of the capture is the same device', async () => {
    const { server, port } = await device((socket) => {
      socket.write('ready;');
      socket.on('data', (bytes) => socket.write(`<${bytes}>`));
    });
    const file = join(folder, 'middle.jsonl');
    const target = { kind: 'tcp', host: '127.0.0.1', port } as const;
    const options = { file, bytesMax: 1e6, clock, log: silentLog, openLine: memoryLines().open };
    const recording = await record({ ...options, device: target, proxyPort: 0 });
    expect(await converse(recording.proxy ?? '')).toBe('ready;<one><two>');
    await recording.stop();
    await new Promise((resolve) => server.close(resolve));
    const entries = await entriesOf(file);
    expect(entries.map(({ direction, bytes }) => `${direction} ${bytes}`)).toEqual([
      'in ready;',
      'out one',
      'in <one>',
      'out two',
      'in <two>',
    ]);
    let heard = Promise.resolve('');
    const onListening = (address: string): void => {
      heard = converse(address);
    };
    const { signal } = new AbortController();
    await replay({ ...options, port: 0, speed: 1, lockstep: true, loop: false, signal, onListening });
    expect(await heard).toBe('ready;<one><two>');
  });

  it('cannot record what is not there, and makes no lasting port', async () => {
    const target = { kind: 'tcp', host: '127.0.0.1', port: 1 } as const;
    const options = { device: target, bytesMax: 1e6, clock, log: silentLog, openLine: memoryLines().open };
    await expect(record({ ...options, file: join(folder, 'absent.jsonl') })).rejects.toMatchObject({
      code: 'sim-port-unavailable',
    });
    const written = await readFile(join(folder, 'absent.jsonl'), 'utf8');
    expect(written).toBe('');
  });

  /** Says `one` once the device is ready, and `two` once that is answered. */
  async function converse(address: string): Promise<string> {
    const colon = address.lastIndexOf(':');
    const socket = connect(Number(address.slice(colon + 1)), address.slice(0, colon));
    let heard = '';
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('data', (bytes) => {
        heard += bytes;
        if (heard === 'ready;') socket.write('one');
        if (heard === 'ready;<one>') socket.write('two');
        if (heard === 'ready;<one><two>') resolve();
      });
    });
    socket.end();
    return heard;
  }
});
