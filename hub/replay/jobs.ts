/** The replay that runs in this process, and how the last one ended. One at a time: two would only slow each other down. */
import { randomUUID } from 'node:crypto';
import {
  type Replay,
  type ReplayPorts,
  type ReplayProgress,
  type ReplayRange,
  type ReplayTarget,
  startReplay,
} from './replay.ts';

export interface ReplayReport extends ReplayProgress {
  id: string;
  state: 'running' | 'done' | 'failed';
  into: readonly ReplayTarget[];
  startedAt: string;
  endedAt?: string;
  reason?: string;
}

export class ReplayBusyError extends Error {
  override readonly name = 'ReplayBusyError';
}

const KEPT_JOBS = 20;

export class ReplayJobs {
  readonly #ports: ReplayPorts;
  readonly #jobs = new Map<string, { report: Omit<ReplayReport, keyof ReplayProgress>; replay: Replay }>();
  #isStarting = false;

  constructor(ports: ReplayPorts) {
    this.#ports = ports;
  }

  /** @throws ReplayBusyError */
  async start(range: ReplayRange, into: readonly ReplayTarget[]): Promise<ReplayReport> {
    const running = [...this.#jobs.values()].find(({ report }) => report.state === 'running');
    if (running || this.#isStarting) throw new ReplayBusyError(`replay ${running?.report.id ?? ''} is running`);
    this.#isStarting = true;
    try {
      const { clock, log } = this.#ports;
      const now = () => new Date(clock.wall().wallMs).toISOString();
      const id = randomUUID();
      const replay = await startReplay(this.#ports, range, into);
      const report: Omit<ReplayReport, keyof ReplayProgress> = { id, state: 'running', into, startedAt: now() };
      log.info({ replay: id, into, ...range, total: replay.progress().total }, 'replay started');
      this.#jobs.set(id, { report, replay });
      for (const old of [...this.#jobs.keys()].slice(0, -KEPT_JOBS)) this.#jobs.delete(old);
      const end = (state: 'done' | 'failed', reason?: string) => {
        Object.assign(report, { state, endedAt: now(), ...(reason === undefined ? {} : { reason }) });
        log.info({ replay: id, ...replay.progress(), state }, 'replay ended');
      };
      replay.done.then(
        () => end('done'),
        (error: Error) => end('failed', error.message),
      );
      return { ...report, ...replay.progress() };
    } finally {
      this.#isStarting = false;
    }
  }

  get(id: string): ReplayReport | undefined {
    const job = this.#jobs.get(id);
    return job && { ...job.report, ...job.replay.progress() };
  }

  async stop(id: string): Promise<ReplayReport | undefined> {
    await this.#jobs.get(id)?.replay.stop();
    return this.get(id);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map(({ replay }) => replay.stop()));
  }
}
