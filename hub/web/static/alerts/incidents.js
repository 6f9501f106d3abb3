/** Incidents: alerts that belong together are one line, from the moment they open until they are cleared. */
import '../you.js';
import { follow, get } from '../api.js';
import { byId, element, setText } from '../dom.js';
import { refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { dataTable } from '../table.js';
import { acknowledgeButton } from './acknowledge.js';
import { countText, INCIDENT_STATES, incidentChip, incidentPath, severityChip, whenText } from './incident-row.js';

const PAGE = 50;
const MOST = 500;
const REFRESH_MS = 1000;
/** Enough to say how many there are; beyond it the count says so. */
const COUNTED = 200;

const asked = new URLSearchParams(location.search);
const filter = { state: asked.get('state') ?? 'open', severity: asked.get('severity') ?? '' };
let limit = PAGE;
let loading = 0;

const table = dataTable({
  caption: 'Incidents, the latest first',
  idOf: ({ incidentId }) => incidentId,
  columns: [
    {
      title: 'Incident',
      cell: (incident) => [
        element('a', { href: incidentPath(incident.incidentId) }, incident.title),
        element('small', {}, incident.lead?.message ?? ''),
      ],
    },
    { title: 'Severity', cell: ({ severity }) => severityChip(severity) },
    {
      title: 'State',
      cell: (incident) =>
        [
          incidentChip(incident),
          incident.acknowledgedBy ? element('small', {}, `by ${incident.acknowledgedBy}`) : '',
        ].flat(),
    },
    { title: 'Opened', cell: whenText },
    { title: 'Alerts', cell: countText },
    { title: '', cell: (incident) => (incident.state === 'open' ? acknowledgeButton(incident, () => load()) : '') },
  ],
});
byId('list').append(table.node);

const STATES = [
  ...Object.entries(INCIDENT_STATES).map(([state, [name, tone]]) => [state, name, tone]),
  ['all', 'All', 'none'],
];
const cards = new Map(STATES.map(([state, name, tone]) => [state, countCard(state, name, tone)]));
byId('counts').append(...[...cards.values()].map(({ card }) => card));
byId('severity').value = filter.severity;
byId('severity').addEventListener('change', () => setFilter({ severity: byId('severity').value }));
byId('filters').addEventListener('submit', (event) => event.preventDefault());
byId('more').addEventListener('click', () => {
  limit = Math.min(MOST, limit + PAGE);
  void load();
});

const refresh = throttle(() => {
  void load();
  void loadCounts();
}, REFRESH_MS);
setFilter({});
follow('/v1/stream', { incident: refresh, reset: refresh }, refresh);
setInterval(refreshAges, 1000);

function setFilter(change) {
  Object.assign(filter, change);
  limit = PAGE;
  for (const [state, { card }] of cards) card.setAttribute('aria-pressed', String(state === filter.state));
  const query = new URLSearchParams();
  if (filter.state !== 'open') query.set('state', filter.state);
  if (filter.severity) query.set('severity', filter.severity);
  history.replaceState(null, '', query.size > 0 ? `/alerts?${query}` : '/alerts');
  void load();
  void loadCounts();
}

async function load() {
  const turn = ++loading;
  const {
    items = [],
    next,
    error,
  } = await get('/v1/incidents', { ...filter, limit }).catch((fault) => ({ error: fault }));
  if (turn !== loading) return;
  table.show(items, error ? `The incidents cannot be shown: ${error.message}` : nothing());
  byId('more').hidden = next === undefined || limit >= MOST;
  setText(byId('found'), error || items.length === 0 ? '' : `${items.length}${next ? ' of more' : ''}`);
}

async function loadCounts() {
  await Promise.all(
    [...cards].map(async ([state, { count }]) => {
      const { severity } = filter;
      const { items, next } = await get('/v1/incidents', { state, severity, limit: COUNTED }).catch(() => ({}));
      if (severity === filter.severity) setText(count, items ? `${items.length}${next ? '+' : ''}` : '–');
    }),
  );
}

function countCard(state, name, tone) {
  const count = element('b', {}, '–');
  const card = element(
    'button',
    { type: 'button', class: 'count', 'data-tone': tone, 'data-count': state, 'aria-pressed': false },
    count,
    element('span', {}, name),
  );
  card.addEventListener('click', () => setFilter({ state }));
  return { card, count };
}

function nothing() {
  if (filter.state === 'open') return 'Nothing is open: either all is well, or somebody has taken it on.';
  if (filter.state === 'acknowledged') return 'Nobody is at work on an incident.';
  return 'There is no such incident.';
}
