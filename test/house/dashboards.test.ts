/** Dashboards ask only for metrics that exist, and every metric stands in docs/operations.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const DASHBOARDS = join(ROOT, 'deploy/grafana');
const text = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const SOURCES = [
  { prefix: 'milepost_hub_', files: ['hub/ops/report.ts', 'hub/ops/meters.ts'] },
  { prefix: 'milepost_edge_', files: ['edge/ops/report.ts'] },
];

/** Names as Prometheus stores them: a histogram is three. */
function metrics(): { stored: Set<string>; named: Map<string, string> } {
  const stored = new Set<string>();
  const named = new Map<string, string>();
  for (const { prefix, files } of SOURCES) {
    for (const file of files) {
      for (const [, kind, name = ''] of text(file).matchAll(/\b(metric|histogram)\(\s*'([a-z_]+)'/g)) {
        named.set(name, prefix);
        for (const suffix of kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''])
          stored.add(prefix + name + suffix);
      }
    }
  }
  return { stored, named };
}

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string }[];
}

describe.each(readdirSync(DASHBOARDS).filter((name) => name.endsWith('.json')))('%s', (name) => {
  const dashboard = JSON.parse(readFileSync(join(DASHBOARDS, name), 'utf8')) as { uid: string; panels: Panel[] };

  it('asks for nothing that no process tells', () => {
    const asked = [...JSON.stringify(dashboard).matchAll(/milepost_(?:hub|edge)_[a-z_]+/g)].map(([metric]) => metric);
    expect(asked.length).toBeGreaterThan(20);
    const { stored } = metrics();
    expect(asked.filter((metric) => !stored.has(metric))).toEqual([]);
  });

  it('has panels with a question each, none on top of another', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, targets } of panels) {
      expect(title).not.toBe('');
      if (type !== 'row') expect(targets?.every(({ expr }) => expr !== '')).toBe(true);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)}/${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});

it('every metric is explained', () => {
  const explained = text('docs/operations.md');
  const { named } = metrics();
  expect(named.size).toBeGreaterThan(40);
  expect([...named.keys()].filter((name) => !explained.includes(`\`${name}\``))).toEqual([]);
});
