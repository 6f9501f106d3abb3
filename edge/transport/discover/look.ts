/** All ways of looking, side by side; one that fails costs the others nothing and says why. */
import type { Clock } from '../../../protocols/base/clock.ts';
import type { Finding, Look } from './finding.ts';
import { lookAtGpio } from './gpio.ts';
import { lookAtGpsd } from './gpsd.ts';
import { lookAtHid } from './hid.ts';
import { lookForLlrp } from './llrp.ts';
import { lookAtOneWire } from './one-wire.ts';
import { lookAtSerial } from './serial.ts';

export interface LookOptions {
  /** Hosts to ask for LLRP readers. */
  llrpHosts: readonly string[];
  llrpPort?: number;
  /** 1-Wire folder, where it is not the kernel's. */
  w1Folder?: string;
  gpsd?: { host: string; port: number };
  clock: Clock;
  signal: AbortSignal;
  onProgress?: (asked: number) => void;
}

export async function lookAround(options: LookOptions): Promise<{ findings: Finding[]; problems: string[] }> {
  const { clock, signal, llrpHosts, llrpPort, onProgress } = options;
  const gpsd = await lookAtGpsd({ clock, signal, ...options.gpsd });
  const looks = await Promise.all([
    guarded('serial ports', lookAtSerial({ takenByGpsd: gpsd.receivers })),
    guarded('HID devices', lookAtHid()),
    guarded('1-Wire sensors', lookAtOneWire(options.w1Folder)),
    guarded('GPIO chips', lookAtGpio()),
    guarded(
      'LLRP readers',
      lookForLlrp({
        hosts: llrpHosts,
        clock,
        signal,
        ...(llrpPort !== undefined && { port: llrpPort }),
        ...(onProgress && { onProgress }),
      }),
    ),
  ]);
  return {
    findings: [...looks.flatMap(({ findings }) => findings), ...gpsd.findings],
    problems: looks.flatMap(({ problem }) => problem ?? []),
  };
}

async function guarded(what: string, look: Promise<Look>): Promise<Look> {
  return await look.catch((error: unknown) => ({
    findings: [],
    problem: `${what}: ${error instanceof Error ? error.message : String(error)}`,
  }));
}
