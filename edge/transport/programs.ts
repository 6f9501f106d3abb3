/**
 * Programs as a Transport (libgpiod's tools): requests are written, output comes as lines of JSON (transport.ts).
 *
 * Invariants:
 *  - only the programs named in the options are started, without a shell, at most MOST_RUNNING at a time;
 *  - a line longer than LONGEST_LINE bytes is dropped; of a program's complaints (standard error) the last LONGEST_COMPLAINT characters are kept;
 *  - a program that prints faster than the driver takes is stopped in its pipe, not read into memory;
 *  - `close()` ends each program by its process id, with SIGKILL when it does not go by itself, and waits for that.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { LineFramer } from '../../protocols/barcode/line-framer.ts';
import { IncomingBytes } from './incoming-bytes.ts';
import {
  type ProgramEvent,
  type ProgramRequest,
  type ProgramsOptions,
  type Transport,
  TransportError,
} from './transport.ts';

const MOST_RUNNING = 4;
const LONGEST_LINE = 4_096;
const LONGEST_COMPLAINT = 2_048;
const KILL_AFTER_MS = 1_000;
/** Debian keeps some tools where a user's search path does not reach. */
const MORE_FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'];

export async function openPrograms(options: ProgramsOptions, signal: AbortSignal): Promise<Transport> {
  const paths = new Map<string, string>();
  for (const program of options.programs) {
    const path = await findProgram(program, options.folder);
    if (path === undefined) throw missingError(program, options);
    paths.set(program, path);
  }
  signal.throwIfAborted();
  return new ProgramsTransport(paths, options.subject);
}

/** The full path of a program that can be executed. */
export async function findProgram(name: string, folder?: string): Promise<string | undefined> {
  const search = (process.env.PATH ?? '').split(delimiter).filter((place) => place !== '');
  const folders = folder === undefined ? [...search, ...MORE_FOLDERS] : [folder];
  for (const place of folders) {
    const path = join(place, name);
    const there = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return path;
  }
  return undefined;
}

class ProgramsTransport implements Transport {
  readonly incoming = new IncomingBytes();
  readonly #paths: ReadonlyMap<string, string>;
  readonly #subject: string;
  readonly #running = new Map<string, { child: ChildProcess; ended: Promise<void> }>();
  #closed: Promise<void> | undefined;

  constructor(paths: ReadonlyMap<string, string>, subject: string) {
    this.#paths = paths;
    this.#subject = subject;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) {
      throw new TransportError({ code: 'port-lost', message: `${this.#subject}: closed by the gateway` });
    }
    const request = JSON.parse(Buffer.from(bytes).toString('utf8')) as ProgramRequest;
    if ('stop' in request) this.#stop(request.stop);
    else this.#start(request);
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeNow();
    return this.#closed;
  }

  async #closeNow(): Promise<void> {
    this.incoming.discard();
    const ended = [...this.#running.values()].map((running) => running.ended);
    for (const id of this.#running.keys()) this.#stop(id);
    await Promise.all(ended);
  }

  #start({ start: id, program, args }: Extract<ProgramRequest, { start: string }>): void {
    const path = this.#paths.get(program);
    if (path === undefined) throw new TypeError(`'${program}' is not among the programs of this transport`);
    if (this.#running.has(id) || this.#running.size >= MOST_RUNNING) {
      throw new TypeError(`'${id}' runs already, or ${MOST_RUNNING} others do`);
    }
    const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-LONGEST_COMPLAINT);
    });
    const framer = new LineFramer({ suffixes: ['crlf', 'lf'], maxLength: LONGEST_LINE });
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of framer.push(chunk)) this.#say({ id, line: line.toString('utf8') });
      if (!this.incoming.isFull) return;
      child.stdout.pause();
      void this.incoming.whenRoom().then(() => child.stdout.resume());
    });
    const ended = new Promise<void>((resolve) => {
      const end = (exit: number | null, reason: string) => {
        if (this.#running.get(id)?.child !== child) return;
        this.#running.delete(id);
        this.#say({ id, exit, complaint: reason.trim() });
        resolve();
      };
      child.once('error', (error) => end(null, error.message));
      // `close` comes after the last of its output.
      child.once('close', (code, by) => end(code, complaint || (by === null ? '' : `ended by ${by}`)));
    });
    this.#running.set(id, { child, ended });
  }

  #stop(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    running.child.kill('SIGTERM');
    const timer = setTimeout(() => running.child.kill('SIGKILL'), KILL_AFTER_MS);
    void running.ended.then(() => clearTimeout(timer));
  }

  #say(event: ProgramEvent): void {
    this.incoming.push(Buffer.from(`${JSON.stringify(event)}\n`));
  }
}

function missingError(program: string, { install, folder }: ProgramsOptions): TransportError {
  const where = folder === undefined ? 'on this box' : `in ${folder}`;
  return new TransportError({
    code: 'program-missing',
    message: `the program '${program}' is not ${where}: run '${install}'`,
  });
}
