/** The list of gateways: what is filtered stands in the address, and only as many as are shown are asked for. */
import '../you.js';
import { follow, get } from '../api.js';
import { byId, element, setText } from '../dom.js';
import { refreshAges } from '../format.js';
import { debounce, throttle } from '../pace.js';
import { dataTable } from '../table.js';
import {
  CONFIG_STATES,
  gatewayPath,
  healthChip,
  labelList,
  lagText,
  reasonList,
  seen,
  stateChip,
  versionsText,
} from './states.js';

const PAGE = 50;
/** Changes come in bursts: the page and its counts at most so often. */
const REFRESH_MS = 1000;
const COUNT_MS = 3000;
/** Lag and health grow old without any change that is told. */
const POLL_MS = 10_000;

const STATES = [
  ['', 'All', 'none'],
  ['online', 'Online', 'good'],
  ['offline', 'Offline', 'bad'],
  ['behind', 'Behind', 'wait'],
  ['rejected', 'Rejected or rolled back', 'bad'],
];

let filter = {};
/** How many gateways stand on the pages before this one. */
let before = 0;
let next;
let loading = 0;

const table = dataTable({
  caption: 'Gateways, with their health and the configuration in force',
  idOf: ({ gatewayId }) => gatewayId,
  columns: [
    {
      title: 'Gateway',
      cell: ({ gatewayId, labels }) =>
        element(
          'span',
          { class: 'lines' },
          element('a', { class: 'id', href: gatewayPath(gatewayId) }, gatewayId),
          ' ',
          labelList(own(labels)),
        ),
    },
    { title: 'Health', cell: healthChip },
    { title: 'Last seen', class: 'short', cell: ({ heardAt }) => seen(heardAt) },
    { title: 'Waiting to be sent', cell: ({ lag }) => lagText(lag) },
    {
      title: 'Configuration',
      cell: ({ configState, reasons }) => [stateChip(CONFIG_STATES, configState), reasonList(reasons)].filter(Boolean),
    },
    { title: 'Version in force', class: 'number', cell: versionsText },
  ],
});
byId('list').append(table.node);

const cards = new Map(STATES.map(([state, name, tone]) => [state, countCard(state, name, tone)]));
byId('counts').append(...[...cards.values()].map(({ card }) => card));

for (const name of ['q', 'label']) {
  byId(name).addEventListener(
    'input',
    debounce(() => setFilter({ [name]: byId(name).value.trim() }), 250),
  );
}
byId('filters').addEventListener('submit', (event) => {
  event.preventDefault();
  setFilter({ q: byId('q').value.trim(), label: byId('label').value.trim() });
});
byId('next').addEventListener('click', () => goTo({ ...filter, after: next }, before + PAGE));
byId('first').addEventListener('click', () => goTo({ ...filter, after: '' }, 0));
addEventListener('popstate', readAddress);

const refresh = throttle(() => void load(), REFRESH_MS);
const recount = throttle(() => void loadCounts(), COUNT_MS);
const changed = () => {
  refresh();
  recount();
};
readAddress();
follow('/v1/stream', { gateways: changed, rollouts: changed, reset: changed }, changed);
setInterval(refreshAges, 1000);
setInterval(() => document.visibilityState === 'visible' && changed(), POLL_MS);

/** Other gateways are shown from the first; each letter that is typed is no step back for the browser. */
function setFilter(change) {
  filter = { ...filter, ...change, after: '' };
  before = 0;
  history.replaceState({ before }, '', address());
  show();
}

function goTo(place, count) {
  filter = place;
  before = count;
  history.pushState({ before }, '', address());
  show();
  byId('list').focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

function readAddress() {
  const asked = new URLSearchParams(location.search);
  const [state, q, after] = ['state', 'q', 'after'].map((name) => asked.get(name) ?? '');
  filter = { state, q, after, label: asked.getAll('label').join(', ') };
  before = history.state?.before ?? 0;
  for (const name of ['q', 'label']) byId(name).value = filter[name];
  show();
}

function address() {
  const query = new URLSearchParams();
  for (const name of ['state', 'q', 'after']) if (filter[name]) query.set(name, filter[name]);
  for (const label of labelsOf(filter.label)) query.append('label', label);
  return query.size > 0 ? `/fleet?${query}` : '/fleet';
}

function show() {
  for (const [state, { card }] of cards) card.setAttribute('aria-pressed', String(state === filter.state));
  void load();
  void loadCounts();
}

/** What all counts have in common: everything but the state that they count. */
function common() {
  return { q: filter.q, label: labelsOf(filter.label) };
}

async function load() {
  const turn = ++loading;
  const { state, after } = filter;
  const answer = await get('/v1/fleet/gateways', { ...common(), state, after, limit: PAGE }).catch((error) => ({
    error,
  }));
  // An answer to a question that is no longer asked.
  if (turn !== loading) return;
  const { error, gateways = [], total = 0 } = answer;
  next = answer.next;
  table.show(gateways, error ? `The gateways cannot be shown: ${error.message}` : nothing());
  byId('next').disabled = next === undefined;
  byId('first').disabled = after === '';
  byId('pages').hidden = next === undefined && after === '';
  setText(byId('found'), error || total === 0 ? '' : placeOf(gateways.length, total));
}

function placeOf(shown, total) {
  const all = `${total.toLocaleString()} ${total === 1 ? 'gateway' : 'gateways'}`;
  if (shown === total) return all;
  return filter.after !== '' && before === 0 ? `${shown} of ${all}` : `${before + 1}–${before + shown} of ${all}`;
}

async function loadCounts() {
  const asked = address();
  await Promise.all(
    [...cards].map(async ([state, { count }]) => {
      const { total } = await get('/v1/fleet/gateways', { ...common(), state, limit: 1 }).catch(() => ({}));
      if (asked === address()) setText(count, total === undefined ? '–' : total.toLocaleString());
    }),
  );
}

function countCard(state, name, tone) {
  const count = element('b', {}, '–');
  const card = element(
    'button',
    { type: 'button', class: 'count', 'data-tone': tone, 'data-count': state || 'all', 'aria-pressed': false },
    count,
    element('span', {}, name),
  );
  card.addEventListener('click', () => setFilter({ state: filter.state === state ? '' : state }));
  return { card, count };
}

/** `type:van, zone:north`: what has no colon yet is still being written. */
function labelsOf(text) {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => /^[^:]+:./.test(one));
}

/** The gateway's own name is no news beside its name. */
function own({ gateway, ...labels } = {}) {
  return labels;
}

function nothing() {
  if (filter.state || filter.q || labelsOf(filter.label).length > 0) return 'No gateway fits this filter.';
  return 'No gateway has been heard yet. As soon as one connects, it shows up here.';
}
