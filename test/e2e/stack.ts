/** Real processes of the built executable for end-to-end tests and benchmarks: started, listened to, killed and stopped by process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '../..');
const EXECUTABLE = join(ROOT, 'dist/cli/main.js');
const STOP_MS = 15_000;

export interface Line {
  text: string;
  /** When it was read, milliseconds since 1970. */
  atMs: number;
}

export class Process {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  readonly exited: Promise<number | null>;
  readonly #name: string;
  #onLine: (() => void)[] = [];

  constructor(name: string, command: string, args: readonly string[]) {
    this.#name = name;
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code) => resolve(code));
      this.child.on('error', () => resolve(null));
    });
    void this.exited.then(() => this.#wake());
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (text) => {
        this.lines.push({ text, atMs: performance.timeOrigin + performance.now() });
        this.#wake();
      });
    }
  }

  /** The first line that matches, past or future. Rejects when the process ends or the time is over, with its last words. */
  async line(pattern: RegExp, withinMs = 30_000): Promise<string> {
    await this.until(() => this.lines.some(({ text }) => pattern.test(text)), `a line like ${pattern}`, withinMs);
    return this.lines.find(({ text }) => pattern.test(text))?.text ?? '';
  }

  /** Waits on a condition over the lines read so far. */
  async until(condition: () => boolean, what: string, withinMs = 30_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0 || this.child.exitCode !== null) {
        const tail = this.lines.slice(-15).map(({ text }) => text);
        throw new Error(`${this.#name} ${left <= 0 ? 'did not give' : 'ended without'} ${what}:\n${tail.join('\n')}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#onLine.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  write(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  async kill9(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  #wake(): void {
    for (const resolve of this.#onLine.splice(0)) resolve();
  }
}

/** `milepost …` as it is installed: daemons with the options for Node that their units have. */
export function milepost(...args: string[]): Process {
  if (!existsSync(EXECUTABLE)) throw new Error('dist/ is not built: npm run build');
  const [part, command] = args;
  const options = (part === 'hub' || part === 'edge') && command === 'run' ? unitOptions(part) : [];
  return new Process(`milepost ${args.join(' ')}`, process.execPath, [...options, EXECUTABLE, ...args]);
}

/** What stands between `node` and the program in deploy/systemd. */
function unitOptions(part: 'hub' | 'edge'): string[] {
  const unit = readFileSync(join(ROOT, `deploy/systemd/milepost-${part}.service`), 'utf8');
  const [, options] = /^ExecStart=\S+node(( --\S+)+) /m.exec(unit) ?? [];
  if (!options) throw new Error(`no options for Node in the unit of ${part}`);
  return options.trim().split(' ');
}

/** Waits until the hub that said where it listens reports all its ports as well. */
export async function healthy(line: string, withinMs = 60_000): Promise<string> {
  const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
  if (url === undefined) throw new Error(`no address in: ${line}`);
  const deadline = performance.now() + withinMs;
  for (;;) {
    const response = await fetch(`${url}/healthz`);
    const body = await response.text();
    if (response.ok) return url;
    if (performance.now() > deadline) throw new Error(`the hub is not well: ${body}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until the broker shows a topic that was just created: its metadata follow a little later. */
export async function topicExists(brokers: string, topic: string, withinMs = 30_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const asked = new Process('kcat', 'kcat', ['-L', '-b', brokers, '-t', topic]);
    await asked.exited;
    if (asked.lines.some(({ text }) => text.includes('partition 0'))) return;
    if (performance.now() > deadline) throw new Error(`topic ${topic} did not appear`);
  }
}
