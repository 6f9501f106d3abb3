/**
 * How long a scan takes from the reader's cable to `package-events`: real processes, real Kafka, read_committed, read by kcat.
 *
 *   npm run bench -- end-to-end [--rate 500] [--seconds 20] [--json]
 *
 * Time runs from the moment the simulator has written the scan to the pty to the moment kcat has printed the message.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { healthy, milepost, Process, topicExists } from '../test/e2e/stack.ts';
import { startInflux } from '../test/servers/influx.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { kcatFollowing } from '../test/servers/kcat.ts';
import { startPostgres } from '../test/servers/postgres.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const WARM_UP_MS = 20_000;

const folder = await mkdtemp(join(tmpdir(), 'milepost-bench-'));
const servers = await Promise.all([startKafka(), startPostgres(), startInflux()]);
const [kafka, postgres, influx] = servers;
const processes: Process[] = [];
const keep = (process: Process): Process => {
  processes.push(process);
  return process;
};
try {
  const scanner = keep(
    milepost('sim', 'run', 'serial-barcode', '--path', join(folder, 'scanner'), '--rate', values.rate, '--json'),
  );
  await scanner.line(/"started"/);
  await writeFile(
    join(folder, 'hub.yaml'),
    `mqtt: { listen: '127.0.0.1:0' }
kafka: { brokers: '${kafka.url}' }
postgres: { url: '${postgres.url}' }
influx: { url: '${influx.url}', bucket: milepost, query: influxql }
http: { listen: '127.0.0.1:0' }
log: { level: warn }
`,
  );
  const hub = keep(milepost('hub', 'run', '--config', join(folder, 'hub.yaml')));
  const said = await hub.line(/pages and API at/);
  await healthy(said);
  await writeFile(
    join(folder, 'edge.yaml'),
    `gateway: { id: bench-1, facility: DC-1, stateDir: ${folder}/state }
hub: { url: ${/mqtt:\/\/\S+/.exec(said)?.[0]} }
readPoints: [{ id: door, businessStep: receiving }]
devices: [{ id: scanner, driver: serial-barcode, readPoint: door, options: { path: ${folder}/scanner, baudRate: 921600 } }]
`,
  );
  await topicExists(kafka.url, 'package-events');
  const reading = { brokers: kafka.url, topic: 'package-events', format: '%k\\n', fetchWaitMs: 5 };
  const messages = keep(new Process('kcat', 'kcat', kcatFollowing(reading)));
  keep(milepost('edge', 'run', '--config', join(folder, 'edge.yaml')));
  await messages.until(() => messages.lines.length > 0, 'the first message');
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS + seconds * 1000));
  scanner.write('unplug serial-barcode');
  const emitted = new Map<string, number>();
  await scanner.line(/"line":"unplug/);
  for (const { text } of scanner.lines) {
    const entry = JSON.parse(text) as { event: string; sscc: string; atMs: number; damage?: string };
    if (entry.event === 'observed' && entry.damage === undefined) emitted.set(`sscc:${entry.sscc}`, entry.atMs);
  }
  await messages.until(() => messages.lines.length >= emitted.size, `${emitted.size} messages`, 20_000).catch(() => {});
  const fromMs = Math.min(...emitted.values()) + WARM_UP_MS;
  const latencies: number[] = [];
  const seen = new Set<string>();
  for (const { text, atMs } of messages.lines) {
    seen.add(text);
    const sentMs = emitted.get(text);
    if (sentMs !== undefined && sentMs >= fromMs) latencies.push(atMs - sentMs);
  }
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    Math.round((latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? Number.NaN) * 10) / 10;
  const result = {
    ratePerSecond: Math.round(latencies.length / seconds),
    emitted: emitted.size,
    messages: messages.lines.length,
    missing: [...emitted.keys()].filter((key) => !seen.has(key)).length,
    duplicates: messages.lines.length - seen.size,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else for (const [name, value] of Object.entries(result)) process.stdout.write(`${name.padEnd(16)} ${value}\n`);
  process.exitCode = result.missing === 0 && result.duplicates === 0 ? 0 : 1;
} finally {
  await Promise.all(processes.map((each) => each.stop()));
  await Promise.all(servers.map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
}
