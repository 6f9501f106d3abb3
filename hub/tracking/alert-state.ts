/**
 * An alert as it stands: what its raise, its clear and its retraction said. Pure; any order of arrival and any number of
 * repetitions give the same state, since of each phase the latest message is kept, and the latest phase counts.
 *
 * An alert that is raised again under its id (a device that is lost again) is open again.
 */
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';

type Phase = AlertMessage['phase'];

/** The latest message of each phase; at least one is there. */
export type AlertPhases = Partial<Record<Phase, AlertMessage>>;

export function mergeAlert(phases: AlertPhases, message: AlertMessage): AlertPhases {
  const known = phases[message.phase];
  return known && !isAfter(message, known) ? phases : { ...phases, [message.phase]: message };
}

/** What readers see of an alert. */
export interface Alert extends Omit<AlertMessage, 'version' | 'eventId' | 'phase' | 'occurredAt'> {
  state: Phase;
  raisedAt?: string;
  /** When it was cleared or retracted. */
  endedAt?: string;
  /** The value that cleared it. */
  clearedValue?: number;
}

export function alertOf({ raised, cleared, retracted }: AlertPhases): Alert | undefined {
  const told = raised ?? cleared ?? retracted;
  if (!told) return undefined;
  // A clear in the same millisecond belongs to the raise.
  const ends = [cleared, retracted].filter((end) => end !== undefined && end.occurredAt >= (raised?.occurredAt ?? ''));
  const end = ends.reduce((last, next) => (last && next && isAfter(last, next) ? last : next), undefined);
  const { version: _version, eventId: _eventId, phase: _phase, occurredAt: _occurredAt, ...rest } = told;
  return {
    ...rest,
    state: end?.phase ?? 'raised',
    ...(raised && { raisedAt: raised.occurredAt }),
    ...(end && { endedAt: end.occurredAt }),
    ...(end?.phase === 'cleared' && { clearedValue: end.value }),
  };
}

function isAfter(a: AlertMessage, b: AlertMessage): boolean {
  return a.occurredAt === b.occurredAt ? a.eventId > b.eventId : a.occurredAt > b.occurredAt;
}
