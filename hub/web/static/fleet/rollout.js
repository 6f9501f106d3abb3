/** One rollout, while it goes on: who has the version, who refused it and why; stop, go on, take back. */
import '../you.js';
import { tell } from '../actions.js';
import { follow, get } from '../api.js';
import { byId, element, fact, setText } from '../dom.js';
import { formatDayTime, refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { openPage } from '../page.js';
import { dataTable } from '../table.js';
import { historyTable } from './history-table.js';
import { askRolloutChange } from './rollout-dialog.js';
import { progressBar } from './rollout-progress.js';
import {
  CONFIG_STATES,
  countsInWords,
  gatewayPath,
  labelQuery,
  profilePath,
  ROLLOUT_STATES,
  reasonList,
  seen,
  stateChip,
} from './states.js';

const REFRESH_MS = 500;
const HISTORY_MS = 3000;
const PAGE = 100;
/** In one answer; of a larger rollout a state is chosen. */
const MOST = 1000;

const rolloutId = decodeURIComponent(location.pathname.split('/')[3] ?? '');
const path = `/v1/fleet/rollouts/${encodeURIComponent(rolloutId)}`;
const GATEWAY_STATES = { ...CONFIG_STATES, waiting: ['Not yet its turn', 'none'] };
/** Those that somebody has to look at come first. */
const ORDER = ['rejected', 'rolled-back', 'offline', 'pending', 'waiting', 'in-force'];
let rollout;
let shownCount = PAGE;

const table = dataTable({
  caption: 'Gateways of this rollout, with what they made of the version',
  idOf: ({ gatewayId }) => gatewayId,
  columns: [
    {
      title: 'Gateway',
      cell: ({ gatewayId, canary }) => [
        element('a', { class: 'id', href: gatewayPath(gatewayId) }, gatewayId),
        canary ? element('small', {}, 'among the first') : '',
      ],
    },
    { title: 'State', cell: ({ state }) => stateChip(GATEWAY_STATES, state) },
    { title: 'Asked', class: 'short', cell: ({ movedAt }) => (movedAt ? seen(movedAt) : '') },
    { title: 'Reasons', cell: ({ reasons }) => reasonList(reasons) ?? '' },
  ],
});
const past = historyTable();
byId('list').append(table.node);
byId('history').append(past.node);
byId('only').append(
  element('option', { value: '' }, 'all'),
  ...ORDER.map((state) => element('option', { value: state }, GATEWAY_STATES[state][0].toLowerCase())),
);
byId('only').addEventListener('change', () => {
  shownCount = PAGE;
  void load().catch((error) => tell('failed', error.message));
});
byId('more').addEventListener('click', () => {
  shownCount += PAGE;
  showGateways();
});

const changes = {
  stop: {
    title: 'Stop this rollout',
    text: 'Gateways that have the version keep it; no other gets it.',
    action: 'Stop',
    done: 'Stopped: no further gateway gets the version',
  },
  resume: {
    title: 'Go on with this rollout',
    text: 'The gateways that wait get the version.',
    action: 'Go on',
    done: 'Going on',
  },
  rollback: {
    title: 'Roll back',
    text: 'Every gateway goes back to what it had before. Those that are offline do so when they return.',
    action: 'Roll back',
    danger: true,
    // It is done when the gateways say so: the line below the counts tells how far they are.
    done: 'Ordered: the page shows which gateways have confirmed',
  },
};
for (const [verb, change] of Object.entries(changes)) {
  byId(verb).addEventListener('click', () => void askRolloutChange({ verb, rolloutId, ...change, after: load }));
}
void start();

async function start() {
  if (!(await openPage(load))) return;
  const refresh = throttle(() => void load().catch(() => {}), REFRESH_MS);
  const refreshHistory = throttle(() => void loadHistory(), HISTORY_MS);
  const all = () => {
    refresh();
    refreshHistory();
  };
  follow('/v1/stream', { gateways: refresh, rollouts: all, reset: all }, all);
  setInterval(refreshAges, 1000);
}

async function load() {
  rollout = await get(path, { state: byId('only').value, limit: MOST });
  const {
    profileId,
    version,
    fromVersion,
    state,
    counts,
    author,
    reason,
    createdAt,
    canaryPercent,
    canaryMinutes,
    maxRejectedPercent,
    maxAlertRateFactor,
  } = rollout;
  const title = `${profileId}, version ${version}`;
  document.title = `${title} · Milepost`;
  byId('title').replaceChildren(
    'Rollout of ',
    element('a', { href: profilePath(profileId) }, profileId),
    `, version ${version}`,
  );
  const chip = stateChip(ROLLOUT_STATES, state);
  if (byId('state').textContent !== chip.textContent) byId('state').replaceChildren(chip);
  setText(byId('counts'), sayCounts(counts));
  byId('progress').replaceChildren(progressBar(counts));
  setText(byId('action'), sayState(rollout, state === 'rolled-back' ? await unconfirmed(rollout) : undefined));
  byId('facts').replaceChildren(
    fact('Started', formatDayTime(createdAt), ` by ${author}`),
    fact('Why', reason),
    fact('From', fromVersion ? `version ${fromVersion}` : 'nothing set'),
    fact('First', `${canaryPercent} % for ${canaryMinutes} min`),
    fact('Stops by itself', `above ${maxRejectedPercent} % rejected, or ${maxAlertRateFactor} × the alerts`),
  );
  const focused = document.activeElement;
  byId('stop').hidden = !['canary', 'rolling'].includes(state);
  byId('resume').hidden = state !== 'stopped';
  byId('rollback').hidden = state === 'rolled-back';
  // The button that was pressed may be gone: the keyboard goes on from the next.
  if (focused instanceof HTMLButtonElement && focused.hidden) {
    (['resume', 'stop', 'rollback'].map(byId).find(({ hidden }) => !hidden) ?? byId('main')).focus();
  }
  showGateways();
}

function sayCounts(counts) {
  const waiting = counts.waiting > 0 ? `; ${counts.waiting} not yet asked` : '';
  return countsInWords(counts) + waiting;
}

/** What goes on now, and why. An order is carried out when gateways confirm it, not when the hub has taken it. */
function sayState({ state, why, stateAt, counts }, waiting) {
  const since = `since ${formatDayTime(stateAt)}${why ? `: ${why}` : ''}`;
  const silent = counts.pending + counts.offline;
  switch (state) {
    case 'canary':
      return `The first gateways are watched ${since}`;
    case 'rolling':
      return `The rest follows ${since}`;
    case 'done':
      return silent > 0 ? `All gateways were asked; ${silent} have not answered yet.` : 'All gateways have answered.';
    case 'stopped':
      return `Stopped ${since}`;
    default:
      return `Rolled back ${since}. ${sayBack(waiting)}`;
  }
}

function sayBack(waiting) {
  if (waiting === undefined) return 'The list shows how it was before that.';
  if (waiting.behind === 0)
    return `All ${waiting.total.toLocaleString()} gateways have confirmed; the list shows how it was before that.`;
  return `${waiting.behind.toLocaleString()} of ${waiting.total.toLocaleString()} gateways have not confirmed yet; the list shows how it was before that.`;
}

/** Of the gateways that the profile is for: how many have not yet what they had before. */
async function unconfirmed({ profileId }) {
  try {
    const { selector } = await get(`/v1/fleet/profiles/${encodeURIComponent(profileId)}`);
    const label = labelQuery(selector);
    const [all, behind] = await Promise.all(
      [undefined, 'behind'].map((state) => get('/v1/fleet/gateways', { label, state, limit: 1 })),
    );
    return { total: all.total, behind: behind.total };
  } catch {
    return undefined;
  }
}

function showGateways() {
  const { gateways, next } = rollout;
  const only = byId('only').value;
  const sorted = [...gateways].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  table.show(
    sorted.slice(0, shownCount),
    only === '' ? 'No gateway has these labels yet.' : 'No gateway is in this state.',
  );
  byId('more').hidden = sorted.length <= shownCount;
  setText(
    byId('gateways-note'),
    next === undefined ? '' : `${MOST.toLocaleString()} are shown: choose a state to see others`,
  );
}

async function loadHistory() {
  const subject = `rollout/${rolloutId}`;
  const { history = [], error } = await get('/v1/fleet/history', { subject, limit: 50 }).catch((fault) => ({
    error: fault,
  }));
  past.show(history, error ? `The history cannot be shown: ${error.message}` : 'Nothing was changed yet.');
}
