/**
 * Watches the conservation law while the daemon runs (design, section 3.8): accepted = delivered + evicted + quarantined + pending, per lane, and
 * whatever the Outbox itself finds when it counts again. A violation is an alert: raised once, cleared once it holds again. Pure.
 */
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { AlertPayload } from '../../protocols/uplink/model.ts';

export class ConservationWatch {
  readonly #newId: () => string;
  #open: { alertId: string; message: string } | undefined;

  constructor(options: { newId: () => string }) {
    this.#newId = options.newId;
  }

  /** Why the law does not hold at present; undefined while it does. */
  get violation(): string | undefined {
    return this.#open?.message;
  }

  /** @param recounted What counting again found, a sentence each. */
  check(lanes: Record<Lane, LaneLedger>, recounted: readonly string[]): AlertPayload | undefined {
    const violations = [...LANES.flatMap((lane) => imbalance(lane, lanes[lane])), ...recounted];
    if (violations.length > 0) {
      if (this.#open) return undefined;
      this.#open = { alertId: this.#newId(), message: violations.join('; ').slice(0, 500) };
      return alert(this.#open, 'raised', violations.length);
    }
    if (!this.#open) return undefined;
    const closed = { ...this.#open, message: 'the records of this gateway balance again' };
    this.#open = undefined;
    return alert(closed, 'cleared', 0);
  }
}

export function imbalance(lane: Lane, ledger: LaneLedger): string[] {
  const { accepted, delivered, evicted, quarantined, pending } = ledger;
  const whole = [accepted, delivered, evicted, quarantined, pending].every(
    (count) => Number.isInteger(count) && count >= 0,
  );
  if (whole && accepted === delivered + evicted + quarantined + pending) return [];
  const sum = `${delivered} delivered + ${evicted} evicted + ${quarantined} quarantined + ${pending} pending`;
  return [`lane ${lane}: ${accepted} accepted, but ${sum}`];
}

function alert(open: { alertId: string; message: string }, phase: 'raised' | 'cleared', value: number): AlertPayload {
  return {
    kind: 'alert',
    alertId: open.alertId,
    phase,
    ruleId: 'conservation',
    severity: 'critical',
    deviceId: '',
    place: {},
    quantity: 'violations',
    value,
    limit: 0,
    message: open.message,
  };
}
