/**
 * An incident: the alerts of one subject and one cause that follow each other with less than QUIET_MS of quiet between them (subject.ts,
 * spells.ts). A van's failed cooler is one incident, however many sensors, rules and repetitions tell of it. Pure; the same set of spells
 * gives the same incidents.
 *
 * - It is open while one of its alerts stands, and cleared when all have ended. An alert within QUIET_MS of the last end opens it again; a
 *   later one is another incident.
 * - A retracted alert stays where it was in time, so that what was told keeps its name, and is shown as retracted: it neither counts nor
 *   keeps the incident open. An incident of retracted alerts alone is withdrawn.
 * - Its id is made of its first alert. An alert that is later told to have been before it gives it another id; what people said about it is
 *   kept by cause and time (migrations.ts), and the old id leads to it.
 */

import { uuidV5 } from '../../protocols/uplink/identity.ts';
import type { AlertSeverity, Place } from '../../protocols/uplink/model.ts';
import { type Spell, worse } from './spells.ts';
import { titleOf } from './subject.ts';

export const QUIET_MS = 600_000;

/** What silences and subscriptions are compared with. */
export interface Source {
  gatewayId: string;
  ruleId: string;
  facilityId?: string;
  vehicleId?: string;
  readPoint?: string;
  /** One of its alerts stands. */
  open: boolean;
}

export interface IncidentFacts {
  incidentId: string;
  subject: string;
  cause: string;
  title: string;
  open: boolean;
  /** All its alerts were retracted. */
  withdrawn: boolean;
  /** The highest there was. */
  severity: AlertSeverity;
  /** Began: of its first alert, and of its last. */
  openedAt: string;
  lastBeganAt: string;
  /** All alerts ended. */
  clearedAt?: string;
  endedAt?: string;
  /** The last time when it had been cleared and was open again, and how often. */
  reopenedAt?: string;
  reopened: number;
  /** Alerts that count: spells, and the first MAX_LISTED different ids. */
  count: number;
  alertIds: string[];
  retracted: string[];
  sources: Source[];
  /** The alert that tells most: the first of the highest severity. */
  lead: Pick<Spell, 'alertId' | 'ruleId' | 'gatewayId' | 'deviceId' | 'quantity' | 'value' | 'limit' | 'message'> & {
    location: Place;
  };
}

export const MAX_LISTED = 100;

/** @param spells All of one subject and one cause, in any order. */
export function incidentsOf(spells: readonly Spell[]): IncidentFacts[] {
  const groups: Spell[][] = [];
  let endMs = Number.NEGATIVE_INFINITY;
  for (const spell of [...spells].sort(compareSpells)) {
    const beganMs = Date.parse(spell.beganAt);
    const group = groups.at(-1);
    if (group && beganMs <= endMs + QUIET_MS) group.push(spell);
    else {
      groups.push([spell]);
      endMs = Number.NEGATIVE_INFINITY;
    }
    endMs = Math.max(endMs, endMsOf(spell));
  }
  return groups.flatMap((group) => factsOf(group) ?? []);
}

function factsOf(spells: readonly Spell[]): IncidentFacts | undefined {
  const [first] = spells;
  const last = spells.at(-1);
  if (!first || !last) return undefined;
  const live = spells.filter(({ retracted }) => !retracted);
  const counted = live.length > 0 ? live : spells;
  const severity = counted.reduce<AlertSeverity>((worst, spell) => worse(worst, spell.severity), 'info');
  const lead = counted.find((spell) => spell.severity === severity) ?? first;
  const open = live.some(({ endedAt }) => endedAt === undefined);
  const clearedAt = lastEndOf(counted);
  const endedAt = lastEndOf(spells);
  return {
    incidentId: incidentIdOf(first),
    subject: first.subject,
    cause: first.cause,
    title: titleOf(first.subject, first.cause),
    open,
    withdrawn: live.length === 0,
    severity,
    openedAt: first.beganAt,
    lastBeganAt: last.beganAt,
    ...(!open && clearedAt !== undefined && endedAt !== undefined && { clearedAt, endedAt }),
    ...reopeningsOf(live),
    count: live.length,
    alertIds: idsOf(live),
    retracted: idsOf(spells.filter(({ retracted }) => retracted)),
    sources: sourcesOf(counted),
    lead: leadOf(lead),
  };
}

function incidentIdOf({ alertId, beganAt }: Spell): string {
  return uuidV5(NAMESPACE, `${alertId}/${beganAt}`);
}

/** A random UUID, fixed for ever. */
const NAMESPACE = Buffer.from('5a0f3b6d8c1e4e7f9d2b47a6c3185e90', 'hex');

function reopeningsOf(live: readonly Spell[]): { reopened: number; reopenedAt?: string } {
  let endMs = Number.POSITIVE_INFINITY;
  let reopened = 0;
  let reopenedAt: string | undefined;
  for (const [index, spell] of live.entries()) {
    if (index > 0 && Date.parse(spell.beganAt) > endMs) {
      reopened++;
      reopenedAt = spell.beganAt;
    }
    endMs = index === 0 ? endMsOf(spell) : Math.max(endMs, endMsOf(spell));
  }
  return { reopened, ...(reopenedAt !== undefined && { reopenedAt }) };
}

function idsOf(spells: readonly Spell[]): string[] {
  return [...new Set(spells.map(({ alertId }) => alertId))].slice(0, MAX_LISTED);
}

function sourcesOf(spells: readonly Spell[]): Source[] {
  const sources = new Map<string, Source>();
  for (const { gatewayId, ruleId, location, endedAt, retracted } of spells) {
    const { facilityId, vehicleId, readPoint } = location;
    const open = endedAt === undefined && !retracted;
    const name = JSON.stringify([gatewayId, ruleId, facilityId, vehicleId, readPoint]);
    const known = sources.get(name);
    if (known) known.open ||= open;
    else if (sources.size < MAX_LISTED) {
      sources.set(name, {
        gatewayId,
        ruleId,
        ...(facilityId !== undefined && { facilityId }),
        ...(vehicleId !== undefined && { vehicleId }),
        ...(readPoint !== undefined && { readPoint }),
        open,
      });
    }
  }
  return [...sources.values()];
}

function leadOf(spell: Spell): IncidentFacts['lead'] {
  const { alertId, ruleId, gatewayId, deviceId, quantity, value, limit, message, location } = spell;
  return { alertId, ruleId, gatewayId, deviceId, quantity, value, limit, message, location };
}

function lastEndOf(spells: readonly Spell[]): string | undefined {
  return spells
    .flatMap(({ endedAt }) => endedAt ?? [])
    .sort()
    .at(-1);
}

function endMsOf({ endedAt }: Spell): number {
  return endedAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(endedAt);
}

function compareSpells(a: Spell, b: Spell): number {
  if (a.beganAt !== b.beganAt) return a.beganAt < b.beganAt ? -1 : 1;
  return a.alertId < b.alertId ? -1 : 1;
}
