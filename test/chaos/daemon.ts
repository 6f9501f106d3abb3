/**
 * A process of ours that is struck: killed and started again, frozen and thawed, as systemd and a busy machine would. Its
 * output is kept for whoever looks for the reason of a difference.
 */
import { milepost, type Process } from '../e2e/stack.ts';

/** As systemd would, but not for ever. */
const RESTART_MS = 500;
const MAX_CRASHES = 20;

export class Daemon {
  readonly name: string;
  /** When it was killed by us, wall time. */
  readonly deathsMs: number[] = [];
  /** Ends that nobody asked for. */
  readonly crashes: string[] = [];
  readonly #args: readonly string[];
  readonly #output: string[] = [];
  #process: Process | undefined;
  #isEnding = false;
  #isStopped = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.#args = args;
  }

  /** @throws Error after `stop`: a fault that is still under way must not leave a process behind. */
  start(): Process {
    if (this.#isStopped) throw new Error(`${this.name} was stopped for good`);
    const process = milepost(...this.#args);
    this.#process = process;
    this.#isEnding = false;
    void process.exited.then((code) => {
      this.#output.push(...process.lines.map(({ text }) => text), `(ended: ${code ?? process.child.signalCode})`);
      if (this.#isEnding || this.#process !== process) return;
      this.crashes.push(`${this.name} ended by itself with ${code ?? process.child.signalCode}`);
      if (this.crashes.length < MAX_CRASHES) this.#restart = setTimeout(() => this.start(), RESTART_MS);
    });
    return process;
  }

  async kill9(): Promise<void> {
    this.#end();
    await this.#process?.kill9();
    this.deathsMs.push(Date.now());
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.child.kill(signal);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#end();
    this.signal('SIGCONT');
    await this.#process?.stop();
  }

  #end(): void {
    this.#isEnding = true;
    clearTimeout(this.#restart);
  }

  output(): string {
    const current = this.#process?.child.exitCode === null ? this.#process.lines.map(({ text }) => text) : [];
    return [...this.#output, ...current].join('\n');
  }
}
