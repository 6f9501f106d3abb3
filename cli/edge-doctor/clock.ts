/** The box's clock: readings are ordered without it, but a reading's time on the page comes from it. */
import type { Clock } from '../../protocols/base/clock.ts';
import { EARLIEST_WALL_MS } from '../../protocols/base/clock.ts';
import { type CheckResult, fail, ok, warn } from './check.ts';

export function checkClock(clock: Clock): CheckResult {
  const { wallMs, state } = clock.wall();
  const now = new Date(wallMs).toISOString();
  if (wallMs < EARLIEST_WALL_MS) {
    const advice = "'timedatectl set-ntp true', or install chrony; a battery for the clock helps after power cuts";
    return fail('clock', `${now} cannot be: it was never set since the box started`, advice);
  }
  if (state === 'unsynced') {
    const advice = "'timedatectl set-ntp true', or install chrony, and let UDP port 123 out";
    return warn(
      'clock',
      `${now}, and nobody vouches for it: neither systemd-timesyncd nor chrony is synchronised`,
      advice,
    );
  }
  return ok('clock', `${now}, synchronised (${state})`);
}
