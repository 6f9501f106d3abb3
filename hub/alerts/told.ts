/**
 * What subscribers were told of an incident, and what they are to be told next. Pure.
 *
 * They are told of states, not of alerts: the difference between what they know and what is. So nothing is told twice, whatever comes
 * again or late, and what a silence held back is told as it stands when the silence ends.
 */
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { IncidentFacts } from './incident.ts';
import { rankOf } from './spells.ts';

export const PHASES = ['opened', 'escalated', 'acknowledged', 'cleared'] as const;
export type Phase = (typeof PHASES)[number];

export interface Told {
  /** The id under which they know it; none: nothing was told yet. */
  name?: string;
  open: boolean;
  severity: AlertSeverity;
  acknowledged: boolean;
}

export const NOTHING_TOLD: Told = { open: false, severity: 'info', acknowledged: false };

export interface Now {
  facts: Pick<IncidentFacts, 'incidentId' | 'open' | 'severity'>;
  acknowledged: boolean;
  /** A silence matches. */
  silenced: boolean;
  /** It was over too long ago to be news. */
  stale: boolean;
}

/** `held`: there is something to tell, later. */
export function nextOf(told: Told, now: Now, wasHeld: boolean): { phases: Phase[]; told: Told; held: boolean } {
  const { facts, acknowledged, silenced, stale } = now;
  const known = told.name !== undefined;
  const phases: Phase[] = [];
  if (facts.open) {
    if (!told.open) phases.push('opened');
    else if (rankOf(facts.severity) > rankOf(told.severity)) phases.push('escalated');
    if (acknowledged && !told.acknowledged) phases.push('acknowledged');
  } else if (told.open) phases.push('cleared');
  // Came and went before anybody could be told; of what a silence held back nobody wants to hear any more.
  else if (!known && !wasHeld && !stale) phases.push('opened', 'cleared');
  if (silenced && phases.length > 0) return { phases: [], told, held: true };
  const name = told.name ?? (phases.length > 0 ? facts.incidentId : undefined);
  return {
    phases,
    told: {
      ...(name !== undefined && { name }),
      open: facts.open,
      severity: facts.severity,
      acknowledged: facts.open && acknowledged,
    },
    held: false,
  };
}
