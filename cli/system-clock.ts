/**
 * The Clock over the operating system, and whether its time can be trusted.
 *
 * Monotonic time is the kernel's (CLOCK_MONOTONIC), so every process of one boot shares it; `bootId` names that boot. State `ntp` is claimed
 * only where somebody vouches for the time: the kernel's synchronisation flag through timedatectl, else chrony, else the
 * mark that systemd-timesyncd leaves. They are asked in the background, every `CHECK_EVERY_MS`.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type Clock, EARLIEST_WALL_MS } from '../protocols/base/clock.ts';
import { crc32c } from '../protocols/base/crc.ts';

const CHECK_EVERY_MS = 10_000;
const ASK_TIMEOUT_MS = 2_000;
/** A disciplined clock of a box without better knowledge. */
const NTP_UNCERTAINTY_MS = 100;

export interface SystemClock extends Clock {
  /** The same in every process of this boot of the box; another after the next. */
  readonly bootId: number;
  /** The kernel's own name for this boot, where it has one (Linux). */
  readonly hostRun: string | undefined;
  /** Resolves when the system has said for the first time whether it is synchronised. */
  readonly asked: Promise<void>;
}

export function systemClock(): SystemClock {
  let synchronised = false;
  let askedMs = performance.now();
  const lookAgain = async () => {
    synchronised = await whoVouches();
  };
  const hostRun = bootOfKernel();
  const originUs = kernelTimeOfOrigin();
  return {
    // Elsewhere each process counts as a boot.
    bootId: hostRun === undefined ? randomBytes(4).readUInt32LE(0) : crc32c(Buffer.from(hostRun)),
    hostRun,
    asked: lookAgain(),
    monotonicUs: () => Math.floor(originUs + performance.now() * 1000),
    wall() {
      const nowMs = performance.now();
      if (nowMs - askedMs >= CHECK_EVERY_MS) {
        askedMs = nowMs;
        void lookAgain();
      }
      const wallMs = Date.now();
      return synchronised && wallMs >= EARLIEST_WALL_MS
        ? { wallMs, state: 'ntp', uncertaintyMs: NTP_UNCERTAINTY_MS }
        : { wallMs, state: 'unsynced', uncertaintyMs: Number.POSITIVE_INFINITY };
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

async function whoVouches(): Promise<boolean> {
  const kernel = await ask('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  if (kernel === 'yes' || kernel === 'no') return kernel === 'yes';
  const chrony = await ask('chronyc', ['-n', 'tracking']);
  if (chrony !== undefined) return /^Leap status\s*:\s*(Normal|Insert second|Delete second)$/m.test(chrony);
  return existsSync('/run/systemd/timesync/synchronized');
}

/** What a program prints; undefined where there is none or it fails. */
function ask(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: ASK_TIMEOUT_MS }, (error, output) => resolve(error ? undefined : output.trim()));
  });
}

/**
 * The kernel's monotonic time when `performance.now()` was 0. Both count the same clock, but the kernel's own is read as a bigint, which costs twice as
 * much; and it is read for each observation. Of several attempts the one that was interrupted least counts.
 */
function kernelTimeOfOrigin(): number {
  let best = { tookMs: Number.POSITIVE_INFINITY, originUs: 0 };
  for (let attempt = 0; attempt < 10; attempt++) {
    const beforeMs = performance.now();
    const kernelUs = Number(process.hrtime.bigint()) / 1000;
    const afterMs = performance.now();
    const tookMs = afterMs - beforeMs;
    if (tookMs < best.tookMs) best = { tookMs, originUs: kernelUs - ((beforeMs + afterMs) / 2) * 1000 };
  }
  return best.originUs;
}

function bootOfKernel(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
