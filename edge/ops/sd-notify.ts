/**
 * What systemd hears from the daemon (sd_notify(3), `Type=notify`): ready, alive, stopping. Node has no datagram sockets of the Unix
 * kind, so `systemd-notify` says it; the unit file needs `NotifyAccess=all`. Outside systemd nothing is said.
 */
import { execFile } from 'node:child_process';
import type { Log } from '../../protocols/base/log.ts';

export interface Supervisor {
  /** How often it wants to hear that the daemon lives; undefined when it does not watch. */
  everyMs: number | undefined;
  notify(...states: string[]): void;
}

const TIMEOUT_MS = 5_000;

/** @param environment `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` as systemd sets them. */
export function openSupervisor(environment: NodeJS.ProcessEnv, log: Log): Supervisor | undefined {
  if (!environment.NOTIFY_SOCKET) return undefined;
  const watchdogUs = Number(environment.WATCHDOG_USEC);
  const ours = environment.WATCHDOG_PID === undefined || Number(environment.WATCHDOG_PID) === process.pid;
  return {
    // A third of its patience: two pings may be lost.
    everyMs: ours && watchdogUs > 0 ? watchdogUs / 3000 : undefined,
    notify(...states) {
      const options = { timeout: TIMEOUT_MS, env: { ...environment } };
      execFile('systemd-notify', [`--pid=${process.pid}`, ...states], options, (error) => {
        if (error) log.warn({ err: error, states }, 'systemd was not told');
      });
    },
  };
}
