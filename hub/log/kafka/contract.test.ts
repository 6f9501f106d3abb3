/** The examples under deploy/kafka say what the published schemas say. Executed they are in test/e2e/kafka-contract.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openapi } from '../../api/openapi.ts';
import { TOPICS } from '../event-log.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const schemaOf = (name: string): Schema => JSON.parse(read(`protocols/uplink/${name}.schema.json`));

interface Schema {
  properties: Record<string, Schema>;
}

interface Table {
  columns: Map<string, string>;
  options: Map<string, string>;
}

/** CREATE TABLE statements, as far as a check of names needs it: columns with their types, options of WITH. */
function tablesOf(sql: string): Map<string, Table> {
  const plain = sql.replace(/--.*$/gm, '');
  const tables = new Map<string, Table>();
  for (const [, name = '', body = '', options = ''] of plain.matchAll(
    /CREATE TABLE (\w+) \(([\s\S]*?)\n\) WITH \(([\s\S]*?)\n\);/g,
  )) {
    const columns = new Map<string, string>();
    for (const line of body.trim().split(/,\n\s*/)) {
      const [, column = '', type = ''] = /^`?(\w+)`? ([\s\S]+)$/.exec(line.trim()) ?? [];
      if (!/^(WATERMARK|PRIMARY)$/.test(column)) columns.set(column, type);
    }
    const pairs = [...options.matchAll(/'([^']+)' = '([^']*)'/g)].map(
      ([, key = '', value = '']) => [key, value] as const,
    );
    tables.set(name, { columns, options: new Map(pairs) });
  }
  return tables;
}

const sql = read('deploy/kafka/flink-package-events.sql');
const tables = tablesOf(sql);

describe('flink-package-events.sql', () => {
  it('reads the topics that there are, committed records only', () => {
    expect([...tables.keys()]).toEqual(['package_events', 'alerts', 'package_states']);
    const topics: string[] = Object.values(TOPICS);
    for (const { options } of tables.values()) {
      expect(topics).toContain(options.get('topic'));
      expect(options.get('properties.isolation.level')).toBe('read_committed');
      expect(options.get('connector')).toMatch(/^(upsert-)?kafka$/);
    }
  });

  it.each([
    ['package_events', schemaOf('tracking-event')],
    ['alerts', schemaOf('alert')],
    ['package_states', openapi.components.schemas.Package as unknown as Schema],
  ])('%s has columns that its schema has', (name, schema) => {
    const { columns } = tables.get(name) as Table;
    expect(columns.size).toBeGreaterThan(4);
    for (const [column, type] of columns) {
      if (type.includes('METADATA')) continue;
      expect(Object.keys(schema.properties), column).toContain(column);
      const [, fields = ''] = /^ROW<(.*)>$/.exec(type) ?? [];
      for (const [, field = ''] of fields.matchAll(/(?:^|, )(\w+) /g)) {
        expect(Object.keys(schema.properties[column]?.properties ?? {}), `${column}.${field}`).toContain(field);
      }
    }
  });

  it('balances its brackets and quotes, and ends each statement', () => {
    const plain = sql.replace(/--.*$/gm, '').replace(/'[^']*'/g, '');
    expect(plain).not.toContain("'");
    for (const [open, close] of ['()', '<>'] as const)
      expect(plain.split(open as string).length).toBe(plain.split(close as string).length);
    expect(plain.trim()).toMatch(/;$/);
  });
});

it('the Kafka Connect sink is JSON over a topic that there is', () => {
  const { config } = JSON.parse(read('deploy/kafka/connect-jdbc-sink.json')) as { config: Record<string, string> };
  expect(Object.values(TOPICS)).toContain(config.topics);
  expect(config['consumer.override.isolation.level']).toBe('read_committed');
});
