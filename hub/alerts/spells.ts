/**
 * What an alert was each time it stood: a spell, from its raise to its end. Pure fold over the set of an alert's messages; any order of
 * arrival and any number of repetitions give the same spells.
 *
 * One id may stand several times (a device that is lost again); an incident needs each of them, where alert-state.ts keeps the latest.
 * - A raise while the alert stands tells its newest value, and its severity when that is higher.
 * - An end without a raise before it is no spell: the raise is late, or never was (a device that is online from the beginning).
 * - A retraction takes back the spell it ends, or the last one when that has ended.
 */
import { ALERT_SEVERITIES, type AlertSeverity, type Place } from '../../protocols/uplink/model.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import { causeOf, subjectOf } from './subject.ts';

export interface Spell {
  alertId: string;
  subject: string;
  cause: string;
  /** ISO 8601. */
  beganAt: string;
  /** Absent while it stands. */
  endedAt?: string;
  /** It turned out not to have been. */
  retracted: boolean;
  severity: AlertSeverity;
  ruleId: string;
  gatewayId: string;
  deviceId: string;
  location: Place;
  quantity: string;
  value: number;
  limit: number;
  message: string;
}

/** @param messages Of one alert, each once, in any order. */
export function spellsOf(messages: readonly AlertMessage[]): Spell[] {
  const spells: Spell[] = [];
  for (const message of [...messages].sort(compareMessages)) {
    const last = spells.at(-1);
    const stands = last !== undefined && last.endedAt === undefined;
    if (message.phase === 'raised') {
      if (stands) Object.assign(last, told(message), { severity: worse(last.severity, message.severity) });
      else spells.push(begun(message));
    } else if (last && (stands || message.phase === 'retracted')) {
      last.endedAt ??= message.occurredAt;
      if (message.phase === 'retracted') last.retracted = true;
    }
  }
  return spells;
}

export function worse(a: AlertSeverity, b: AlertSeverity): AlertSeverity {
  return rankOf(a) >= rankOf(b) ? a : b;
}

/** Grows with the severity. */
export function rankOf(severity: AlertSeverity): number {
  return ALERT_SEVERITIES.indexOf(severity);
}

function begun(message: AlertMessage): Spell {
  const { alertId, severity, ruleId, gatewayId, deviceId, location, occurredAt } = message;
  return {
    alertId,
    subject: subjectOf(message),
    cause: causeOf(message),
    beganAt: occurredAt,
    retracted: false,
    severity,
    ruleId,
    gatewayId,
    deviceId,
    location,
    ...told(message),
  };
}

function told({
  quantity,
  value,
  limit,
  message,
}: AlertMessage): Pick<Spell, 'quantity' | 'value' | 'limit' | 'message'> {
  return { quantity, value, limit, message };
}

/** A raise comes before an end of the same millisecond: it belongs to it. */
const ORDER = ['raised', 'cleared', 'retracted'] as const;

function compareMessages(a: AlertMessage, b: AlertMessage): number {
  if (a.occurredAt !== b.occurredAt) return a.occurredAt < b.occurredAt ? -1 : 1;
  return ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase) || (a.eventId < b.eventId ? -1 : 1);
}
