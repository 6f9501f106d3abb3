import { expect, it } from 'vitest';
import { renderMetrics } from './exposition.ts';
import { Histogram } from './histogram.ts';

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

// Layout and the sums over buckets: the histogram of the same example.
it('renders histograms with cumulative buckets', () => {
  const value = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 3, -2, Number.NaN]) value.observe(seconds);
  const text = renderMetrics([{ name: 'h', help: 'H', type: 'histogram', samples: [{ labels: { s: 'x' }, value }] }]);
  expect(text).toBe(
    [
      '# HELP h H',
      '# TYPE h histogram',
      'h_bucket{s="x",le="0.1"} 3',
      'h_bucket{s="x",le="1"} 4',
      'h_bucket{s="x",le="+Inf"} 5',
      'h_sum{s="x"} 3.65',
      'h_count{s="x"} 5',
      '',
    ].join('\n'),
  );
});
