/** The profiles: what is set, for whom. */
import '../you.js';
import { follow, get } from '../api.js';
import { ask } from '../dialogs.js';
import { byId, element } from '../dom.js';
import { textField } from '../fields.js';
import { refreshAges } from '../format.js';
import { throttle } from '../pace.js';
import { dataTable } from '../table.js';
import { labelList, profilePath, rolloutPath, seen } from './states.js';

const REFRESH_MS = 2000;

const table = dataTable({
  caption: 'Profiles, with the gateways that they are for',
  idOf: ({ profileId }) => profileId,
  columns: [
    {
      title: 'Profile',
      cell: ({ profileId, name }) => [
        element('a', { href: profilePath(profileId) }, name),
        name === profileId ? '' : element('small', { class: 'id' }, profileId),
      ],
    },
    { title: 'For gateways with', cell: ({ selector }) => labelList(selector) },
    { title: 'Gateways', class: 'number', cell: ({ gateways }) => gateways.toLocaleString() },
    { title: 'Rules', class: 'number', cell: ({ settings }) => String(settings.rules.length) },
    { title: 'Rolled out', cell: rolledOut },
    { title: 'Saved', cell: ({ createdAt, author }) => [seen(createdAt), element('small', {}, `by ${author}`)] },
  ],
});
byId('list').append(table.node);

function rolledOut({ version, releasedVersion, openRollout }) {
  if (openRollout) return element('a', { href: rolloutPath(openRollout) }, 'under way');
  if (releasedVersion === undefined) return element('span', { class: 'note' }, 'not yet');
  return releasedVersion === version ? `version ${version}` : `version ${releasedVersion}; ${version} is newer`;
}

const load = throttle(async () => {
  const { profiles = [], error } = await get('/v1/fleet/profiles').catch((fault) => ({ error: fault }));
  table.show(
    profiles,
    error
      ? `The profiles cannot be shown: ${error.message}`
      : 'There is no profile yet: make one, and choose its gateways by their labels.',
  );
}, REFRESH_MS);
follow('/v1/stream', { gateways: load, rollouts: load, reset: load }, load);
setInterval(refreshAges, 1000);

byId('new').addEventListener('click', () => {
  const name = textField({ label: 'Name', required: true, hint: 'For example: Refrigerated vans' });
  const id = textField({
    label: 'Id',
    required: true,
    hint: 'Small letters, digits and hyphens; it stays as it is.',
    pattern: '[a-z0-9]([a-z0-9\\-]*[a-z0-9])?',
  });
  let own = false;
  id.input.addEventListener('input', () => {
    own = true;
  });
  name.input.addEventListener('input', () => {
    if (!own) id.input.value = idFrom(name.read());
  });
  void ask({
    title: 'New profile',
    content: [name.node, id.node],
    action: 'Go on',
    pending: 'Looking …',
    run: async () => {
      const exists = await get(`/v1/fleet/profiles/${encodeURIComponent(id.read())}`).then(
        () => true,
        (error) => {
          if (error.code === 'profile-unknown') return false;
          throw error;
        },
      );
      if (exists) throw new Error(`There is a profile “${id.read()}” already: choose another id.`);
      location.assign(`${profilePath(id.read())}?${new URLSearchParams({ name: name.read() })}`);
    },
  });
});

function idFrom(name) {
  return name
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
