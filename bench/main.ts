/** `npm run bench -- NAME …`: runs one benchmark; without a name lists them. */
const BENCHMARKS: Record<string, () => Promise<unknown>> = {
  'end-to-end': () => import('./end-to-end.ts'),
  peers: () => import('./peers/main.ts'),
  codecs: () => import('./codecs.ts'),
  'outbox-start': () => import('./outbox-start.ts'),
  outage: () => import('./outage.ts'),
  storm: () => import('./storm.ts'),
  'comer-back': () => import('./comer-back.ts'),
  bridge: () => import('./bridge/main.ts'),
  presence: () => import('./presence.ts'),
  hub: () => import('./hub.ts'),
  edge: () => import('./edge.ts'),
  fleet: () => import('./fleet.ts'),
};

const name = process.argv[2];
const load = name === undefined ? undefined : BENCHMARKS[name];
if (load) {
  process.argv.splice(2, 1);
  await load();
} else {
  process.stderr.write(`benchmarks: ${Object.keys(BENCHMARKS).join(', ')}\n`);
  process.exitCode = 2;
}
