/** What reaches whom: each user's subscriptions, and what became of each delivery. */
import '../you.js';
import { act } from '../actions.js';
import { follow, get, send, userName } from '../api.js';
import { ask } from '../dialogs.js';
import { byId, element } from '../dom.js';
import { age, formatDayTime, refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { dataTable } from '../table.js';
import { incidentPath, severityChip } from './incident-row.js';
import { sayMatcher } from './matcher-fields.js';
import { askSubscription } from './subscription-dialog.js';

const REFRESH_MS = 1000;
const POLL_MS = 5000;
const DELIVERY_STATES = { waiting: ['Waiting', 'wait'], done: ['Delivered', 'good'], expired: ['Given up', 'bad'] };

const subscriptions = dataTable({
  caption: 'Subscriptions',
  idOf: ({ subscriptionId }) => subscriptionId,
  columns: [
    {
      title: 'To',
      cell: ({ subscriptionId, channel, owner }) => [
        channelText(channel),
        element('small', {}, `${subscriptionId} · of ${owner}`),
      ],
    },
    { title: 'From severity', cell: ({ minSeverity }) => severityChip(minSeverity) },
    { title: 'Of', cell: ({ matcher }) => sayMatcher(matcher) },
    { title: 'When', cell: ({ phases }) => phases?.join(', ') ?? '' },
    {
      title: 'State',
      cell: ({ enabled, disabledWhy }) => [
        element('span', { class: 'chip', 'data-tone': enabled ? 'good' : 'warn' }, enabled ? 'On' : 'Off'),
        disabledWhy ? element('small', {}, disabledWhy) : '',
      ],
    },
    { title: '', cell: buttonsOf },
  ],
});
const deliveries = dataTable({
  caption: 'Deliveries, the latest first',
  idOf: ({ deliveryId }) => deliveryId,
  columns: [
    {
      title: 'What',
      cell: ({ phase, incidentId, subject, title }) =>
        incidentId
          ? element('a', { href: incidentPath(incidentId) }, `${title ?? subject} ${phase}`)
          : `${phase} delivery`,
    },
    {
      title: 'State',
      cell: ({ state, fault }) => [
        element(
          'span',
          { class: 'chip', 'data-tone': DELIVERY_STATES[state]?.[1] ?? 'none' },
          DELIVERY_STATES[state]?.[0] ?? state,
        ),
        fault ? element('small', {}, fault) : '',
      ],
    },
    { title: 'Attempts', class: 'number', cell: ({ attempts }) => String(attempts) },
    { title: 'Made', class: 'short', cell: ({ madeAt }) => age(madeAt) },
    {
      title: 'Then',
      class: 'short',
      cell: ({ state, doneAt, nextAt }) =>
        doneAt ? formatDayTime(doneAt) : state === 'waiting' && nextAt ? `again at ${formatDayTime(nextAt)}` : '',
    },
  ],
});
byId('subscriptions').append(subscriptions.node);
byId('deliveries').append(deliveries.node);
byId('everybody').addEventListener('change', () => void load());
byId('of').addEventListener('change', () => void loadDeliveries());
byId('new').addEventListener('click', () => void askSubscription({ after: load }));
addEventListener('you', () => void load());
const refresh = throttle(() => void loadDeliveries(), REFRESH_MS);
follow('/v1/stream', { incident: refresh, reset: () => void load() }, () => void load());
setInterval(refresh, POLL_MS);
setInterval(refreshAges, 1000);

async function load() {
  const { items = [], error } = await get('/v1/subscriptions').catch((fault) => ({ error: fault }));
  const shown = byId('everybody').checked ? items : items.filter(({ owner }) => owner === userName());
  subscriptions.show(
    shown,
    error
      ? `The subscriptions cannot be shown: ${error.message}`
      : `Nothing reaches ${userName() === 'anonymous' ? 'you' : userName()} yet: make a subscription to be told by e-mail or webhook.`,
  );
  const of = byId('of');
  const chosen = of.value;
  of.parentElement.hidden = shown.length === 0;
  of.replaceChildren(
    ...shown.map(({ subscriptionId, channel }) =>
      element('option', { value: subscriptionId }, `${subscriptionId} (${channelText(channel)})`),
    ),
  );
  if (shown.some(({ subscriptionId }) => subscriptionId === chosen)) of.value = chosen;
  await loadDeliveries();
}

async function loadDeliveries() {
  const subscription = byId('of').value;
  if (subscription === '') return deliveries.show([], 'Without a subscription nothing is delivered.');
  const { items = [], error } = await get('/v1/deliveries', { subscription }).catch((fault) => ({ error: fault }));
  if (byId('of').value !== subscription) return;
  deliveries.show(items, error ? `The deliveries cannot be shown: ${error.message}` : 'Nothing was delivered yet.');
}

function channelText({ kind, url, address }) {
  return kind === 'webhook' ? url : address;
}

function buttonsOf(subscription) {
  const { subscriptionId } = subscription;
  const path = `/v1/subscriptions/${encodeURIComponent(subscriptionId)}`;
  const button = (text, click, danger = '') =>
    element(
      'button',
      { type: 'button', class: `button small ${danger}`.trim(), 'aria-label': `${text} ${subscriptionId}`, click },
      text,
    );
  const test = button('Test', () =>
    act(test, {
      pending: 'Sending a test …',
      run: async () => {
        await send('POST', `${path}/test`);
        byId('of').value = subscriptionId;
        await loadDeliveries();
      },
      done: 'A test is on its way: below stands what becomes of it',
    }),
  );
  const change = button('Change', () => void askSubscription({ subscription, after: load }));
  const remove = button(
    'Remove',
    () =>
      void ask({
        title: `Remove ${subscriptionId}?`,
        content: [element('p', {}, `${channelText(subscription.channel)} is told nothing any more.`)],
        action: 'Remove',
        pending: 'Removing …',
        danger: true,
        run: async () => {
          await send('DELETE', path);
          await load();
        },
        done: 'Removed',
      }),
    'danger',
  );
  return element('span', { class: 'buttons' }, test, change, remove);
}
