/** The overview: packages move through the stages before the reader's eyes. */
import { apiPath, follow, get, packagePath } from './api.js';
import { byId, element, setText } from './dom.js';
import { OFF_WAY, refreshAges, STAGES, statusLabel } from './format.js';
import { debounce, throttle } from './pace.js';
import { alertRow, packageRow } from './rows.js';

const PAGE = 50;
const MAX_ROWS = 300;
const OVERVIEW_MS = 2000;

const packages = byId('packages');
const more = byId('more');
const query = byId('query');
const filter = { status: new URLSearchParams(location.search).get('status') ?? '', q: '' };
let next;
let loading = 0;

const stages = new Map([...STAGES, ...OFF_WAY].map((status) => [status, stageCard(status)]));
byId('stages').append(...[...stages.values()].map(({ card }) => card));

byId('search').addEventListener('submit', (event) => {
  event.preventDefault();
  void open(query.value.trim());
});
query.addEventListener(
  'input',
  debounce(() => setFilter({ q: query.value.trim() }), 200),
);
more.addEventListener('click', () => void loadPackages({ after: next }));

follow(
  '/v1/stream',
  {
    packages: (summaries) => {
      for (const summary of summaries) place(summary);
      refreshOverview();
    },
    alerts: () => {
      void loadAlerts();
      refreshOverview();
    },
    reset: loadAll,
  },
  loadAll,
);
setInterval(refreshAges, 1000);
setFilter({});

function loadAll() {
  void loadPackages();
  void loadAlerts();
  refreshOverview();
}

async function loadPackages({ after } = {}) {
  const turn = ++loading;
  const page = await get('/v1/packages', { ...filter, limit: PAGE, after }).catch((error) => ({ items: [], error }));
  // An answer to a question that is no longer asked.
  if (turn !== loading) return;
  if (after === undefined) packages.replaceChildren();
  packages.append(...page.items.map(packageRow));
  next = page.next;
  more.hidden = next === undefined || packages.children.length >= MAX_ROWS;
  sayIfEmpty(page.error);
}

/** A package that was seen again goes to the top. */
function place(summary) {
  const known = packages.querySelector(`[data-id="${CSS.escape(summary.packageId)}"]`);
  if (known?.dataset.version === summary.version) return;
  const shown = (filter.status === '' || filter.status === summary.status) && (filter.q === '' || known !== null);
  if (!shown) {
    known?.remove();
    return sayIfEmpty();
  }
  const row = packageRow(summary);
  row.classList.add('fresh');
  const hadFocus = known?.contains(document.activeElement);
  known?.remove();
  packages.prepend(row);
  if (hadFocus) row.querySelector('a')?.focus({ preventScroll: true });
  while (packages.children.length > MAX_ROWS) packages.lastElementChild?.remove();
  sayIfEmpty();
}

async function loadAlerts() {
  const { items } = await get('/v1/alerts', { state: 'open', limit: 50 }).catch(() => ({ items: [] }));
  byId('alerts').replaceChildren(...items.map(alertRow));
  byId('no-alerts').hidden = items.length > 0;
}

const refreshOverview = throttle(async () => {
  const overview = await get('/v1/overview').catch(() => undefined);
  if (!overview) return;
  for (const [status, { card, count }] of stages) {
    const number = overview.packages[status] ?? 0;
    if (count.textContent !== String(number) && count.textContent !== '–') {
      card.classList.remove('bump');
      requestAnimationFrame(() => card.classList.add('bump'));
    }
    setText(count, String(number));
    if (OFF_WAY.includes(status)) card.hidden = number === 0 && filter.status !== status;
  }
}, OVERVIEW_MS / 4);

function stageCard(status) {
  const count = element('b', {}, '–');
  const card = element(
    'button',
    { type: 'button', class: 'count', 'data-status': status, 'aria-pressed': false, hidden: OFF_WAY.includes(status) },
    count,
    element('span', {}, statusLabel(status)),
  );
  card.addEventListener('click', () => setFilter({ status: filter.status === status ? '' : status }));
  return { card, count };
}

function setFilter(change) {
  Object.assign(filter, change);
  for (const [status, { card }] of stages) card.setAttribute('aria-pressed', String(status === filter.status));
  const told = byId('filter');
  told.hidden = filter.status === '';
  told.replaceChildren(
    `only ${statusLabel(filter.status)} `,
    element('button', { type: 'button', class: 'link', click: () => setFilter({ status: '' }) }, 'show all'),
  );
  history.replaceState(null, '', filter.status === '' ? '/' : `/?status=${filter.status}`);
  void loadPackages();
}

/** Enter leads to the package, also by one of its other names; several hits stay a list. */
async function open(name) {
  if (name === '') return;
  try {
    const { packageId } = await get(apiPath(name));
    location.assign(packagePath(packageId));
  } catch {
    const { items } = await get('/v1/packages', { q: name, limit: 2 }).catch(() => ({ items: [] }));
    if (items.length === 1) location.assign(packagePath(items[0].packageId));
  }
}

function sayIfEmpty(error) {
  const note = byId('no-packages');
  note.hidden = packages.children.length > 0;
  const nothing =
    filter.q !== ''
      ? `No package has a number that begins with “${filter.q}”.`
      : 'No package yet. As soon as a reader scans one, it shows up here.';
  setText(
    note,
    error
      ? `The hub does not answer: ${error.message}`
      : filter.status !== '' && filter.q === ''
        ? 'No package is in this status.'
        : nothing,
  );
}
