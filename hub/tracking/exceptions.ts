/**
 * What went against a package's own limits, in its state (hub/limits). Pure.
 *
 * An exception is said in several events (began, ended, retracted), which arrive and sort in any order: of each phase the highest revision
 * counts, and the latest revision says whether it still holds. The package wants an inspection from the first exception that holds until
 * the next scan at a read point of a facility after it began and the hub knew of it; that scan is kept with it.
 */
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { ExceptionKind, PackageException, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';

export interface ExceptionState {
  exceptionId: string;
  kind: ExceptionKind;
  severity: AlertSeverity;
  quantity: string;
  value: number;
  limit: number;
  message: string;
  beganAt: string;
  endedAt?: string;
  retracted?: true;
  /** The scan at which the package was to be inspected. */
  inspectedAt?: { eventId: string; at: string; readPoint: string };
  /** Since when the hub knows of it: a scan before that showed nobody anything. */
  knownAt: string;
  /** The highest that was seen. */
  revision: number;
}

/** The exception after this event. */
export function exceptionAfter(
  known: ExceptionState | undefined,
  said: PackageException,
  saidAt: string,
): ExceptionState {
  const knownAt = known && known.knownAt < saidAt ? known.knownAt : saidAt;
  if (known && known.revision >= said.revision) return { ...known, knownAt };
  const { phase, endedAt, ...rest } = said;
  const { inspectedAt } = known ?? {};
  return {
    ...rest,
    ...(endedAt !== undefined && { endedAt }),
    ...(phase === 'retracted' && { retracted: true }),
    ...(inspectedAt && { inspectedAt }),
    knownAt,
  };
}

/** Where a person can look at the package: a scan by a reader of a facility. */
export function inspectionPoint({ eventType, location }: TrackingEvent): string | undefined {
  return eventType === 'PACKAGE_SCANNED' && location.facilityId !== undefined ? location.readPoint : undefined;
}

export function wantsInspection(exceptions: readonly ExceptionState[]): boolean {
  return exceptions.some(({ retracted, inspectedAt }) => !retracted && !inspectedAt);
}
