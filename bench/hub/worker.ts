/**
 * One process of a hub benchmark. `node worker.ts ROLE JSON`: says {"done"} over IPC every few milliseconds, and more when asked; runs until it is
 * disconnected.
 */
import { performance } from 'node:perf_hooks';

export interface WorkerOptions {
  kafka: string;
  influx: string;
  /** MQTT broker, where the role takes from one. */
  mqtt?: string;
  /** How many, where the role ends by itself. */
  events?: number;
  /** The prebuilt message, base64. */
  message?: string;
}

export interface Said {
  done: number;
  /** Where gateways connect. */
  url?: string;
  /** CPU of this process so far. */
  cpuMs: number;
  rssBytes: number;
}

/** Starts working and gives what is counted. */
export type Role = (options: WorkerOptions) => Promise<{ done: () => number; url?: string }>;

const SAY_MS = 20;

if (process.send) {
  const [, , role = '', json = '{}'] = process.argv;
  const { roles } = await import('./roles.ts');
  const work = roles[role];
  if (!work) throw new Error(`no role ${role}`);
  const { done, url } = await work(JSON.parse(json) as WorkerOptions);
  const say = () => {
    const { user, system } = process.cpuUsage();
    const said: Said = { done: done(), cpuMs: (user + system) / 1000, rssBytes: process.memoryUsage().rss };
    // Whoever listened may have gone: `disconnect` says so next.
    process.send?.(url === undefined ? said : { ...said, url }, () => {});
  };
  setInterval(say, SAY_MS);
  process.on('disconnect', () => process.exit());
  performance.mark('started');
  say();
}
