/**
 * Whether a version on trial has proven itself: the uplink stands, and every device that was online before is online, both for `SETTLE_MS`
 * without interruption. Pure.
 */
import type { KeyReason } from '../../protocols/fleet/reported-config.ts';
import type { Trial } from './config-file.ts';

/** A device that comes back for a moment, or a connection that is lost with the first message, is no proof. */
export const SETTLE_MS = 2_000;

export interface TrialView {
  nowUs: number;
  /** The connection stands, and the hub's broker has taken this trial's report over it. */
  isUplinkProven: boolean;
  /** Devices of the configuration by id; `message` where one is not online. */
  devices: ReadonlyMap<string, { isOnline: boolean; message: string }>;
  /** Since when all has been well without interruption. */
  wellSinceUs: number | undefined;
}

export type Verdict = 'wait' | 'settle' | 'proven' | { failed: KeyReason[] };

export function judge(trial: Trial, { nowUs, isUplinkProven, devices, wellSinceUs }: TrialView): Verdict {
  const lost = trial.online.filter((id) => devices.get(id)?.isOnline === false);
  if (isUplinkProven && lost.length === 0) {
    return wellSinceUs !== undefined && nowUs - wellSinceUs >= SETTLE_MS * 1000 ? 'proven' : 'settle';
  }
  if (nowUs < trial.untilUs) return 'wait';
  const failed = lost.map((id): KeyReason => {
    const key = Object.hasOwn(trial.settings.rates, id) ? `rates/${id}` : '';
    const why = devices.get(id)?.message;
    return {
      key,
      code: 'config-device-lost',
      reason: `device ${id} was online before and did not come back${why ? `: ${why}` : ''}`,
    };
  });
  if (!isUplinkProven) {
    const reason = 'the connection to the hub did not come back; it may have been lost for another reason';
    failed.push({ key: '', code: 'config-uplink-lost', reason });
  }
  return { failed };
}
