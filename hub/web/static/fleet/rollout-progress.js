/** How far a rollout is, as a bar: a part for each state. */
import { svg } from '../dom.js';
import { CONFIG_STATES, countsInWords, countsOf } from './states.js';

const WIDTH = 400;

export function progressBar(counts) {
  const parts = countsOf(counts);
  const total = Math.max(
    1,
    parts.reduce((sum, { count }) => sum + count, 0),
  );
  let left = 0;
  return svg(
    'svg',
    {
      class: 'share',
      viewBox: `0 0 ${WIDTH} 10`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': countsInWords(counts),
    },
    svg('rect', { width: WIDTH, height: 10, class: 'ground' }),
    parts.map(({ state, words, count }) => {
      const width = (count / total) * WIDTH;
      const part = svg(
        'rect',
        { x: left, width, height: 10, 'data-tone': CONFIG_STATES[state]?.[1] ?? 'none' },
        svg('title', {}, `${count} ${words}`),
      );
      left += width;
      return part;
    }),
  );
}
