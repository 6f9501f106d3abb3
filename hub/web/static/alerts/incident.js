/** One incident: its alerts with the readings around them, who took it on, what was written. */
import '../you.js';
import { act } from '../actions.js';
import { follow, get, send } from '../api.js';
import { byId, element, fact, setText } from '../dom.js';
import { areaField } from '../fields.js';
import { smallCurve } from '../fleet/curves.js';
import { gatewayPath } from '../fleet/states.js';
import { formatDayTime, refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { openPage } from '../page.js';
import { alertRow } from '../rows.js';
import { acknowledge } from './acknowledge.js';
import { countText, incidentChip, severityChip, whenText } from './incident-row.js';
import { askSilence } from './silence-dialog.js';

const REFRESH_MS = 1000;

const incidentId = decodeURIComponent(location.pathname.split('/')[3] ?? '');
const path = `/v1/incidents/${encodeURIComponent(incidentId)}`;
const note = areaField({ label: 'New note', rows: 2, required: true });
let incident;
/** Lines of alerts by id: what did not change stays, with its curve. */
const lines = new Map();

byId('note-field').append(note.node);
byId('write').addEventListener('submit', (event) => {
  event.preventDefault();
  void act(byId('add-note'), {
    pending: 'Adding the note …',
    run: async () => {
      await send('POST', `${path}/notes`, { text: note.read() });
      note.input.value = '';
      await load();
    },
    done: 'Note added',
  });
});
byId('acknowledge').addEventListener('click', async () => {
  if ((await acknowledge({ ...incident, after: load })) !== undefined) byId('silence').focus();
});
byId('silence').addEventListener('click', () => {
  const { vehicleId } = incident.lead?.location ?? {};
  const first = vehicleId
    ? { vehicle: vehicleId }
    : { gateway: incident.gateways?.[0] ?? incident.lead?.gatewayId ?? '' };
  void askSilence({ matcher: first, after: load });
});
void start();

async function start() {
  if (!(await openPage(load))) return;
  const refresh = throttle(() => void load().catch(() => {}), REFRESH_MS);
  follow('/v1/stream', { incident: refresh, alerts: refresh, reset: refresh }, refresh);
  setInterval(refreshAges, 1000);
}

async function load() {
  incident = await get(path);
  const {
    title,
    severity,
    state,
    subject,
    gateways = [],
    acknowledgedBy,
    acknowledgedAt,
    notes,
    reopened = 0,
  } = incident;
  document.title = `${title} · Milepost`;
  setText(byId('title'), title);
  const chips = [severityChip(severity), ...incidentChip(incident)];
  if (byId('state').dataset.shown !== `${severity} ${state} ${incident.silencedBy?.length}`)
    byId('state').replaceChildren(...chips.flatMap((chip) => [chip, ' ']));
  byId('state').dataset.shown = `${severity} ${state} ${incident.silencedBy?.length}`;
  byId('acknowledge').hidden = state !== 'open';
  byId('facts').replaceChildren(
    fact('Opened', whenText(incident)),
    fact('Where', subject.replace('/', ' ')),
    fact(
      'Gateways',
      gateways.flatMap((id, index) => [
        index > 0 ? ', ' : '',
        element('a', { class: 'id', href: gatewayPath(id) }, id),
      ]),
    ),
    fact(
      'Alerts',
      countText(incident),
      reopened > 0 ? `, opened again ${reopened === 1 ? 'once' : `${reopened} times`}` : '',
    ),
    fact(
      'Taken on',
      acknowledgedBy
        ? `by ${acknowledgedBy}${acknowledgedAt ? `, ${formatDayTime(acknowledgedAt)}` : ''}`
        : 'by nobody yet',
    ),
  );
  showAlerts(incident.alerts ?? []);
  byId('notes').replaceChildren(...notes.map(noteItem));
  byId('no-notes').hidden = notes.length > 0;
}

function showAlerts(alerts) {
  const known = new Set(alerts.map(({ alertId }) => alertId));
  for (const [id, { row }] of lines) if (!known.has(id) && lines.delete(id)) row.remove();
  for (const alert of alerts) {
    const text = JSON.stringify(alert);
    const before = lines.get(alert.alertId);
    if (before?.text === text) continue;
    const row = alertLine(alert);
    if (before) before.row.replaceWith(row);
    else byId('alerts').append(row);
    lines.set(alert.alertId, { row, text });
  }
  const missing = incident.count - alerts.length;
  setText(byId('alerts-note'), missing > 0 ? `the first ${alerts.length} of ${incident.count}` : '');
}

function alertLine(alert) {
  const { context = [], quantity, limit, value, deviceId } = alert;
  const row = element('ul', { class: 'alerts' }, alertRow(alert));
  if (context.length < 2) return row;
  const points = context.map(({ atMs, value: read }) => ({ at: atMs, value: read }));
  // The limit of a slope or of a sum is no limit of the readings.
  const isReading = context.some((read) => read.value === value);
  const band = value >= limit ? { high: limit } : { low: limit };
  return element(
    'div',
    { class: 'with-curve' },
    row,
    smallCurve({
      points,
      bands: isReading ? [{ ...band, severity: alert.severity }] : [],
      quantity,
      label: `${deviceId}, readings around it`,
    }),
  );
}

function noteItem({ kind, who, at, text }) {
  return element(
    'li',
    { class: 'written' },
    element(
      'p',
      { class: 'note' },
      element('b', {}, who),
      ` · ${formatDayTime(at)}${kind === 'acknowledged' ? ' · took it on' : ''}`,
    ),
    text ? element('p', {}, text) : '',
  );
}
