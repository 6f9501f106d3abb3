/** Starts workers of a hub benchmark and measures how fast they get on. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Said, WorkerOptions } from './worker.ts';

const WORKER = new URL('./worker.ts', import.meta.url);
const PATIENCE_MS = 120_000;

let profiles: string | undefined;

/** Workers leave their CPU profiles there, in a folder for each role. */
export function profileInto(folder: string): void {
  profiles = folder;
}

export class Worker {
  readonly #child: ChildProcess;
  #said: Said = { done: 0, cpuMs: 0, rssBytes: 0 };
  #listeners: (() => void)[] = [];

  static async start(role: string, options: WorkerOptions): Promise<Worker> {
    const profiling = profiles ? ['--cpu-prof', '--cpu-prof-dir', join(profiles, role)] : [];
    const execArgv = [...process.execArgv, ...profiling];
    const worker = new Worker(fork(WORKER, [role, JSON.stringify(options)], { execArgv }));
    await once(worker.#child, 'message');
    return worker;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (said) => {
      this.#said = said as Said;
      for (const listener of this.#listeners) listener();
    });
  }

  get said(): Said {
    return this.#said;
  }

  onSaid(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    // It leaves by itself then, and writes its profile.
    this.#child.disconnect();
    await ended;
  }
}

export interface Measured {
  perSecond: number;
  /** Of the workers' CPU. */
  cpuUsPerEvent: number;
  rssBytes: number;
}

/** From the first `from` done until `to` are; what goes before warms up. The workers are left running. */
export function measure(workers: readonly Worker[], from: number, to: number): Promise<Measured> {
  return between(
    workers,
    ({ done }) => done > from,
    ({ done }) => done >= to,
  );
}

/** For so many seconds, after as many that warm up. The workers are left running. */
export function measureFor(workers: readonly Worker[], warmUpSeconds: number, seconds: number): Promise<Measured> {
  const startMs = performance.now();
  let endMs = Number.POSITIVE_INFINITY;
  const isWarm = ({ done, atMs }: Moment) => {
    if (done === 0 || atMs - startMs < warmUpSeconds * 1000) return false;
    endMs = atMs + seconds * 1000;
    return true;
  };
  return between(workers, isWarm, ({ atMs }) => atMs >= endMs);
}

interface Moment {
  atMs: number;
  done: number;
  cpuMs: number;
}

function between(
  workers: readonly Worker[],
  begins: (now: Moment) => boolean,
  ends: (now: Moment) => boolean,
): Promise<Measured> {
  const sum = (of: (said: Said) => number) => workers.reduce((total, { said }) => total + of(said), 0);
  const look = (): Moment => ({
    atMs: performance.now(),
    done: sum(({ done }) => done),
    cpuMs: sum(({ cpuMs }) => cpuMs),
  });
  let start: Moment | undefined;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${look().done} done after ${PATIENCE_MS} ms is not the end`)),
      PATIENCE_MS,
    );
    const listener = () => {
      const now = look();
      if (!start && begins(now)) start = now;
      if (!start || !ends(now) || now.done === start.done) return;
      clearTimeout(timer);
      const count = now.done - start.done;
      resolve({
        perSecond: (count * 1000) / (now.atMs - start.atMs),
        cpuUsPerEvent: ((now.cpuMs - start.cpuMs) * 1000) / count,
        rssBytes: Math.max(...workers.map(({ said }) => said.rssBytes)),
      });
    };
    for (const worker of workers) worker.onSaid(listener);
  });
}
