/** A subscription: where to, from which severity, of what, and at which turns. */
import { send, userName } from '../api.js';
import { ask } from '../dialogs.js';
import { element } from '../dom.js';
import { checkField, choiceField, textField } from '../fields.js';
import { SEVERITIES } from './incident-row.js';
import { MatcherFields } from './matcher-fields.js';

const PHASES = [
  ['opened', 'it opens'],
  ['escalated', 'it gets worse'],
  ['acknowledged', 'somebody takes it on'],
  ['cleared', 'it is cleared'],
];

export function askSubscription({ subscription, after }) {
  const {
    channel = { kind: 'email' },
    minSeverity = 'warning',
    matcher = {},
    phases,
    enabled = true,
  } = subscription ?? {};
  const id = textField({
    label: 'Id',
    value: subscription?.subscriptionId ?? `${userName()}-1`,
    required: true,
    pattern: '[A-Za-z0-9][A-Za-z0-9._\\-]*',
    readonly: subscription !== undefined,
  });
  const kind = choiceField({
    label: 'By',
    value: channel.kind,
    options: [
      ['email', 'E-mail'],
      ['webhook', 'Webhook'],
    ],
  });
  const address = textField({ label: 'Address', value: channel.address ?? '', type: 'email', required: true });
  const url = textField({ label: 'URL', value: channel.url ?? '', type: 'url', required: true });
  const secret = textField({
    label: 'Secret',
    type: 'password',
    minlength: 16,
    hint: channel.hasSecret
      ? 'Left empty, it stays as it is.'
      : '16 characters at least: each delivery is signed with it (HMAC).',
    required: !channel.hasSecret,
  });
  const least = choiceField({ label: 'From severity', value: minSeverity, options: SEVERITIES });
  const turns = PHASES.map(([phase, label]) => ({
    phase,
    field: checkField({ label, value: phases?.includes(phase) ?? true }),
  }));
  const on = checkField({ label: 'Switched on', value: enabled });
  const what = new MatcherFields(matcher);
  const where = element('div', { class: 'fields' });
  const showChannel = () =>
    where.replaceChildren(...(kind.read() === 'email' ? [address] : [url, secret]).map(({ node }) => node));
  kind.node.addEventListener('input', showChannel);
  showChannel();
  return ask({
    title: subscription ? `Change ${subscription.subscriptionId}` : 'New subscription',
    content: [
      element('div', { class: 'fields' }, id.node, kind.node),
      where,
      least.node,
      element(
        'fieldset',
        { class: 'plain' },
        element('legend', {}, 'I am told when'),
        turns.map(({ field }) => field.node),
      ),
      element(
        'details',
        { open: Object.keys(matcher).length > 0 },
        element('summary', {}, 'Only of some gateways, vehicles or rules'),
        what.node,
      ),
      on.node,
    ],
    action: 'Save',
    pending: 'Saving …',
    run: async () => {
      const to =
        kind.read() === 'email'
          ? { kind: 'email', address: address.read() }
          : { kind: 'webhook', url: url.read(), ...(secret.read() !== '' && { secret: secret.read() }) };
      await send('PUT', `/v1/subscriptions/${encodeURIComponent(id.read())}`, {
        channel: to,
        minSeverity: least.read(),
        matcher: what.read(),
        phases: turns.filter(({ field }) => field.read()).map(({ phase }) => phase),
        enabled: on.read(),
      });
      await after();
    },
    done: () => `Saved: ${id.read()} is ${on.read() ? 'on' : 'off'}`,
  });
}
