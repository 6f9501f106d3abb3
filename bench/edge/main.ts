/** The benchmark of the edge itself, run as plain JavaScript by bench/edge.ts: what a gateway runs is built, not loaded through a compiler. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chosen } from '../choose.ts';
import { print, type Row, timesPeer } from '../row.ts';
import type { GatewayFound, GatewayRun } from './gateway.ts';
import { startHub } from './hub.ts';
import { throughMqttJs, throughSqlite } from './naive.ts';
import { outboxRows } from './outbox.ts';

const PARTS = ['gateway', 'outbox'] as const;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    events: { type: 'string', default: '400000' },
    turns: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
    profile: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const events = Number(values.events);
const turns = Number(values.turns);
const NAIVE_SHARE = 40;
const MAX_RSS_MB = 120;
/** As the daemon's unit has them (deploy/systemd/milepost-edge.service). */
const NODE_OPTIONS = ['--max-old-space-size=256', '--max-semi-space-size=8'];

async function gateway(folder: string): Promise<Row> {
  const hub = await startHub();
  let ours: GatewayFound | undefined;
  let sqlite: number | string = 0;
  let mqttJs = 0;
  let rssMb = 0;
  try {
    for (let turn = 0; turn < turns; turn++) {
      const found = await alone({ folder: join(folder, `gateway-${turn}`), url: hub.url, readings: events });
      rssMb = Math.max(rssMb, found.rssBytes / 1e6);
      if (!ours || found.perSecond > ours.perSecond) ours = found;
      const naive = {
        folder: await mkdtemp(join(folder, 'naive-')),
        url: hub.url,
        events: Math.ceil(events / NAIVE_SHARE),
      };
      const rows = await throughSqlite(naive);
      sqlite = typeof rows === 'string' ? rows : Math.max(Number(sqlite), rows);
      mqttJs = Math.max(mqttJs, await throughMqttJs(naive));
    }
  } finally {
    await hub.stop();
  }
  if (!ours) throw new Error('not one turn');
  return {
    path: 'edge: readings → window, rules → outbox (fdatasync) → MQTT → acknowledged',
    unit: 'events/s',
    ours: ours.perSecond,
    beside: { 'SQLite row and one message per event': sqlite, 'mqtt.js with its default store (not durable)': mqttJs },
    goals: [
      { text: 'events a second', value: ours.perSecond, bound: 100_000 },
      ...timesPeer('times SQLite', ours.perSecond, sqlite, 30),
      { text: 'RSS, MB', value: rssMb, bound: MAX_RSS_MB, most: true },
    ],
    note:
      `${ours.cpuUsPerReading.toFixed(1)} µs of CPU a reading, ${ours.recordsPerSync.toFixed(0)} records a sync, ` +
      `${ours.recordsPerBatch.toFixed(0)} a batch, about ${ours.amplification.toFixed(2)} bytes written per byte of record`,
  };
}

/** A gateway in a process of its own, started as the daemon is. */
async function alone(run: GatewayRun): Promise<GatewayFound> {
  const profile = values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`];
  const execArgv = [...NODE_OPTIONS, ...profile];
  const child = fork(new URL('gateway-process.js', import.meta.url), [JSON.stringify(run)], { execArgv });
  const ended = once(child, 'exit');
  const [found] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`the gateway ended with ${code}`);
    }),
  ])) as [GatewayFound];
  await ended;
  return found;
}

const wanted = chosen('only', values.only, PARTS);
const folder = await mkdtemp(join(values.folder, 'milepost-bench-'));
try {
  const rows: Row[] = [];
  if (wanted.includes('gateway')) rows.push(await gateway(folder));
  if (wanted.includes('outbox')) rows.push(...(await outboxRows({ folder, events: events / 2, turns })));
  print(rows, values.json);
} finally {
  await rm(folder, { recursive: true, force: true });
}
