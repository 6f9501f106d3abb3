/** One gateway: its devices, curves, what it shall have and what it made of it. */
import '../you.js';
import { incidentItem } from '../alerts/incident-row.js';
import { follow, get, send } from '../api.js';
import { ask } from '../dialogs.js';
import { byId, element, fact, setText } from '../dom.js';
import { textField } from '../fields.js';
import { formatDayTime, refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { openPage } from '../page.js';
import { dataTable } from '../table.js';
import { showCurves } from './curves.js';
import { historyTable } from './history-table.js';
import { LabelRows } from './label-rows.js';
import { settingsKeys } from './settings-text.js';
import {
  CONFIG_STATES,
  clockText,
  healthChip,
  labelList,
  lagText,
  profilePath,
  reasonList,
  seen,
  stateChip,
  versionsText,
} from './states.js';

const REFRESH_MS = 1000;
const CURVES_MS = 5000;
/** A version is taken as a whole: what is right in a rejected one is held back with the rest. */
const KEY_STATES = { ...CONFIG_STATES, held: ['Held back', 'warn'] };

const gatewayId = decodeURIComponent(location.pathname.split('/')[3] ?? '');
const path = `/v1/fleet/gateways/${encodeURIComponent(gatewayId)}`;
let gateway;

const devices = dataTable({
  caption: 'Devices of this gateway',
  idOf: ({ id }) => id,
  columns: [
    { title: 'Device', cell: ({ id }) => element('span', { class: 'id' }, id) },
    { title: 'Driver', cell: ({ driver }) => driver },
    {
      title: 'State',
      cell: ({ state }) => element('span', { class: 'chip', 'data-tone': state === 'online' ? 'good' : 'bad' }, state),
    },
    {
      title: 'What it says',
      cell: ({ code, message }) => [message, code && element('small', {}, code)].filter(Boolean),
    },
  ],
});
const keys = dataTable({
  caption: 'What this gateway shall have, key by key',
  idOf: ({ key }) => key,
  columns: [
    { title: 'Key', cell: ({ key }) => element('code', {}, key) },
    { title: 'Desired', cell: ({ text }) => text },
    {
      title: 'Here',
      cell: ({ state, reasons }) => [stateChip(KEY_STATES, state), reasonList(reasons)].filter(Boolean),
    },
  ],
});
const past = historyTable();
byId('devices').append(devices.node);
byId('configuration').append(keys.node);
byId('history').append(past.node);
byId('span').addEventListener('change', () => void loadCurves());
byId('edit-labels').addEventListener('click', editLabels);
void start();

async function start() {
  const inWords = ({ code, message }) =>
    code === 'gateway-unknown' ? `No gateway “${gatewayId}” has been heard.` : `It cannot be shown: ${message}`;
  if (!(await openPage(load, inWords))) return;
  document.title = `${gatewayId} · Milepost`;
  void loadCurves();
  void loadIncidents();
  const refresh = throttle(() => void load().catch(() => {}), REFRESH_MS);
  const refreshIncidents = throttle(() => void loadIncidents(), REFRESH_MS);
  const all = () => {
    refresh();
    refreshIncidents();
  };
  follow('/v1/stream', { gateways: refresh, rollouts: refresh, incident: refreshIncidents, reset: all }, all);
  setInterval(refreshAges, 1000);
  setInterval(() => {
    if (document.visibilityState !== 'visible') return;
    void loadCurves();
    refresh();
  }, CURVES_MS);
}

async function load() {
  gateway = await get(path);
  const { labels, heardAt, software, lag, clock, outboxMode, desired, reported, configState, reasons } = gateway;
  byId('name').textContent = gatewayId;
  byId('health').replaceChildren(healthChip(gateway), ' ', stateChip(CONFIG_STATES, configState));
  byId('facts').replaceChildren(
    fact('Last seen', seen(heardAt)),
    fact('Waiting to be sent', lagText(lag)),
    fact('Version in force', versionsText(gateway)),
    fact('Clock', clockText(clock)),
    fact('Outbox', outboxMode ?? 'unknown'),
    fact('Software', software ?? 'unknown'),
  );
  byId('labels').replaceChildren(labelList(labels));
  devices.show(gateway.devices ?? [], 'It has told of no device.');
  keys.show(
    settingsKeys(desired?.settings).map((each) => {
      const own = reasons.flatMap(({ key, reason }) => (key === each.key ? [{ reason }] : []));
      return { ...each, state: configState === 'rejected' && own.length === 0 ? 'held' : configState, reasons: own };
    }),
    'Nothing is set here by the fleet: the gateway runs by its own file.',
  );
  setText(byId('configuration-note'), configurationNote(gateway, reported));
  byId('profiles').replaceChildren(
    ...gateway.profiles.map(({ profileId, name, version }) =>
      element(
        'li',
        {},
        element('a', { href: profilePath(profileId) }, name),
        element('span', { class: 'note' }, ` version ${version}`),
      ),
    ),
  );
  byId('no-profiles').hidden = gateway.profiles.length > 0;
  past.show(gateway.history, 'Nothing was changed here yet.');
}

function configurationNote({ configState, desiredVersion, inForceVersion, trying, online, reasons, reportedAt }) {
  if (desiredVersion === 0) return '';
  const told = reportedAt ? ` · told ${formatDayTime(reportedAt)}` : '';
  const whole = reasons.filter(({ key }) => key === '').map(({ reason }) => reason);
  if (whole.length > 0) return whole.join('; ') + told;
  const inForce = inForceVersion === 0 ? 'its own file alone' : `version ${inForceVersion}`;
  switch (configState) {
    case 'in-force':
      return `version ${desiredVersion} in force${trying ? ', on trial for two minutes' : ''}${told}`;
    case 'rejected':
      return `version ${desiredVersion} was rejected as a whole; ${inForce} stays in force${told}`;
    case 'rolled-back':
      return `version ${desiredVersion} was taken back; ${inForce} is in force again${told}`;
    default:
      return online
        ? `version ${desiredVersion} is on its way; ${inForce} is in force${told}`
        : `version ${desiredVersion} waits for the gateway to come back${told}`;
  }
}

function loadCurves() {
  return showCurves({
    container: byId('curves'),
    gatewayId,
    devices: gateway.reported?.devices ?? [],
    spanMs: Number(byId('span').value),
  });
}

async function loadIncidents() {
  const { items: incidents = [], error } = await get('/v1/incidents', { state: 'open', gateway: gatewayId }).catch(
    (fault) => ({
      error: fault,
    }),
  );
  byId('alerts').replaceChildren(...incidents.map(incidentItem));
  byId('no-alerts').hidden = incidents.length > 0;
  setText(byId('no-alerts'), error ? `Incidents cannot be shown: ${error.message}` : 'Nothing is out of bounds here.');
}

/** What is set at the hub stands before the gateway's own; a row that is removed gives the own one back. */
function editLabels() {
  const { setLabels = {}, ownLabels = {} } = gateway;
  const rows = new LabelRows(setLabels);
  const reason = textField({ label: 'Reason', hint: 'It stands in the history.' });
  void ask({
    title: `Labels of ${gatewayId}`,
    content: [
      element(
        'p',
        { class: 'hint' },
        'Profiles find their gateways by labels: what changes here may change its configuration.',
      ),
      element('p', {}, element('span', { class: 'note' }, 'In its own file '), labelList(ownLabels)),
      element('h3', {}, 'Set here, instead or besides'),
      rows.node,
      reason.node,
    ],
    action: 'Save labels',
    pending: 'Saving …',
    run: async () => {
      const labels = rows.read();
      const gone = Object.keys(setLabels).filter((name) => !(name in labels));
      const why = reason.read();
      await send('PATCH', path, {
        labels: { ...labels, ...Object.fromEntries(gone.map((name) => [name, null])) },
        ...(why !== '' && { reason: why }),
      });
      await load();
    },
    refused: ({ message, problems }) =>
      problems.length > 0
        ? problems.map((one) => [one.message, one.proposal].filter(Boolean).join(': ')).join('; ')
        : message,
    done: 'Labels saved',
  });
}
