/** How often limits would have alarmed on stored data: for each rule the alarms, the gateways, and a bar for each day. */
import { send } from '../api.js';
import { element, svg } from '../dom.js';
import { formatDayTime, formatShortDay } from '../format.js';
import { dataTable } from '../table.js';
import { gatewayPath } from './states.js';

const BAR = 14;
const GAP = 4;
const HEIGHT = 34;

/** @param {{ profileId: string, selector: object, settings: object, days: number }} what */
export function askPreview({ profileId, ...body }) {
  return send('POST', `/v1/fleet/profiles/${encodeURIComponent(profileId)}/preview`, body);
}

export function previewView({ rules, samples, from, to, gateways, complete }) {
  if (rules.length === 0) return element('p', { class: 'note' }, 'There is no rule to try.');
  const most = Math.max(1, ...rules.flatMap(({ perDay }) => perDay.map(({ alarms }) => alarms)));
  const table = dataTable({
    caption: 'Alarms that each rule would have raised, beside those that there were',
    idOf: ({ ruleId }) => ruleId,
    columns: [
      {
        title: 'Rule',
        cell: ({ ruleId, removed }) => [
          element('code', {}, ruleId),
          removed ? element('small', {}, 'no longer there') : '',
        ],
      },
      {
        title: 'Alarms',
        class: 'number',
        cell: ({ alarms, removed }) =>
          removed ? '–' : element('b', { 'data-tone': alarms > 0 ? 'warn' : 'good' }, alarms.toLocaleString()),
      },
      { title: 'There were', class: 'number', cell: ({ current }) => current.toLocaleString() },
      {
        title: 'Gateways',
        class: 'number',
        cell: ({ gateways: watched, gatewaysWithAlarms: loud }) =>
          `${loud.toLocaleString()} of ${watched.toLocaleString()}`,
      },
      { title: 'Day by day', cell: ({ perDay }) => bars(perDay, most) },
      { title: 'For example', cell: ({ examples }) => exampleOf(examples) },
    ],
  });
  table.show(rules, '');
  const basis = basisOf({ samples, from, to, gateways, complete });
  return element(
    'div',
    { class: 'preview' },
    element('p', {}, element('b', {}, inWords(rules)), ' ', element('span', { class: 'note' }, basis)),
    table.node,
  );
}

/** In one sentence: what is read out, and what the question before saving repeats. */
export function inWords(rules) {
  const alarms = rules.reduce((sum, rule) => sum + rule.alarms, 0);
  if (alarms === 0) return 'No rule would have alarmed.';
  const loud = rules.filter((rule) => rule.alarms > 0);
  const most = loud.reduce((a, b) => (b.alarms > a.alarms ? b : a));
  const where =
    loud.length === 1 ? `all by ${most.ruleId}` : `${most.alarms.toLocaleString()} of them by ${most.ruleId}`;
  return `${alarms.toLocaleString()} ${alarms === 1 ? 'alarm' : 'alarms'}, ${where}.`;
}

function bars(perDay, most) {
  const days = perDay.map(({ day, alarms }) => ({ alarms, name: formatShortDay(day) }));
  const width = days.length * (BAR + GAP);
  return svg(
    'svg',
    {
      class: 'bars',
      viewBox: `0 0 ${width} ${HEIGHT}`,
      width,
      height: HEIGHT,
      role: 'img',
      'aria-label': days.map(({ name, alarms }) => `${name}: ${alarms}`).join(', '),
    },
    days.map(({ alarms, name }, index) => {
      const height = alarms === 0 ? 2 : Math.max(4, (alarms / most) * (HEIGHT - 2));
      return svg(
        'rect',
        {
          x: index * (BAR + GAP),
          y: HEIGHT - height,
          width: BAR,
          height,
          rx: 2,
          class: alarms === 0 ? 'none' : 'some',
        },
        svg('title', {}, `${name}: ${alarms}`),
      );
    }),
  );
}

function exampleOf([first] = []) {
  if (!first) return '';
  const { gatewayId, deviceId, at } = first;
  return [
    element('a', { class: 'id', href: gatewayPath(gatewayId) }, gatewayId),
    element('small', {}, `${deviceId}, ${formatDayTime(at)}`),
  ];
}

function basisOf({ samples, from, to, gateways, complete }) {
  if (gateways.matching === 0) return 'No gateway has these labels.';
  const { replayed, matching } = gateways;
  const share = complete ? '' : ` of ${replayed.toLocaleString()} out of ${matching.toLocaleString()} gateways`;
  if (samples === 0)
    return `There are no stored readings${share} from ${formatShortDay(from)} to ${formatShortDay(to)}.`;
  return `On ${samples.toLocaleString()} readings${share} from ${formatShortDay(from)} to ${formatShortDay(to)}.`;
}
