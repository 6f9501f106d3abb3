/**
 * The daemon looks after itself: the conservation law is checked while it runs, and whoever supervises it hears that it lives only while it
 * gets on.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { AlertPayload } from '../../protocols/uplink/model.ts';
import { ConservationWatch } from './conservation.ts';
import type { Supervisor } from './sd-notify.ts';
import { type Part, startWatchdog } from './watchdog.ts';

const CHECK_EVERY_MS = 10_000;

export interface SelfCareOptions {
  clock: Clock;
  log: Log;
  newId: () => string;
  /** What must make progress. */
  parts: readonly Part[];
  supervisor: Supervisor | undefined;
  ledger: () => Record<Lane, LaneLedger>;
  /** Counts again from what is stored: what does not hold, a sentence each. */
  recount: () => Promise<string[]>;
  /** Takes the alert that the law is broken, or holds again. */
  alert: (payload: AlertPayload) => void;
}

export interface SelfCare {
  /** Why accepted = delivered + evicted + quarantined + pending does not hold; undefined while it does. */
  violation(): string | undefined;
  stop(): void;
}

export function startSelfCare(options: SelfCareOptions): SelfCare {
  const { clock, log, supervisor } = options;
  const watch = new ConservationWatch({ newId: options.newId });
  const check = async () => {
    const recounted = await options.recount();
    const alert = watch.check(options.ledger(), recounted);
    if (!alert) return;
    if (alert.phase === 'raised') log.error({ reason: alert.message }, 'the records of this gateway do not balance');
    else log.warn({}, alert.message);
    options.alert(alert);
  };
  let cancelCheck = () => {};
  let stopped = false;
  const again = () => {
    cancelCheck = clock.after(CHECK_EVERY_MS, () => {
      check()
        .catch((error: Error) => log.error({ err: error }, 'the records could not be counted again'))
        .finally(() => {
          if (!stopped) again();
        });
    });
  };
  again();
  supervisor?.notify('READY=1');
  const everyMs = supervisor?.everyMs;
  const stopWatchdog =
    supervisor && everyMs !== undefined
      ? startWatchdog({ clock, log, parts: options.parts, everyMs, ping: () => supervisor.notify('WATCHDOG=1') })
      : () => {};
  return {
    violation: () => watch.violation,
    stop() {
      stopped = true;
      cancelCheck();
      stopWatchdog();
      supervisor?.notify('STOPPING=1');
    },
  };
}
