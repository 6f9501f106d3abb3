/**
 * A serial cable that the operating system shows as a port: a pseudo-terminal behind a stable link.
 *
 * How it behaves, and why
 *  - The link (`<runDir>/scanner-1`) is what a host opens; the pty behind it changes with every `replug()`. It appears
 *    and changes atomically.
 *  - `unplug()` takes the link away and closes the master: a host that has the port open gets a hang-up (read of
 *    0 bytes or EIO), as with a pulled USB adapter.
 *  - The simulator does not keep the slave end open. So EIO from the master means exactly "no host has the port open", which is
 *    what DTR tells a real device: `listening` follows from it, and EIO is an answer, not an error. Bytes for a port that
 *    nobody has open are dropped, not kept for the next one who opens it.
 *  - A host counts as listening SETTLE_MS after it opened: hosts flush the port while they set it up (tcflush), and what
 *    is sent into that is lost without a trace. A host that has sent something has set its port up.
 *  - The master is non-blocking and polled. A readable stream over it would be destroyed by the first EIO, and a
 *    blocking write would stop the whole process when a host stops reading.
 *  - The slave starts raw and without echo (stty, coreutils), so that `cat` and a host that sets nothing see the bytes.
 *
 * The master's descriptor is inherited by processes that are started while the pty is open (openpty has no close-on-exec):
 * such a process keeps the port alive after `unplug()`. That is detected and logged with the process's id (`pty-inherited`).
 */
import { execFile } from 'node:child_process';
import { closeSync, existsSync, readSync, writeSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, rename, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '../protocols/base/clock.ts';
import type { Line, LineOptions } from './line.ts';
import { openNativePty } from './native-pty.ts';
import { SimulatorError } from './simulator.ts';

const POLL_MS = 20;
const SETTLE_MS = 200;
/** A host that takes no byte for this long has stopped reading: the rest of the write is dropped. */
const STALL_MS = 1000;
const RETRY_MS = 2;
const READ_BYTES = 4096;
/** Waiting writes; beyond this they are dropped like bytes on an overrun port. */
const QUEUE_MAX = 256;

export async function openPty(options: LineOptions): Promise<Line> {
  const line = new PtyLine(options);
  await line.replug();
  return line;
}

class PtyLine implements Line {
  readonly path: string;
  readonly #options: LineOptions;
  readonly #buffer = Buffer.alloc(READ_BYTES);
  #master: number | undefined;
  #slavePath = '';
  #openSinceUs: number | undefined;
  #cancelPoll: () => void = () => {};
  #queue: Promise<unknown> = Promise.resolve();
  #queued = 0;
  #closed = false;

  constructor(options: LineOptions) {
    this.path = options.path;
    this.#options = options;
  }

  get listening(): boolean {
    if (this.#openSinceUs === undefined) return false;
    return this.#options.clock.monotonicUs() - this.#openSinceUs >= SETTLE_MS * 1000;
  }

  async replug(): Promise<void> {
    if (this.#master !== undefined || this.#closed) return;
    await assertReplaceable(this.path);
    const { master, slave, pty } = openNativePty();
    this.#master = master;
    this.#slavePath = pty;
    try {
      await makeRaw(pty);
    } finally {
      closeSync(slave);
    }
    await placeLink(this.path, pty);
    this.#poll();
  }

  async unplug(): Promise<void> {
    const master = this.#master;
    if (master === undefined) return;
    this.#cancelPoll();
    this.#master = undefined;
    this.#openSinceUs = undefined;
    await removeLink(this.path, this.#slavePath);
    closeSync(master);
    await this.#reportHeirs();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.unplug();
    await this.#queue;
  }

  write(bytes: Uint8Array): Promise<boolean> {
    if (this.#queued >= QUEUE_MAX) return Promise.resolve(false);
    this.#queued++;
    const done = this.#queue.then(() => this.#writeAll(bytes)).finally(() => this.#queued--);
    this.#queue = done;
    return done;
  }

  async #writeAll(bytes: Uint8Array): Promise<boolean> {
    const { clock } = this.#options;
    const master = this.#master;
    this.#take();
    let written = 0;
    let progressUs = clock.monotonicUs();
    while (written < bytes.length) {
      // A cable that was changed in the middle of a frame does not get the rest of it.
      if (master === undefined || this.#master !== master || !this.listening) return false;
      try {
        const count = writeSync(master, bytes, written, bytes.length - written);
        if (count > 0) progressUs = clock.monotonicUs();
        written += count;
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') return false;
      }
      if (written === bytes.length) break;
      if (clock.monotonicUs() - progressUs > (this.#options.stallMs ?? STALL_MS) * 1000) return false;
      await sleep(clock, RETRY_MS);
      this.#take();
    }
    return true;
  }

  #poll(): void {
    if (this.#master === undefined) return;
    this.#take();
    const pollMs = this.#options.pollMs ?? POLL_MS;
    this.#cancelPoll = this.#options.clock.after(pollMs, () => this.#poll());
  }

  /** Takes what the host has sent, and learns whether there is a host. */
  #take(): void {
    for (;;) {
      const master = this.#master;
      if (master === undefined) return;
      let count: number;
      try {
        count = readSync(master, this.#buffer, 0, READ_BYTES, null);
      } catch (error) {
        if (codeOf(error) === 'EAGAIN') this.#openSinceUs ??= this.#options.clock.monotonicUs();
        else this.#openSinceUs = undefined;
        return;
      }
      if (count === 0) return;
      // A host that sends has set its port up.
      this.#openSinceUs = Number.NEGATIVE_INFINITY;
      this.#options.onData(Buffer.from(this.#buffer.subarray(0, count)));
    }
  }

  /** The slave vanishes with the last copy of the master: if it is still there, another process holds one. */
  async #reportHeirs(): Promise<void> {
    if (!existsSync(this.#slavePath)) return;
    const pids = (await mastersHolders(this.#slavePath)).filter((pid) => pid !== process.pid);
    if (pids.length === 0) return;
    this.#options.log.warn(
      { code: 'pty-inherited', path: this.path, pids },
      'a process started while this port was open holds a copy of it: its host sees no hang-up',
    );
  }
}

async function makeRaw(slavePath: string): Promise<void> {
  try {
    await promisify(execFile)('stty', ['-F', slavePath, 'raw', '-echo']);
  } catch (cause) {
    throw new SimulatorError({
      code: 'sim-pty-unavailable',
      message: `stty could not set ${slavePath} raw: serial simulators need stty (coreutils)`,
      cause,
    });
  }
}

/** Never replaces anything but a link: a mistyped path must not cost a file. */
async function assertReplaceable(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isSymbolicLink()) return;
  throw new SimulatorError({
    code: 'sim-path-occupied',
    message: `${path} exists and is not a link: choose another path for the simulated port, or remove it`,
  });
}

async function placeLink(path: string, target: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  await unlink(temporary).catch(() => {});
  await symlink(target, temporary);
  await rename(temporary, path);
}

/** Only if it is still ours: another simulator may have taken the path over. */
async function removeLink(path: string, target: string): Promise<void> {
  const current = await readlink(path).catch(() => undefined);
  if (current === target) await unlink(path).catch(() => {});
}

async function mastersHolders(slavePath: string): Promise<number[]> {
  const index = slavePath.slice(slavePath.lastIndexOf('/') + 1);
  const pids: number[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const descriptors = await readdir(`/proc/${pid}/fdinfo`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (!target.endsWith('ptmx')) continue;
      const info = await readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8').catch(() => '');
      if (new RegExp(`^tty-index:\\s*${index}$`, 'm').test(info)) pids.push(Number(pid));
    }
  }
  return pids;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
