/** What deploy/ ships is read by what it is for: configurations by the hub, compose files by YAML and by their own names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkHubConfig, ROLES } from '../../hub/config.ts';

const COMPOSE = join(import.meta.dirname, '../../deploy/compose');
const text = (name: string) => readFileSync(join(COMPOSE, name), 'utf8');

interface Service {
  command?: string[];
  volumes?: string[];
  depends_on?: string[] | Record<string, unknown>;
}

it('the hub in compose.yaml has a configuration that fits it, for every role', () => {
  const { services } = parse(text('compose.yaml'), { merge: true }) as { services: Record<string, Service> };
  const hubs = Object.values(services).filter(({ command }) => command?.includes('run'));
  const roles = hubs.flatMap(({ command }) => command?.at(-1)?.split(',') ?? []);
  expect(roles.sort()).toEqual([...ROLES].sort());
  for (const role of roles) {
    const result = checkHubConfig(text('hub.yaml'), 'hub.yaml', { roles: role });
    expect(result.ok || result.problems).toBe(true);
  }
  const hosts = [...text('hub.yaml').matchAll(/'(?:\w+:\/\/)?(?:[^@'/]*@)?([a-z]+)[:/]/g)].map(([, host]) => host);
  expect(hosts.length).toBeGreaterThanOrEqual(5);
  expect(hosts.filter((host) => host === undefined || services[host] === undefined)).toEqual([]);
  for (const { depends_on: needs = [] } of Object.values(services)) {
    for (const name of Array.isArray(needs) ? needs : Object.keys(needs)) expect(services).toHaveProperty(name);
  }
});

it('every file that compose.yaml mounts is there', () => {
  const files = [...text('compose.yaml').matchAll(/[[ ]\.\/([\w.-]+):\//g)].map(([, name = '']) => name);
  expect(files.length).toBeGreaterThanOrEqual(5);
  for (const name of files) expect(() => (name.endsWith('.conf') ? text(name) : parse(text(name)))).not.toThrow();
});
