/**
 * What each planned fault does to the world, from its beginning to the moment it is over: killed programs run again, frozen ones go on,
 * networks are healed, disks have space.
 */
import { statfsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultProxy } from '../servers/fault-proxy.ts';
import type { Server } from '../servers/server-process.ts';
import type { Daemon } from './daemon.ts';
import type { FaultKind, FaultTarget, PlannedFault } from './plan.ts';
import type { World } from './world.ts';

type Strike = (fault: PlannedFault) => Promise<void>;

export interface Target extends FaultTarget {
  strikes: Partial<Record<FaultKind, Strike>>;
}

const FILL_BYTES = 64 * 1024;

export function targetsOf(world: World): Target[] {
  const { gateways, hubs, mosquitto, kafka, postgres, influx, networks, smallDisk } = world;
  const targets: [name: string, strikes: Target['strikes']][] = [
    ...gateways.map(({ id, daemon }) => [id, daemonStrikes(daemon)] as [string, Target['strikes']]),
    ...hubs.map(({ daemon }) => [daemon.name, daemonStrikes(daemon)] as [string, Target['strikes']]),
    ['kafka', { kill: kill(kafka), freeze: freeze(kafka) }],
    // A frozen postmaster would leave its children awake: PostgreSQL is frozen by its network.
    ['postgres', { kill: kill(postgres), restart: restart(postgres) }],
    ['influx', { kill: kill(influx), freeze: freeze(influx), restart: restart(influx) }],
    ...gateways.map(({ id, network }) => [`${id} → broker`, networkStrikes(network)] as [string, Target['strikes']]),
    ...[...networks].map(
      ([name, network]) => [`hub → ${name}`, networkStrikes(network)] as [string, Target['strikes']],
    ),
  ];
  if (mosquitto) {
    targets.push(['mosquitto', { kill: kill(mosquitto), freeze: freeze(mosquitto), restart: restart(mosquitto) }]);
  }
  const [first] = gateways;
  if ('folder' in smallDisk && first) targets.push([`disk of ${first.id}`, { 'disk-full': fill(smallDisk.folder) }]);
  return targets.map(([name, strikes]) => ({ name, strikes, kinds: Object.keys(strikes) as FaultKind[] }));
}

function daemonStrikes(daemon: Daemon): Target['strikes'] {
  return {
    async kill({ forMs }) {
      await daemon.kill9();
      await delay(forMs);
      daemon.start();
    },
    async freeze({ forMs }) {
      daemon.signal('SIGSTOP');
      await delay(forMs);
      daemon.signal('SIGCONT');
    },
  };
}

function networkStrikes(network: FaultProxy): Target['strikes'] {
  const during = (begin: (fault: PlannedFault) => void): Strike => {
    return async (fault) => {
      begin(fault);
      await delay(fault.forMs);
      network.heal();
    };
  };
  return {
    cut: during(() => network.cut()),
    hang: during(() => network.hang()),
    delay: during(({ delayMs = 0 }) => network.delay(delayMs)),
  };
}

function kill(server: Server): Strike {
  return async ({ forMs }) => {
    await server.kill9();
    await delay(forMs);
    await untilBack(server);
  };
}

function restart(server: Server): Strike {
  return () => untilBack(server);
}

/** A server on a starved machine may take longer than its time-out, once. */
async function untilBack(server: Server): Promise<void> {
  await server.restart().catch(() => server.restart());
}

function freeze(server: Server): Strike {
  return async ({ forMs }) => {
    const { pid } = server;
    process.kill(pid, 'SIGSTOP');
    await delay(forMs);
    process.kill(pid, 'SIGCONT');
  };
}

/** Takes the last byte, again and again, since what the daemon frees is space too; then gives it all back. */
function fill(folder: string): Strike {
  return async ({ forMs }) => {
    const path = join(folder, 'filler');
    const file = await open(path, 'w');
    const untilMs = performance.now() + forMs;
    try {
      while (performance.now() < untilMs) {
        await takeAll(file, folder);
        await delay(20);
      }
    } finally {
      await file.close();
      await rm(path);
    }
  };
}

async function takeAll(file: Awaited<ReturnType<typeof open>>, folder: string): Promise<void> {
  const block = Buffer.alloc(FILL_BYTES);
  for (;;) {
    const { bavail, bsize } = statfsSync(folder);
    if (bavail === 0) return;
    try {
      await file.write(block, 0, Math.min(FILL_BYTES, bavail * bsize));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
      throw error;
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
