/**
 * The pages and what surrounds them: head, skip link, navigation and status are written once (static/shell.html), a page is its main part.
 */

/** A page: its file in static/, and what the shell says around it. */
export interface PageSource {
  route: string;
  file: string;
  title: string;
  section: Section;
  /** What the skip link leads to: an id of the page, and its name. */
  skip: readonly [id: string, name: string];
  /** In static/, without `.css`. */
  styles: readonly string[];
  /** Further content of the bar: a file in static/. */
  bar: string;
}

type Section = 'Packages' | 'Fleet' | 'Alerts';

const SECTIONS: readonly (readonly [Section, string])[] = [
  ['Packages', '/'],
  ['Fleet', '/fleet'],
  ['Alerts', '/alerts'],
];

const TABS: Partial<Record<Section, readonly (readonly [string, string])[]>> = {
  Fleet: [
    ['Gateways', '/fleet'],
    ['Profiles', '/fleet/profiles'],
    ['Rollouts', '/fleet/rollouts'],
    ['History', '/fleet/history'],
  ],
  Alerts: [
    ['Incidents', '/alerts'],
    ['Silences', '/alerts/silences'],
    ['What reaches me', '/alerts/subscriptions'],
  ],
};

const YOU = 'you.html';
const fleet = { section: 'Fleet', styles: ['console', 'fleet/fleet'], bar: YOU } as const;
const alerts = { section: 'Alerts', styles: ['console', 'alerts/alerts'], bar: YOU } as const;
const list = ['list', 'the list'] as const;
const main = ['main', 'the content'] as const;

export const PAGES: readonly PageSource[] = [
  {
    route: '/',
    file: 'index.html',
    title: 'Packages',
    section: 'Packages',
    skip: ['packages', 'the packages'],
    styles: ['overview'],
    bar: 'search.html',
  },
  {
    route: '/packages/:packageId',
    file: 'package.html',
    title: 'Package',
    section: 'Packages',
    skip: ['timeline', 'the timeline'],
    styles: ['uplot', 'chart', 'package'],
    bar: '',
  },
  { ...fleet, route: '/fleet', file: 'fleet/gateways.html', title: 'Gateways', skip: list },
  {
    ...fleet,
    route: '/fleet/gateways/:gatewayId',
    file: 'fleet/gateway.html',
    title: 'Gateway',
    skip: main,
    styles: ['uplot', 'chart', ...fleet.styles],
  },
  { ...fleet, route: '/fleet/profiles', file: 'fleet/profiles.html', title: 'Profiles', skip: list },
  { ...fleet, route: '/fleet/profiles/:profileId', file: 'fleet/profile.html', title: 'Profile', skip: main },
  { ...fleet, route: '/fleet/rollouts', file: 'fleet/rollouts.html', title: 'Rollouts', skip: list },
  { ...fleet, route: '/fleet/rollouts/:rolloutId', file: 'fleet/rollout.html', title: 'Rollout', skip: main },
  { ...fleet, route: '/fleet/history', file: 'fleet/history.html', title: 'History', skip: list },
  { ...alerts, route: '/alerts', file: 'alerts/incidents.html', title: 'Incidents', skip: list },
  {
    ...alerts,
    route: '/alerts/incidents/:incidentId',
    file: 'alerts/incident.html',
    title: 'Incident',
    skip: main,
    styles: ['uplot', 'chart', ...alerts.styles],
  },
  { ...alerts, route: '/alerts/silences', file: 'alerts/silences.html', title: 'Silences', skip: list },
  {
    ...alerts,
    route: '/alerts/subscriptions',
    file: 'alerts/subscriptions.html',
    title: 'What reaches me',
    skip: main,
  },
];

/** The whole page; `read` gives the text of a file in static/. */
export function composePage(page: PageSource, read: (file: string) => string): string {
  const { route, file, title, section, skip, styles, bar } = page;
  // The tab whose address the page's own begins with, the longest first: a gateway belongs to the gateways.
  const tabs = TABS[section] ?? [];
  const tab = [...tabs].reverse().find(([, href]) => route.startsWith(href));
  const slots: Record<string, string> = {
    title,
    links: [
      ...['style', ...styles].map((name) => `<link rel="stylesheet" href="/assets/${name}.css">`),
      `<script type="module" src="/assets/${scriptOf(file)}"></script>`,
    ].join('\n    '),
    'skip-to': skip[0],
    'skip-text': skip[1],
    sections: linksOf(SECTIONS, section, route === '/' || tab?.[1] === route),
    bar: bar === '' ? '' : read(bar).trimEnd(),
    tabs:
      tabs.length === 0
        ? ''
        : `<nav class="tabs" aria-label="${section}">${linksOf(tabs, tab?.[0], tab?.[1] === route)}</nav>`,
    body: read(file).trimEnd(),
  };
  return read('shell.html').replace(/\{\{([a-z-]+)\}\}/g, (slot, name: string) => slots[name] ?? slot);
}

function linksOf(links: readonly (readonly [string, string])[], here: string | undefined, exactly: boolean): string {
  const current = exactly ? 'page' : 'true';
  return links
    .map(([name, href]) => `<a href="${href}"${name === here ? ` aria-current="${current}"` : ''}>${name}</a>`)
    .join('');
}

function scriptOf(file: string): string {
  return file === 'index.html' ? 'overview.js' : file.replace(/\.html$/, '.js');
}
