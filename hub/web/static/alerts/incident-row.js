/** Incidents as lines, and their states in words. */
import { element } from '../dom.js';
import { age, formatDayTime } from '../format.js';

export const INCIDENT_STATES = {
  open: ['Open', 'bad'],
  acknowledged: ['Acknowledged', 'wait'],
  cleared: ['Cleared', 'good'],
};
export const SEVERITIES = [
  ['info', 'Info'],
  ['warning', 'Warning'],
  ['critical', 'Critical'],
];
const TONES = { critical: 'bad', warning: 'warn', info: 'none' };

export const incidentPath = (id) => `/alerts/incidents/${encodeURIComponent(id)}`;

export function severityChip(severity) {
  const [, name] = SEVERITIES.find(([key]) => key === severity) ?? [severity, severity];
  return element('span', { class: 'chip', 'data-tone': TONES[severity] ?? 'none' }, name);
}

export function incidentChip({ state, silencedBy = [], withdrawn }) {
  const [name, tone] = INCIDENT_STATES[state] ?? [state, 'none'];
  return [
    element('span', { class: 'chip', 'data-tone': tone, 'data-state': state }, withdrawn ? 'Withdrawn' : name),
    silencedBy.length > 0 ? element('small', {}, 'silenced') : '',
  ];
}

export function countText({ count }) {
  return count === 1 ? '1 alert' : `${count} alerts`;
}

/** A line of a list beside something else. */
export function incidentItem(incident) {
  const { incidentId, severity, state, title, openedAt, acknowledgedBy } = incident;
  return element(
    'li',
    {
      class: 'alert',
      'data-id': incidentId,
      'data-severity': severity,
      'data-state': state === 'cleared' ? 'cleared' : 'raised',
    },
    element('p', { class: 'alert-text' }, element('a', { href: incidentPath(incidentId) }, title)),
    element(
      'p',
      { class: 'note' },
      `${countText(incident)} · `,
      age(openedAt),
      acknowledgedBy ? ` · taken on by ${acknowledgedBy}` : '',
    ),
  );
}

export function whenText({ openedAt, clearedAt }) {
  return clearedAt ? element('span', {}, `${formatDayTime(openedAt)} – ${formatDayTime(clearedAt)}`) : age(openedAt);
}
