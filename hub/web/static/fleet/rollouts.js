/** Every rollout, the latest first. */
import '../you.js';
import { follow, get } from '../api.js';
import { byId, element } from '../dom.js';
import { refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { dataTable } from '../table.js';
import { progressBar } from './rollout-progress.js';
import { countsInWords, profilePath, ROLLOUT_STATES, rolloutPath, seen, stateChip } from './states.js';

const REFRESH_MS = 1000;

const table = dataTable({
  caption: 'Rollouts, the latest first',
  idOf: ({ rolloutId }) => rolloutId,
  columns: [
    {
      title: 'Rollout',
      cell: ({ rolloutId, profileId, version }) =>
        element('a', { href: rolloutPath(rolloutId) }, `${profileId}, version ${version}`),
    },
    { title: 'State', cell: ({ state }) => stateChip(ROLLOUT_STATES, state) },
    {
      title: 'Gateways',
      cell: ({ counts }) =>
        element('span', { class: 'lines' }, progressBar(counts), element('small', {}, countsInWords(counts))),
    },
    {
      title: 'Started',
      class: 'short',
      cell: ({ createdAt, author }) => [seen(createdAt), element('small', {}, `by ${author}`)],
    },
    {
      title: 'Why',
      cell: ({ reason, profileId }) => [
        reason,
        element('small', {}, element('a', { href: profilePath(profileId) }, 'profile')),
      ],
    },
  ],
});
byId('list').append(table.node);

const load = throttle(async () => {
  const { rollouts = [], error } = await get('/v1/fleet/rollouts').catch((fault) => ({ error: fault }));
  table.show(
    rollouts,
    error
      ? `The rollouts cannot be shown: ${error.message}`
      : 'Nothing was rolled out yet: open a profile, save it, and roll it out.',
  );
}, REFRESH_MS);
follow('/v1/stream', { gateways: load, rollouts: load, reset: load }, load);
setInterval(refreshAges, 1000);
