/** The examples of docs/rules.md are good, and there is one of each kind. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkRules, QUANTITIES } from './check.ts';
import { RULE_KINDS } from './rule-fields.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/rules.md'), 'utf8');

it('examples of all kinds, and they are good', () => {
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, yaml = '']) => parse(yaml) as unknown[]);
  const { rules, problems } = checkRules(examples);
  expect(problems).toEqual([]);
  expect(new Set(rules.map(({ kind }) => kind))).toEqual(new Set(RULE_KINDS));
});

it('a section for each kind, and every quantity', () => {
  for (const kind of RULE_KINDS) expect(page).toContain(`\n## ${kind}\n`);
  for (const quantity of Object.keys(QUANTITIES)) expect(page).toContain(`\`${quantity}\``);
});
