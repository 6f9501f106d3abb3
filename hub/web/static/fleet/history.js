/** Everything that was changed in the fleet, the latest first. */
import '../you.js';
import { follow, get } from '../api.js';
import { byId } from '../dom.js';
import { throttle } from '../pace.js';
import { historyTable } from './history-table.js';

const PAGE = 100;
const MOST = 500;
const REFRESH_MS = 2000;

const table = historyTable({ withSubject: true });
byId('list').append(table.node);
let limit = PAGE;

const load = throttle(async () => {
  const { history = [], error } = await get('/v1/fleet/history', { limit }).catch((fault) => ({ error: fault }));
  table.show(history, error ? `The history cannot be shown: ${error.message}` : 'Nothing was changed yet.');
  byId('more').hidden = history.length < limit || limit >= MOST;
}, REFRESH_MS);
byId('more').addEventListener('click', () => {
  limit = Math.min(MOST, limit + PAGE);
  load();
});
follow('/v1/stream', { gateways: load, rollouts: load, reset: load }, load);
