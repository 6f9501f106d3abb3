/**
 * Throughput of the hub, each path beside what one would write and beside the limit of the machine, in one run.
 *
 *   npm run bench -- hub [--only ingest,process,lines,dedup,wire-size,connections] [--events 400000] [--turns 2] [--seconds 5]
 *     [--profile DIR] [--json]
 *
 * `--seconds` is how long each way of `ingest` is measured; `--profile` leaves the CPU profiles of its and `process`' workers there.
 * Rows of short work run in this process; ingest and process run as processes of their own beside a real Kafka.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chosen } from './choose.ts';
import { print, type Row } from './row.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'dedup,wire-size,lines,ingest,process,connections' },
    events: { type: 'string', default: '400000' },
    turns: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '4000' },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const events = Number(values.events);
const turns = Number(values.turns);
const seconds = Number(values.seconds);

// Memory is measured after a collection.
setFlagsFromString('--expose-gc');
globalThis.gc = runInNewContext('gc') as NodeJS.GCFunction;

const PATHS = {
  dedup: async () => [await (await import('./hub/dedup.ts')).dedup(Math.min(events, 400_000))],
  'wire-size': async () => [await (await import('./hub/wire-size.ts')).wireSize()],
  lines: async () => [await (await import('./hub/lines.ts')).lines(Math.min(events, 200_000))],
  ingest: async () => (await import('./hub/ingest.ts')).ingest({ seconds, turns }),
  process: async () => (await import('./hub/process.ts')).processing({ events, turns }),
  connections: async () => [await (await import('./hub/connections.ts')).connections(Number(values.connections))],
} satisfies Record<string, () => Promise<Row[]>>;
const wanted = chosen('only', values.only, Object.keys(PATHS) as (keyof typeof PATHS)[]);

if (values.profile !== undefined) (await import('./hub/run.ts')).profileInto(values.profile);

const rows: Row[] = [];
for (const name of wanted) rows.push(...(await PATHS[name]()));
print(rows, values.json);
if (values.profile !== undefined && !values.json) {
  process.stdout.write(await (await import('./hub/profile.ts')).profileSummary(values.profile));
}
