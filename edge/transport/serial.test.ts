import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nativeModuleMissing, SERIALPORT } from './native-module.ts';
import { openSerial, type SerialBinding } from './serial.ts';

const never = new AbortController().signal;
const PORT = { kind: 'serial', path: '/dev/serial/by-id/usb-x', baudRate: 9600 } as const;

/** Texts as the binding gives them: strerror(3) inside a sentence. */
const refusing = (text: string) => async (): Promise<SerialBinding> => ({
  open: () => Promise.reject(new Error(text)),
});

/** A port whose reads and writes the test answers. */
function fakePort() {
  const reads: { resolve(bytes: string): void; reject(error: Error): void }[] = [];
  const calls: string[] = [];
  const writes: (() => void)[] = [];
  const port = {
    read: (buffer: Buffer, offset: number) =>
      new Promise<{ bytesRead: number }>((resolve, reject) => {
        reads.push({ resolve: (text) => resolve({ bytesRead: buffer.write(text, offset) }), reject });
      }),
    write: (bytes: Buffer) =>
      new Promise<void>((resolve) => {
        calls.push(`write ${bytes.toString()}`);
        writes.push(resolve);
      }),
    flush: async () => void calls.push('flush'),
    close: async () => {
      calls.push('close');
      for (const { reject } of reads) reject(new Error('Canceled'));
    },
  };
  const load = async (): Promise<SerialBinding> => ({ open: async () => port });
  return { load, reads, calls, writes };
}

describe('opening a serial port', () => {
  it.each([
    ['Error: No such file or directory, cannot open /dev/ttyUSB9', 'port-missing', 'milepost edge devices'],
    ['Error: No such device or address, cannot open /dev/ttyS7', 'port-missing', 'plugged in'],
    ['Error Resource temporarily unavailable Cannot lock port', 'port-busy', 'fuser'],
    ['Error: Device or resource busy, cannot open /dev/ttyUSB9', 'port-busy', 'another program'],
    ['Error: Permission denied, cannot open /dev/ttyUSB9', 'port-denied', 'dialout'],
    ['Error: Inappropriate ioctl for device || while retrieving termios2 info', 'port-failed', '9600 baud'],
  ])('%s → %s', async (text, code, hint) => {
    await expect(openSerial(PORT, never, refusing(text))).rejects.toMatchObject({
      name: 'TransportError',
      code,
      message: expect.stringContaining(hint),
    });
    await expect(openSerial(PORT, never, refusing(text))).rejects.toThrow(PORT.path);
  });

  it('says what to install when the native module does not load', () => {
    const error = nativeModuleMissing(
      SERIALPORT,
      new Error('No native build was found for platform=linux arch=riscv64\n at …'),
    );
    expect(error.code).toBe('native-module-missing');
    expect(error.message).toContain('arch=riscv64');
    expect(error.message).toContain('npm install serialport');
    expect(error.message).not.toContain('\n');
  });

  it('closes the port again when it was told to stop meanwhile', async () => {
    const { load, calls } = fakePort();
    const stop = new AbortController();
    const opening = openSerial(PORT, stop.signal, async () => {
      const binding = await load();
      return {
        open: async (options) => {
          const port = await binding.open(options);
          stop.abort(new Error('stopping'));
          return port;
        },
      };
    });
    await expect(opening).rejects.toThrow('stopping');
    expect(calls).toEqual(['flush', 'close']);
  });
});

describe('an open serial port', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'milepost-serial-'));
  });
  afterEach(async () => {
    vi.useRealTimers();
    await rm(folder, { recursive: true });
  });

  it('gives what it reads, and is lost with the read that fails', async () => {
    const { load, reads, calls } = fakePort();
    const transport = await openSerial(PORT, never, load);
    const chunks = transport.incoming[Symbol.asyncIterator]();
    await vi.waitFor(() => expect(reads).toHaveLength(1));
    reads[0]?.resolve('abc');
    expect((await chunks.next()).value?.toString()).toBe('abc');
    await vi.waitFor(() => expect(reads).toHaveLength(2));
    reads[1]?.reject(new Error('EIO: i/o error, read'));
    await expect(chunks.next()).rejects.toMatchObject({ code: 'port-lost', message: expect.stringContaining('EIO') });
    await expect(transport.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'port-lost' });
    expect(calls).toEqual(['flush', 'close']);
    await transport.close();
  });

  it('writes one after the other', async () => {
    const { load, calls, writes } = fakePort();
    const transport = await openSerial(PORT, never, load);
    const both = Promise.all([transport.write(Buffer.from('1')), transport.write(Buffer.from('2'))]);
    await vi.waitFor(() => expect(calls).toEqual(['write 1']));
    writes[0]?.();
    await vi.waitFor(() => expect(calls).toEqual(['write 1', 'write 2']));
    writes[1]?.();
    await both;
    await transport.close();
    await transport.close();
    expect(calls.filter((call) => call === 'close')).toHaveLength(1);
    await expect(transport.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'port-lost' });
  });

  it('is given up when it takes no bytes', async () => {
    const { load, calls } = fakePort();
    vi.useFakeTimers();
    const transport = await openSerial(PORT, never, load);
    const written = transport.write(Buffer.from('stuck'));
    const outcome = expect(written).rejects.toMatchObject({
      code: 'port-failed',
      message: expect.stringContaining('rtscts'),
    });
    await vi.advanceTimersByTimeAsync(5_000);
    await outcome;
    expect(calls).toContain('close');
  });

  it.each(['gone', 'another device'])('is lost when its device file is %s, even if reads never fail', async (what) => {
    const { load } = fakePort();
    const path = join(folder, 'port');
    await writeFile(join(folder, 'device-1'), '');
    await writeFile(join(folder, 'device-2'), '');
    await symlink(join(folder, 'device-1'), path);
    const transport = await openSerial({ ...PORT, path }, never, load);
    const next = transport.incoming[Symbol.asyncIterator]().next();
    const outcome = expect(next).rejects.toMatchObject({ code: 'port-lost', message: expect.stringContaining(what) });
    // Not before the port has looked at what its file was.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await rm(path);
    if (what !== 'gone') await symlink(join(folder, 'device-2'), path);
    await outcome;
    await transport.close();
  });
});
