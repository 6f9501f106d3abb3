/** One package: timeline, last position, what it went through. */
import { apiPath, follow, get, packagePath } from './api.js';
import { drawCharts } from './charts.js';
import { byId, element, fact } from './dom.js';
import {
  age,
  duration,
  eventLabel,
  formatClock,
  formatDay,
  formatDayTime,
  placeLabel,
  refreshAges,
  STAGES,
  statusChip,
  statusLabel,
} from './format.js';
import { drawMap } from './map.js';
import { alertRow, idParts } from './rows.js';

const SENSORS_MS = 5000;
const asked = decodeURIComponent(location.pathname.replace(/^\/packages\//, '').replace(/\/$/, ''));
let shownVersion = '';
let state;

void start();

async function start() {
  try {
    state = await get(apiPath(asked));
  } catch (error) {
    return fail(error);
  }
  if (state.packageId !== asked) history.replaceState(null, '', packagePath(state.packageId));
  document.title = `${state.packageId} · Milepost`;
  byId('main').hidden = false;
  show(state);
  follow(apiPath(state.packageId, '/stream'), { package: show, alerts: loadAlerts });
  setInterval(refreshAges, 1000);
  setInterval(() => {
    if (document.visibilityState === 'visible' && isTravelling()) void loadSensors();
  }, SENSORS_MS);
}

function show(latest) {
  const changed = latest.version !== shownVersion;
  state = latest;
  showHead();
  if (!changed) return;
  shownVersion = latest.version;
  void loadEvents();
  void loadAlerts();
  void loadSensors();
}

/** Its last stay goes on, and so do its sensors. */
function isTravelling() {
  const last = state.stays.at(-1);
  return last !== undefined && last.to === undefined;
}

function showHead() {
  const { packageId, otherIds, status, returning, lastAt, firstAt, lastEvent, eventCount, conflicts, version } = state;
  byId('package-id').replaceChildren(...idParts(packageId));
  byId('status').replaceChildren(
    statusChip(status),
    returning ? element('span', { class: 'chip', 'data-status': 'RETURNED' }, 'on its way back') : '',
  );
  byId('names').hidden = otherIds.length === 0;
  byId('names').replaceChildren(
    'also known as ',
    ...otherIds.flatMap((id, index) => [index > 0 ? ', ' : '', element('code', {}, id)]),
  );
  byId('stepper').replaceChildren(...steps(status));
  byId('facts').replaceChildren(
    fact('Last seen', age(lastAt), ` · ${formatDayTime(lastAt)}`),
    fact('Where', placeLabel(lastEvent.location)),
    fact('On its way for', duration(Date.parse(lastAt) - Date.parse(firstAt))),
    fact('Events', element('span', { title: `version ${version}` }, String(eventCount))),
  );
  byId('conflicts-panel').hidden = conflicts.length === 0;
  byId('conflicts').replaceChildren(
    ...conflicts.map(({ detail, at }) =>
      element(
        'li',
        { class: 'alert', 'data-severity': 'warning' },
        element('p', { class: 'alert-text' }, detail),
        element('p', { class: 'note' }, formatDayTime(at)),
      ),
    ),
  );
}

function steps(status) {
  const at = STAGES.indexOf(status);
  return STAGES.map((stage, index) =>
    element(
      'li',
      {
        class: index < at ? 'past' : index === at ? 'now' : '',
        'data-status': stage,
        'aria-current': index === at ? 'step' : undefined,
      },
      element('span', {}, statusLabel(stage)),
    ),
  );
}

async function loadEvents() {
  const { items, next } = await get(apiPath(state.packageId, '/events'), { limit: 1000 }).catch(() => ({ items: [] }));
  const conflicting = new Set(state.conflicts.flatMap(({ eventIds }) => eventIds));
  const days = new Map();
  for (const event of items) {
    const day = formatDay(event.occurredAt);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  const groups = [...days].reverse().flatMap(([day, events]) => [
    element('h3', {}, day),
    element(
      'ol',
      {},
      events.reverse().map((event) => eventItem(event, conflicting.has(event.eventId))),
    ),
  ]);
  byId('timeline').replaceChildren(
    ...groups,
    next === undefined ? '' : element('p', { class: 'note' }, 'There are more events; the API has them.'),
  );
}

function eventItem(event, conflicting) {
  const { occurredAt, location, source, employeeId, clock, data, businessStep } = event;
  const exception = event.eventType === 'EXCEPTION_OCCURRED';
  return element(
    'li',
    {
      class: 'event',
      'data-scan': event.scanType,
      'data-type': event.eventType,
      'data-flag': conflicting || exception ? 'warn' : undefined,
    },
    element('time', { datetime: occurredAt, title: occurredAt }, formatClock(occurredAt)),
    element(
      'div',
      {},
      element(
        'p',
        { class: 'event-title' },
        eventLabel(event),
        element('span', { class: 'event-place' }, placeLabel(location)),
      ),
      element(
        'p',
        { class: 'note' },
        [
          `device ${source.deviceId}`,
          `gateway ${source.gatewayId}`,
          businessStep?.replaceAll('_', ' '),
          employeeId && `by ${employeeId}`,
          data?.rssiDbm !== undefined && `${data.rssiDbm} dBm`,
          data?.reads > 1 && `${data.reads} reads`,
        ]
          .filter(Boolean)
          .join(' · '),
      ),
      clock.state === 'unsynced' &&
        !clock.corrected &&
        element('p', { class: 'note warn' }, 'the gateway did not know the time'),
      clock.corrected && element('p', { class: 'note' }, 'time corrected'),
      conflicting && element('p', { class: 'note warn' }, 'contradicts another event'),
    ),
  );
}

async function loadAlerts() {
  const { items } = await get(apiPath(state.packageId, '/alerts'), { limit: 100 }).catch(() => ({ items: [] }));
  byId('alerts').replaceChildren(...items.map(alertRow));
  byId('no-alerts').hidden = items.length > 0;
}

async function loadSensors() {
  const journey = await get(apiPath(state.packageId, '/sensors'), { maxPoints: 500 }).catch((error) => ({ error }));
  if (journey.error) {
    byId('sensors-note').textContent = `No curves: ${journey.error.message}`;
    return;
  }
  const { items: events } = await get(apiPath(state.packageId, '/events'), { limit: 1000 }).catch(() => ({
    items: [],
  }));
  const { items: alerts } = await get(apiPath(state.packageId, '/alerts'), { limit: 100 }).catch(() => ({ items: [] }));
  drawMap({
    container: byId('map'),
    note: byId('position-note'),
    tracks: journey.tracks,
    events,
    position: state.position,
  });
  drawCharts({ container: byId('charts'), note: byId('sensors-note'), journey, alerts });
}

function fail(error) {
  const several = error.code === 'package-ambiguous';
  const unknown = error.code === 'package-unknown';
  byId('failure').hidden = false;
  byId('failure-title').textContent = several ? 'Several packages' : unknown ? 'Not found' : 'Not available';
  byId('failure-text').textContent = several
    ? `“${asked}” is a name of more than one package:`
    : unknown
      ? `No package “${asked}” has been seen.`
      : `The hub does not answer: ${error.message}`;
  byId('candidates').replaceChildren(
    ...(error.candidates ?? []).map((id) => element('li', {}, element('a', { href: packagePath(id) }, id))),
  );
  document.getElementById('live')?.remove();
}
