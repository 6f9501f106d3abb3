/** Starts workers of a hub benchmark and measures how fast they get on. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Said, WorkerOptions } from './worker.ts';

const WORKER = new URL('./worker.ts', import.meta.url);
const PATIENCE_MS = 120_000;

export class Worker {
  readonly #child: ChildProcess;
  #said: Said = { done: 0, cpuMs: 0, rssBytes: 0 };
  #listeners: (() => void)[] = [];

  static async start(role: string, options: WorkerOptions): Promise<Worker> {
    const worker = new Worker(fork(WORKER, [role, JSON.stringify(options)]));
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
    this.#child.kill();
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
export async function measure(workers: readonly Worker[], from: number, to: number): Promise<Measured> {
  const done = () => workers.reduce((sum, { said }) => sum + said.done, 0);
  const cpuMs = () => workers.reduce((sum, { said }) => sum + said.cpuMs, 0);
  let start: { atMs: number; done: number; cpuMs: number } | undefined;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${done()} of ${to} done after ${PATIENCE_MS} ms`)), PATIENCE_MS);
    const look = () => {
      const nowMs = performance.now();
      if (!start && done() > from) start = { atMs: nowMs, done: done(), cpuMs: cpuMs() };
      if (!start || done() < to || done() === start.done) return;
      clearTimeout(timer);
      const count = done() - start.done;
      resolve({
        perSecond: (count * 1000) / (nowMs - start.atMs),
        cpuUsPerEvent: ((cpuMs() - start.cpuMs) * 1000) / count,
        rssBytes: Math.max(...workers.map(({ said }) => said.rssBytes)),
      });
    };
    for (const worker of workers) worker.onSaid(look);
  });
}
