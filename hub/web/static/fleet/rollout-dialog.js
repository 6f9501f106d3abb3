/** Questions that change what gateways run: start a rollout, stop, go on, take back. Each wants a reason. */
import { send } from '../api.js';
import { ask } from '../dialogs.js';
import { element } from '../dom.js';
import { areaField, numberField } from '../fields.js';
import { rolloutPath } from './states.js';

/** Leads to the page of the rollout, where it can be watched. */
export function askRollout({ profileId, version, gateways }) {
  const canary = numberField({ label: 'First to a share of', value: 5, unit: '%', min: 0, max: 100, required: true });
  const minutes = numberField({ label: 'Watch these for', value: 5, unit: 'min', min: 0, required: true });
  const rejected = numberField({
    label: 'Stop when more are rejected than',
    value: 10,
    unit: '%',
    min: 0,
    max: 100,
    required: true,
  });
  const alerts = numberField({
    label: 'Stop when alerts come more often than',
    value: 3,
    unit: '× before',
    min: 1,
    required: true,
  });
  const reason = areaField({ label: 'Reason', required: true, rows: 2, hint: 'It stands in the history.' });
  return ask({
    title: `Roll out version ${version}`,
    content: [
      element(
        'p',
        {},
        `To ${gateways.toLocaleString()} ${gateways === 1 ? 'gateway' : 'gateways'} whose labels fit now, and to those that come later.`,
      ),
      element('div', { class: 'fields' }, canary.node, minutes.node, rejected.node, alerts.node),
      reason.node,
    ],
    action: 'Roll out',
    pending: 'Starting …',
    run: async () => {
      const rollout = await send('POST', '/v1/fleet/rollouts', {
        profileId,
        version,
        canaryPercent: canary.read(),
        canaryMinutes: minutes.read(),
        maxRejectedPercent: rejected.read(),
        maxAlertRateFactor: alerts.read(),
        reason: reason.read(),
      });
      location.assign(rolloutPath(rollout.rolloutId));
    },
  });
}

/** @param {{ verb: 'stop' | 'resume' | 'rollback', rolloutId: string, title: string, text: string, action: string, danger?: boolean, after: () => Promise<unknown>, done: string }} question */
export function askRolloutChange({ verb, rolloutId, title, text, action, danger = false, after, done }) {
  const reason = areaField({ label: 'Reason', required: true, rows: 2, hint: 'It stands in the history.' });
  return ask({
    title,
    content: [element('p', {}, text), reason.node],
    action,
    danger,
    pending: 'Asking the hub …',
    run: async () => {
      await send('POST', `/v1/fleet/rollouts/${encodeURIComponent(rolloutId)}/${verb}`, { reason: reason.read() });
      await after();
    },
    done,
  });
}
