/**
 * From what was said of a package's violations to what is so: the events that say the difference. Pure.
 *
 * - A violation is named by the package, its kind and the record that broke the limit (`exceptionId`, UUIDv5); an event by that, its phase and
 *   its revision. What is evaluated again gives the same events, which count once.
 * - What is not found any more is retracted; what is found again after that is said again, with a higher revision.
 * - Before the horizon nothing changes: readings from before it are not kept. Only what was open there may still end.
 */
import { uuidV5 } from '../../protocols/uplink/identity.ts';
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { PackageException, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { isoOf } from '../process/to-messages.ts';
import type { Violation } from './evaluate.ts';

/** What was said last of a violation. */
export interface Said {
  exceptionId: string;
  violation: Violation;
  state: 'open' | 'ended' | 'retracted';
  revision: number;
}

export interface Reconciled {
  /** In the order in which they are to be published. */
  events: TrackingEvent[];
  /** Those that changed. */
  said: Said[];
}

export interface ReconcileOptions {
  packageId: string;
  nowUs: number;
  horizonUs: number;
}

export function reconcile(before: readonly Said[], found: readonly Violation[], options: ReconcileOptions): Reconciled {
  const { packageId, nowUs, horizonUs } = options;
  const result: Reconciled = { events: [], said: [] };
  const pronounce = (said: Said, phase: PackageException['phase']) => {
    result.events.push(eventOf(packageId, said, phase, nowUs));
    result.said.push(said);
  };
  const live = new Set<Said>();
  for (const violation of found) {
    const exceptionId = exceptionIdOf(packageId, violation);
    const same = before.find((said) => said.exceptionId === exceptionId);
    const known = same ?? before.find((said) => continues(said, violation, horizonUs));
    if (!known) {
      if (violation.beganUs < horizonUs) continue;
      const began: Said = { exceptionId, violation, state: 'open', revision: 0 };
      pronounce(began, 'began');
      if (violation.endedUs !== undefined) pronounce({ ...began, state: 'ended', revision: 1 }, 'ended');
      continue;
    }
    live.add(known);
    follow(known, same ? violation : continued(known, violation), pronounce);
  }
  for (const said of before) {
    if (live.has(said) || said.state === 'retracted' || said.violation.beganUs < horizonUs) continue;
    pronounce({ ...said, state: 'retracted', revision: said.revision + 1 }, 'retracted');
  }
  return result;
}

function follow(
  known: Said,
  violation: Violation,
  pronounce: (said: Said, phase: PackageException['phase']) => void,
): void {
  let { revision } = known;
  const { exceptionId } = known;
  const over = violation.endedUs !== undefined;
  if (known.state === 'retracted') pronounce({ exceptionId, violation, state: 'open', revision: ++revision }, 'began');
  const endIsNews = known.state !== 'ended' || known.violation.endedUs !== violation.endedUs;
  if (over && endIsNews) pronounce({ exceptionId, violation, state: 'ended', revision: ++revision }, 'ended');
  // It was said to be over, and is not: said again.
  if (!over && known.state === 'ended')
    pronounce({ exceptionId, violation, state: 'open', revision: ++revision }, 'began');
}

/** The rest of a violation whose beginning is older than what is kept. */
function continues({ violation, state }: Said, found: Violation, horizonUs: number): boolean {
  if (state === 'retracted' || violation.kind !== found.kind || violation.beganUs >= horizonUs) return false;
  return found.beganUs <= (violation.endedUs ?? Number.POSITIVE_INFINITY);
}

function continued({ violation, state }: Said, found: Violation): Violation {
  // One that was over before the horizon stays as it was.
  if (state === 'ended') return violation;
  const { endedUs } = found;
  return { ...violation, worst: found.worst, ...(endedUs !== undefined && { endedUs }) };
}

function exceptionIdOf(packageId: string, { kind, first }: Pick<Violation, 'kind' | 'first'>): string {
  const { gatewayId, epoch, sequence, quantity } = first;
  return uuidV5(NAMESPACE, JSON.stringify([packageId, kind, gatewayId, epoch, sequence, quantity]));
}

/** A random UUID, fixed for ever. */
const NAMESPACE = Buffer.from('b3f1c8a25d7e4960937c0e41f6a8d25b', 'hex');

const CRITICAL_CELSIUS = 3;
const CRITICAL_FACTOR = 2;

/** How far beyond the limit: 3 °C, or twice the shock, is critical. */
function severityOf(value: number, { kind, limit }: Violation): AlertSeverity {
  const beyond =
    kind === 'TEMPERATURE_EXCEPTION'
      ? Math.abs(value - limit) >= CRITICAL_CELSIUS
      : Math.abs(value) >= CRITICAL_FACTOR * limit;
  return beyond ? 'critical' : 'warning';
}

function eventOf(
  packageId: string,
  { exceptionId, violation, revision }: Said,
  phase: PackageException['phase'],
  nowUs: number,
): TrackingEvent {
  const { kind, first, place, beganUs, endedUs, worst, limit, message } = violation;
  const value = phase === 'ended' ? worst : first.value;
  const atUs = phase === 'began' ? beganUs : phase === 'ended' ? (endedUs ?? beganUs) : nowUs;
  const now = isoOf(nowUs / 1000);
  const { vehicleId } = place;
  return {
    version: 1,
    eventId: uuidV5(NAMESPACE, `${exceptionId}/${phase}/${revision}`),
    packageId,
    otherIds: [],
    eventType: 'EXCEPTION_OCCURRED',
    scanType: 'INVENTORY',
    businessStep: 'sensor_reporting',
    occurredAt: isoOf(atUs / 1000),
    recordedAt: now,
    clock: first.clock,
    location: place,
    ...(vehicleId !== undefined && { vehicleId }),
    source: {
      gatewayId: first.gatewayId,
      deviceId: first.deviceId,
      epoch: first.epoch,
      lane: 'telemetry',
      sequence: first.sequence,
    },
    data: {
      scanned: '',
      exception: {
        exceptionId,
        kind,
        phase,
        revision,
        severity: severityOf(value, violation),
        quantity: first.quantity,
        value,
        limit,
        beganAt: isoOf(beganUs / 1000),
        ...(phase !== 'began' && endedUs !== undefined && { endedAt: isoOf(endedUs / 1000) }),
        message: phase === 'retracted' ? `taken back: ${message}` : message,
      },
    },
  };
}
