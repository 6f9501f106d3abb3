/**
 * A real server as a child process: started in a folder of its own under the system's temporary folder, waited for until
 * it answers in its own protocol, stopped by process id, restartable on the same port with the same data.
 *
 * Invariants: no process and no folder is left behind (guard.ts); every wait has a bound; a failure carries the end of
 * the server's log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guardFolder, guardProcess, releaseFolder, releaseProcess } from './guard.ts';
import { HOST } from './ports.ts';

export interface Server {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Configuration, data and log; removed by `stop`. */
  readonly folder: string;
  /** Of the running server; 0 when it is not running. */
  readonly pid: number;
  /** Ends it in order and removes its folder. Idempotent. */
  stop(): Promise<void>;
  /** SIGKILL, as a power cut would; the data stays for `restart`. */
  kill9(): Promise<void>;
  /** Starts it again on the same port with the same data, after an orderly end if it is still running. */
  restart(): Promise<void>;
  /** What it wrote to standard output and error, the last 64 KiB. */
  log(): string;
}

export interface Account {
  uid: number;
  gid: number;
}

export interface ServerPlan {
  name: string;
  port: number;
  url: string;
  folder: string;
  command: string;
  args: readonly string[];
  /** Whom it runs as, where it refuses to run as root. */
  account?: Account | undefined;
  /** One attempt, bounded by its own time-out: resolves when the server answers, rejects when it does not yet. */
  ready(): Promise<void>;
  readyTimeoutMs: number;
  stopSignal?: NodeJS.Signals;
}

const POLL_MS = 40;
const STOP_TIMEOUT_MS = 15_000;
const LOG_BYTES = 65_536;

/** A folder for one server's files, owned by the account it runs as. */
export async function serverFolder(name: string, account?: Account): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `milepost-${name}-`));
  guardFolder(folder);
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  return folder;
}

export async function startServer(plan: ServerPlan): Promise<Server> {
  const server = new ServerProcess(plan);
  try {
    await server.restart();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class ServerProcess implements Server {
  readonly host = HOST;
  #plan: ServerPlan;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #lastLog: string | undefined;

  constructor(plan: ServerPlan) {
    this.#plan = plan;
  }

  get name(): string {
    return this.#plan.name;
  }
  get port(): number {
    return this.#plan.port;
  }
  get url(): string {
    return this.#plan.url;
  }
  get folder(): string {
    return this.#plan.folder;
  }
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  log(): string {
    return this.#lastLog ?? readLog(this.#logFile());
  }

  async restart(): Promise<void> {
    if (this.#lastLog !== undefined) throw new Error(`${this.name} was stopped and its data removed`);
    await this.#end(this.#plan.stopSignal ?? 'SIGTERM');
    await this.#spawn();
    await this.#untilReady();
  }

  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    if (this.#lastLog !== undefined) return;
    await this.#end(this.#plan.stopSignal ?? 'SIGTERM');
    this.#lastLog = readLog(this.#logFile());
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    releaseFolder(this.folder);
  }

  async #spawn(): Promise<void> {
    const { command, args, account, folder, name } = this.#plan;
    const log = openSync(this.#logFile(), 'a');
    const child = spawn(command, args, { cwd: folder, detached: true, stdio: ['ignore', log, log], ...account });
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) => reject(new Error(`${name} cannot be started: ${cause.message}`, { cause })));
    });
    const pid = child.pid;
    if (pid === undefined) throw new Error(`${name} has no process id`);
    guardProcess(pid);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => {
        releaseProcess(pid);
        if (this.#child === child) this.#child = undefined;
        resolve();
      });
    });
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + this.#plan.readyTimeoutMs;
    let last: unknown;
    while (performance.now() < deadline) {
      if (this.#child === undefined) throw this.#failure('ended while starting', last);
      try {
        return await this.#plan.ready();
      } catch (error) {
        last = error;
        await delay(POLL_MS);
      }
    }
    throw this.#failure(`does not answer after ${this.#plan.readyTimeoutMs} ms`, last);
  }

  #failure(what: string, cause: unknown): Error {
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    const tail = this.log().trimEnd().split('\n').slice(-30).join('\n');
    return new Error(`${this.name} on port ${this.port} ${what}${reason}. Its log ends:\n${tail}`, { cause });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    if (signal === 'SIGKILL') killGroup(child.pid);
    else child.kill(signal);
    const timer = setTimeout(killGroup, STOP_TIMEOUT_MS, child.pid);
    await this.#exited;
    clearTimeout(timer);
    await untilNobodyIn(this.folder);
  }

  #logFile(): string {
    return join(this.folder, 'server.log');
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/**
 * PostgreSQL's processes are groups of their own and outlive a killed postmaster for a moment, in which a new one
 * refuses to start. All of them work in the server's folder; where there is no /proc there is nothing to look at.
 */
async function untilNobodyIn(folder: string): Promise<void> {
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (processesIn(folder).length > 0 && performance.now() < deadline) await delay(POLL_MS);
}

function processesIn(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const workingFolder = readlinkSync(`/proc/${entry}/cwd`);
      return workingFolder === folder || workingFolder.startsWith(`${folder}/`);
    } catch {
      return false;
    }
  });
}

function readLog(file: string): string {
  try {
    return readFileSync(file).subarray(-LOG_BYTES).toString();
  } catch {
    return '';
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
