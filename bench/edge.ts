/**
 * Throughput of the gateway, beside what one would write and beside the limit of the disk, in one run.
 *
 *   npm run bench -- edge [--only gateway,outbox] [--events 400000] [--turns 3] [--folder PATH] [--json]
 *
 * The hub is another process that acknowledges at once. `--folder` decides which disk is measured; the default is the temporary folder's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type GatewayFound, throughGateway } from './edge/gateway.ts';
import { startHub } from './edge/hub.ts';
import { throughMqttJs, throughSqlite } from './edge/naive.ts';
import { outboxRows } from './edge/outbox.ts';
import { print, type Row, timesPeer } from './row.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'gateway,outbox' },
    events: { type: 'string', default: '400000' },
    turns: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'boolean', default: false },
  },
});
const events = Number(values.events);
const turns = Number(values.turns);
const NAIVE_SHARE = 40;
const MAX_RSS_MB = 120;

async function gateway(folder: string): Promise<Row> {
  const hub = await startHub();
  let ours: GatewayFound | undefined;
  let sqlite: number | string = 0;
  let mqttJs = 0;
  // Before anything else runs in this process.
  let rssMb = 0;
  try {
    for (let turn = 0; turn < turns; turn++) {
      const found = await throughGateway({ folder: join(folder, `gateway-${turn}`), url: hub.url, readings: events });
      if (turn === 0) rssMb = found.rssBytes / 1e6;
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

const folder = await mkdtemp(join(values.folder, 'milepost-bench-'));
try {
  const rows: Row[] = [];
  const wanted = values.only.split(',');
  if (wanted.includes('gateway')) rows.push(await gateway(folder));
  if (wanted.includes('outbox')) rows.push(...(await outboxRows({ folder, events: events / 2, turns })));
  print(rows, values.json);
} finally {
  await rm(folder, { recursive: true, force: true });
}
