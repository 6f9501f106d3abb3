/**
 * Prometheus text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): values read at the moment of
 * the scrape → text. Pure.
 */
import type { HistogramSnapshot } from './histogram.ts';

export interface Metric {
  /** Matches [a-zA-Z_:][a-zA-Z0-9_:]*; counters end in `_total`; the unit stands in the name. */
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  samples: readonly Sample[];
}

export interface HistogramMetric {
  name: string;
  help: string;
  type: 'histogram';
  samples: readonly { labels?: Readonly<Record<string, string>>; value: HistogramSnapshot }[];
}

export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

export const EXPOSITION_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function renderMetrics(metrics: readonly (Metric | HistogramMetric)[]): string {
  let text = '';
  for (const metric of metrics) {
    const { name, help, type, samples } = metric;
    if (samples.length === 0) continue;
    text += `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
    if (metric.type === 'histogram')
      for (const { labels, value } of metric.samples) text += renderHistogram(name, labels, value);
    else
      for (const { labels, value } of metric.samples) text += `${name}${renderLabels(labels)} ${renderValue(value)}\n`;
  }
  return text;
}

function renderHistogram(name: string, labels: Sample['labels'], { bounds, counts, sum }: HistogramSnapshot): string {
  let text = '';
  let count = 0;
  for (const [at, own] of counts.entries()) {
    count += own;
    const le = renderValue(bounds[at] ?? Number.POSITIVE_INFINITY);
    text += `${name}_bucket${renderLabels({ ...labels, le })} ${count}\n`;
  }
  return `${text}${name}_sum${renderLabels(labels)} ${sum}\n${name}_count${renderLabels(labels)} ${count}\n`;
}

function renderLabels(labels: Sample['labels'] = {}): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
