/** The versions of a profile, and what is different between any two of them. */
import { get } from '../api.js';
import { byId, element } from '../dom.js';
import { formatDayTime } from '../format.js';
import { dataTable } from '../table.js';
import { settingsKeys } from './settings-text.js';

/** Shows the list in #versions; `rollOut(version)` is asked for an older one too. */
export function showVersions({ profileId, versions, releasedVersion, rollOut }) {
  const container = byId('versions');
  if (versions.length === 0) {
    container.replaceChildren(element('p', { class: 'empty' }, 'Not saved yet.'));
    return;
  }
  const [newest] = versions;
  const older =
    versions.find(({ version }) => version === releasedVersion && version !== newest.version) ?? versions[1];
  const choice = { from: older?.version ?? newest.version, to: newest.version };
  const result = element('div', { class: 'diff', 'aria-live': 'polite' });
  const compare = () => void showDiff({ profileId, ...choice, versions, result });
  const radio = (side, version) =>
    element('input', {
      type: 'radio',
      name: `diff-${side}`,
      'aria-label': `Compare ${side} version ${version}`,
      checked: choice[side] === version,
      change: () => {
        choice[side] = version;
        compare();
      },
    });
  const rollOutButton = (version) =>
    element(
      'button',
      {
        type: 'button',
        class: 'button small',
        'aria-haspopup': 'dialog',
        'aria-label': `Roll out version ${version}`,
        click: () => rollOut(version),
      },
      'Roll out …',
    );
  const table = dataTable({
    caption: 'Versions of this profile; choose two to compare',
    idOf: ({ version }) => String(version),
    columns: [
      {
        title: 'Version',
        cell: ({ version }) => [
          element('b', {}, `Version ${version}`),
          version === releasedVersion ? element('small', {}, 'rolled out') : '',
        ],
      },
      {
        title: 'Saved',
        class: 'short',
        cell: ({ createdAt }) => element('time', { datetime: createdAt, title: createdAt }, formatDayTime(createdAt)),
      },
      { title: 'Who', cell: ({ author }) => author },
      { title: 'Why', cell: ({ reason }) => reason },
      { title: 'From', cell: ({ version }) => radio('from', version) },
      { title: 'To', cell: ({ version }) => radio('to', version) },
      { title: '', cell: ({ version }) => (version === releasedVersion ? '' : rollOutButton(version)) },
    ],
  });
  table.show(versions, '');
  container.replaceChildren(table.node, result);
  if (versions.length > 1) compare();
}

async function showDiff({ profileId, from, to, versions, result }) {
  if (from === to) {
    result.replaceChildren(element('p', { class: 'note' }, 'Choose two different versions to compare them.'));
    return;
  }
  const path = `/v1/fleet/profiles/${encodeURIComponent(profileId)}/diff`;
  const answer = await get(path, { from, to }).catch((error) => ({ error }));
  const title = element('h3', {}, `From version ${from} to version ${to}`);
  if (answer.error) {
    result.replaceChildren(title, element('p', { class: 'problem' }, answer.error.message));
    return;
  }
  const [before, after] = [from, to].map((wanted) => versions.find(({ version }) => version === wanted));
  const lines = answer.changes.map((change) => diffLine(change, before, after));
  result.replaceChildren(
    title,
    lines.length > 0
      ? element('ul', { class: 'changes' }, lines)
      : element('p', { class: 'note' }, 'Nothing is different.'),
  );
}

/** A whole rule as its sentence, one of its values as it is written. */
function diffLine({ key, from, to }, before, after) {
  const textOf = (value, settings) => {
    if (value === undefined) return undefined;
    const whole = settingsKeys(settings).find((one) => one.key === key);
    return whole?.text ?? (typeof value === 'object' ? JSON.stringify(value) : String(value));
  };
  const [old, now] = [textOf(from, before?.settings), textOf(to, after?.settings)];
  return element(
    'li',
    {},
    element('code', {}, key),
    old === undefined ? '' : element('del', {}, element('span', { class: 'unseen' }, 'before: '), old),
    now === undefined ? '' : element('ins', {}, element('span', { class: 'unseen' }, 'after: '), now),
  );
}
