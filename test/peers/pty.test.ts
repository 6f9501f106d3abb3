/** The pty cable against a real host: node-serialport, and plain file descriptors. */
import { spawn } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import { type Log, silentLog } from '../../protocols/base/log.ts';
import type { Line } from '../../simulators/line.ts';
import { openPty } from '../../simulators/pty.ts';

const clock = systemClock();
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

let runDir: string;
let path: string;
let received: Buffer[];
const cleanup: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'milepost-pty-'));
  path = join(runDir, 'scanner-1');
  received = [];
});
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean();
  await rm(runDir, { recursive: true, force: true });
});

async function cable(log: Log = silentLog): Promise<Line> {
  const line = await openPty({ path, clock, log, onData: (bytes) => received.push(bytes), pollMs: 3 });
  cleanup.push(() => line.close());
  return line;
}

interface Host {
  port: SerialPort;
  bytes(): Buffer;
  ended: boolean;
}

async function host(): Promise<Host> {
  const port = new SerialPort({ path, baudRate: 9600, autoOpen: false });
  const chunks: Buffer[] = [];
  const opened: Host = { port, bytes: () => Buffer.concat(chunks), ended: false };
  port.on('data', (chunk: Buffer) => chunks.push(chunk));
  port.on('close', () => {
    opened.ended = true;
  });
  port.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  cleanup.push(() => new Promise<void>((resolve) => (port.isOpen ? port.close(() => resolve()) : resolve())));
  return opened;
}

async function until(condition: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Masters of ptys that this process holds. */
async function openMasters(): Promise<number> {
  const targets = (await readdir('/proc/self/fd')).map((descriptor) =>
    readlink(`/proc/self/fd/${descriptor}`).catch(() => ''),
  );
  return (await Promise.all(targets)).filter((target) => target.endsWith('ptmx')).length;
}

describe('a pty as a serial cable', () => {
  it('carries every byte in both directions', async () => {
    const line = await cable();
    const { port, bytes } = await host();
    await until(() => line.listening, 'the host to be noticed');
    expect(await line.write(ALL_BYTES)).toBe(true);
    await until(() => bytes().length >= 256, 'the bytes');
    expect(bytes()).toEqual(ALL_BYTES);
    port.write(ALL_BYTES);
    await until(() => Buffer.concat(received).length >= 256, 'the answer');
    expect(Buffer.concat(received)).toEqual(ALL_BYTES);
  });

  it('is raw for a host that sets nothing', async () => {
    const line = await cable();
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    cleanup.push(() => closeSync(descriptor));
    await until(() => line.listening, 'the host to be noticed');
    const text = Buffer.from('\r\n\x03\x04\x11\x13\x1a\x7f');
    expect(await line.write(text)).toBe(true);
    const buffer = Buffer.alloc(64);
    const count = readSync(descriptor, buffer, 0, 64, null);
    expect(buffer.subarray(0, count)).toEqual(text);
    expect(received).toEqual([]);
  });

  it('knows whether somebody listens, and drops what nobody hears', async () => {
    const line = await cable();
    expect(line.listening).toBe(false);
    expect(await line.write(Buffer.from('lost'))).toBe(false);
    const first = await host();
    await until(() => line.listening, 'the host to be noticed');
    await new Promise<void>((resolve) => first.port.close(() => resolve()));
    await until(() => !line.listening, 'the end of the host to be noticed');
    expect(await line.write(Buffer.from('lost'))).toBe(false);
    const second = await host();
    await until(() => line.listening, 'the next host to be noticed');
    expect(await line.write(Buffer.from('heard'))).toBe(true);
    await until(() => second.bytes().length > 0, 'the bytes');
    expect(second.bytes().toString()).toBe('heard');
  });

  it('writes more than any buffer holds, in full and in order', async () => {
    const line = await cable();
    const { bytes } = await host();
    await until(() => line.listening, 'the host to be noticed');
    const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 0xff));
    const results = await Promise.all([line.write(large.subarray(0, 200_000)), line.write(large.subarray(200_000))]);
    expect(results).toEqual([true, true]);
    await until(() => bytes().length >= large.length, 'the bytes');
    expect(bytes().equals(large)).toBe(true);
  });

  it('gives up a host that does not read, without blocking', async () => {
    const line = await cable();
    const descriptor = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    cleanup.push(() => closeSync(descriptor));
    await until(() => line.listening, 'the host to be noticed');
    let turns = 0;
    const timer = setInterval(() => turns++, 10);
    cleanup.push(() => clearInterval(timer));
    expect(await line.write(Buffer.alloc(1_000_000))).toBe(false);
    expect(turns).toBeGreaterThan(20);
  });

  it('hangs up when it is unplugged, and works again under the same path', async () => {
    const line = await cable();
    const first = await host();
    await until(() => line.listening, 'the host to be noticed');
    await line.unplug();
    expect(existsSync(path)).toBe(false);
    await until(() => first.ended, 'the hang-up');
    expect(await line.write(Buffer.from('x'))).toBe(false);
    await line.replug();
    const second = await host();
    await until(() => line.listening, 'the new host to be noticed');
    expect(await line.write(Buffer.from('again'))).toBe(true);
    await until(() => second.bytes().toString() === 'again', 'the bytes');
  });

  it('replaces the link that a killed simulator left, and never a file', async () => {
    const abandoned = await cable();
    const old = await readlink(path);
    const line = await openPty({ path, clock, log: silentLog, onData: () => undefined });
    cleanup.push(() => line.close());
    expect(await readlink(path)).not.toBe(old);
    // The first one stops and leaves the other's link alone.
    await abandoned.close();
    expect(existsSync(path)).toBe(true);

    const file = join(runDir, 'notes.txt');
    await writeFile(file, 'precious');
    const occupied = openPty({ path: file, clock, log: silentLog, onData: () => undefined });
    await expect(occupied).rejects.toMatchObject({ code: 'sim-path-occupied' });
  });

  it('says which process keeps an unplugged port alive', async () => {
    const warnings: object[] = [];
    const line = await cable({ ...silentLog, warn: (fields) => warnings.push(fields) });
    const heir = spawn('sleep', ['30'], { stdio: 'ignore' });
    cleanup.push(() => {
      heir.kill();
    });
    await line.unplug();
    expect(warnings).toEqual([{ code: 'pty-inherited', path, pids: [heir.pid] }]);
  });

  it('leaves nothing behind', async () => {
    const before = await openMasters();
    const line = await cable();
    expect(await openMasters()).toBe(before + 1);
    await line.close();
    await line.close();
    expect(await readdir(runDir)).toEqual([]);
    expect(await openMasters()).toBe(before);
  });
});
