import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { composePage, PAGES } from './pages.ts';

const STATIC = fileURLToPath(new URL('static/', import.meta.url));
const read = (file: string) => readFileSync(join(STATIC, file), 'utf8');
/** Not files of this folder: hub/api/routes/pages.ts makes them. */
const MADE = ['uplot.js', 'uplot.css', 'model.js'];
const exists = (name: string) => MADE.includes(name) || existsSync(join(STATIC, name));

describe.each(PAGES.map((page) => [page.route, page] as const))('the page %s', (_, page) => {
  const html = composePage(page, read);

  it('has its head, its navigation and everything that it loads', () => {
    expect(html).not.toContain('{{');
    expect(html).toContain(`<title>${page.title} · Milepost</title>`);
    const loaded = [...html.matchAll(/(?:href|src)="\/assets\/([^"]+)"/g)].map(([, name]) => name ?? '');
    expect(loaded.length).toBeGreaterThan(2);
    expect(loaded.filter((name) => !exists(name))).toEqual([]);
    expect(html.match(/<nav class="sections"[\s\S]*?<\/nav>/)?.[0]).toMatch(
      new RegExp(`aria-current="(page|true)">${page.section}<`),
    );
  });

  it('has the place that the skip link leads to, and no id twice', () => {
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toContain(page.skip[0]);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});

it('marks the list that a page belongs to, and the page itself only on its own', () => {
  const tabsOf = (route: string) => {
    const page = PAGES.find((one) => one.route === route);
    if (!page) throw new Error(`there is a page ${route}`);
    return /<nav class="tabs".*?<\/nav>/.exec(composePage(page, read))?.[0] ?? '';
  };
  expect(tabsOf('/fleet')).toContain('aria-current="page">Gateways');
  expect(tabsOf('/fleet/gateways/:gatewayId')).toContain('aria-current="true">Gateways');
  expect(tabsOf('/fleet/profiles/:profileId')).toContain('aria-current="true">Profiles');
  expect(tabsOf('/')).toBe('');
});

it('has scripts that import what there is, by names that are exported, and that make no markup of values', () => {
  const scripts = readdirSync(STATIC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  expect(scripts.length).toBeGreaterThan(20);
  for (const script of scripts) {
    const source = read(script);
    expect(source, script).not.toMatch(/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b/);
    for (const [, names = '', specifier = ''] of source.matchAll(/import (?:\{([^}]*)\} from )?'(\.[^']+)'/g)) {
      const target = normalize(join(dirname(script), specifier));
      expect(exists(target), `${script}: ${specifier}`).toBe(true);
      if (MADE.includes(target)) continue;
      const exported = read(target);
      for (const name of names.split(',').flatMap((part) => part.trim().split(' as ')[0] || [])) {
        expect(exported, `${script}: ${name} of ${specifier}`).toMatch(
          new RegExp(`export (async )?(function|const|class) ${name}\\b`),
        );
      }
    }
  }
});
