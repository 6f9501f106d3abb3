/** States of the fleet in words and colours, and pieces that its pages share. */
import { element } from '../dom.js';
import { age, duration } from '../format.js';

/** What became of a gateway's desired configuration, in the order in which a rollout is told. */
export const CONFIG_STATES = {
  'in-force': ['In force', 'good'],
  pending: ['Pending', 'wait'],
  rejected: ['Rejected', 'bad'],
  'rolled-back': ['Rolled back', 'warn'],
  offline: ['Offline', 'none'],
  none: ['Nothing set', 'none'],
};

export const ROLLOUT_STATES = {
  canary: ['Canary', 'wait'],
  rolling: ['Rolling out', 'wait'],
  done: ['Done', 'good'],
  stopped: ['Stopped', 'warn'],
  'rolled-back': ['Rolled back', 'bad'],
};

export function stateChip(states, state) {
  const [name, tone] = states[state] ?? [state, 'none'];
  return element('span', { class: 'chip', 'data-tone': tone, 'data-state': state }, name);
}

/** Counts of a rollout by state: `195 in force, 3 rejected, 2 offline`. */
const COUNTS = [
  ['inForce', 'in-force', 'in force'],
  ['pending', 'pending', 'pending'],
  ['rejected', 'rejected', 'rejected'],
  ['rolledBack', 'rolled-back', 'rolled back'],
  ['offline', 'offline', 'offline'],
];

/** @returns {{ state: string, words: string, count: number }[]} of those that there are */
export function countsOf(counts = {}) {
  return COUNTS.map(([key, state, words]) => ({ state, words, count: counts[key] ?? 0 })).filter(({ count }) => count);
}

export function countsInWords(counts) {
  return (
    countsOf(counts)
      .map(({ words, count }) => `${count} ${words}`)
      .join(', ') || 'no gateways'
  );
}

export const gatewayPath = (id) => `/fleet/gateways/${encodeURIComponent(id)}`;
export const profilePath = (id) => `/fleet/profiles/${encodeURIComponent(id)}`;
export const rolloutPath = (id) => `/fleet/rollouts/${encodeURIComponent(id)}`;

export function subjectLink(subject) {
  const [kind, ...rest] = subject.split('/');
  const id = rest.join('/');
  const path = { gateway: gatewayPath, profile: profilePath, rollout: rolloutPath }[kind];
  return path ? [`${kind} `, element('a', { href: path(id) }, id)] : subject;
}

export function labelList(labels) {
  const entries = Object.entries(labels ?? {});
  if (entries.length === 0) return element('span', { class: 'note' }, 'none');
  return element(
    'span',
    { class: 'labels' },
    entries.map(([name, value]) =>
      element('span', { class: 'label' }, element('b', {}, `${name}: `), [value].flat().join(' or ')),
    ),
  );
}

/** A selector as the list of gateways is asked for it. */
export function labelQuery(selector) {
  return Object.entries(selector).flatMap(([label, values]) => [values].flat().map((value) => `${label}:${value}`));
}

/** Why a gateway has not what it shall have. */
export function reasonList(reasons) {
  if (!reasons?.length) return undefined;
  return element(
    'ul',
    { class: 'reasons' },
    reasons.map((one) =>
      typeof one === 'string'
        ? element('li', {}, one)
        : element('li', {}, one.key ? element('code', {}, one.key) : '', one.key ? ' ' : '', one.reason ?? one.message),
    ),
  );
}

/** Devices that are not well. */
export function healthChip({ online, devices = [], outboxMode }) {
  const ill = devices.filter(({ state }) => state !== 'online').length;
  const [text, tone] = !online
    ? ['Offline', 'bad']
    : outboxMode && outboxMode !== 'ok'
      ? [`Outbox ${outboxMode}`, 'bad']
      : ill > 0
        ? [`${ill} of ${devices.length} devices not well`, 'warn']
        : ['Online', 'good'];
  return element('span', { class: 'chip', 'data-tone': tone }, text);
}

export const seen = (at) => (at ? age(at) : element('span', { class: 'note' }, 'never'));

/** Records per lane that wait to be sent. */
export function lagText(lag) {
  const waiting = Object.entries(lag ?? {}).filter(([, pending]) => pending > 0);
  return waiting.map(([lane, pending]) => `${lane} ${pending.toLocaleString()}`).join(', ') || 'none';
}

export function clockText(clock) {
  if (!clock) return 'unknown';
  const { state, uncertaintyMs } = clock;
  if (state === 'unsynced') return 'does not know the time';
  const exact = uncertaintyMs >= 1000 ? duration(uncertaintyMs) : `${Math.round(uncertaintyMs)} ms`;
  return Number.isFinite(uncertaintyMs) ? `from ${state}, ± ${exact}` : `from ${state}`;
}

/** What is in force, and what shall be where that is another. */
export function versionsText({ inForceVersion, desiredVersion }) {
  if (!desiredVersion && !inForceVersion) return '–';
  if (inForceVersion === desiredVersion) return String(desiredVersion);
  return element(
    'span',
    { class: 'lines' },
    String(inForceVersion),
    element('small', {}, `shall be ${desiredVersion}`),
  );
}
