/** The Clock over the operating system, and what the kernel says of its synchronisation. */
import { readFileSync } from 'node:fs';
import type { Clock, ClockState } from '../protocols/base/clock.ts';

/** Before this moment no clock that reports it can have been set: the year of this program. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);
const CHECK_EVERY_MS = 10_000;

export function systemClock(): Clock {
  const originNs = process.hrtime.bigint();
  let checkedMs = Number.NEGATIVE_INFINITY;
  let state: ClockState = 'unsynced';
  return {
    monotonicUs: () => Number((process.hrtime.bigint() - originNs) / 1000n),
    wall() {
      const wallMs = Date.now();
      const nowMs = performance.now();
      if (nowMs - checkedMs >= CHECK_EVERY_MS) {
        checkedMs = nowMs;
        state = kernelSaysSynchronised() ? 'ntp' : 'unsynced';
      }
      if (wallMs < EARLIEST_MS) return { wallMs, state: 'unsynced', uncertaintyMs: Number.POSITIVE_INFINITY };
      return { wallMs, state, uncertaintyMs: state === 'ntp' ? 100 : Number.POSITIVE_INFINITY };
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}

/** systemd-timesyncd and chrony's and ntpd's units leave this file once the clock was set; containers have none. */
function kernelSaysSynchronised(): boolean {
  for (const path of ['/run/systemd/timesync/synchronized', '/run/chrony/chronyd.pid', '/run/ntpd.pid']) {
    try {
      readFileSync(path);
      return true;
    } catch {
      // The next one may be there.
    }
  }
  return false;
}
