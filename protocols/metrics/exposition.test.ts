import { expect, it } from 'vitest';
import { renderMetrics } from './exposition.ts';

// Escaping and layout: the example in the exposition formats document, "Text format example".
it('renders help, type, labels and special values', () => {
  const text = renderMetrics([
    {
      name: 'a_total',
      help: 'A \\ and\nmore',
      type: 'counter',
      samples: [{ labels: { path: 'C:\\DIR\n', error: 'no "x"' }, value: 3 }],
    },
    {
      name: 'b',
      help: 'B',
      type: 'gauge',
      samples: [{ value: Number.POSITIVE_INFINITY }, { labels: { k: 'v' }, value: Number.NaN }],
    },
    { name: 'none', help: 'left out', type: 'gauge', samples: [] },
  ]);
  expect(text).toBe(
    [
      '# HELP a_total A \\\\ and\\nmore',
      '# TYPE a_total counter',
      'a_total{path="C:\\\\DIR\\n",error="no \\"x\\""} 3',
      '# HELP b B',
      '# TYPE b gauge',
      'b +Inf',
      'b{k="v"} NaN',
      '',
    ].join('\n'),
  );
});
