/**
 * How long a scan takes from the reader's cable to `package-events`: real processes, real Kafka, read_committed, read by kcat.
 *
 *   npm run bench -- end-to-end [--rate 500] [--seconds 20] [--warm-up 20] [--scanners 1] [--roles ingest,process] [--mosquitto] [--json]
 *
 * Time runs from the moment the simulator has written the scan to the pty to the moment kcat has printed the message. All scanners hang on one gateway;
 * `rate` is theirs together, at most 1,000 a scanner. Gateways and hub keep everything on disk as they do in the field. A thermometer is
 * asked ten times a second beside it: `series` is how old its readings are when InfluxDB has confirmed them, by the hub's own histogram, whose
 * bounds make it an upper bound. Without `--mosquitto` the hub is its own broker.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hubStack } from '../test/e2e/hub-stack.ts';
import { healthy, milepost, Process, topicExists } from '../test/e2e/stack.ts';
import { startInflux } from '../test/servers/influx.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { kcatFollowing } from '../test/servers/kcat.ts';
import { startMosquitto } from '../test/servers/mosquitto.ts';
import { freePort } from '../test/servers/ports.ts';
import { machine } from './row.ts';
import { startBenchPostgres } from './servers.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '20' },
    'warm-up': { type: 'string', default: '20' },
    scanners: { type: 'string', default: '1' },
    roles: { type: 'string', default: 'ingest,process,project,api' },
    mosquitto: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const warmUpMs = Number(values['warm-up']) * 1000;
const QUIET_MS = 2_000;
/** A scanner's cable is pulled while it scans: so long before that its last scans may have been written. */
const UNPLUGGED_MS = 250;
const names = Array.from({ length: Number(values.scanners) }, (_, index) => `scanner-${index + 1}`);

const [kafka, postgres, influx, mosquitto] = await Promise.all([
  startKafka(),
  startBenchPostgres(),
  startInflux(),
  // As deploy/compose/mosquitto.conf has it.
  values.mosquitto ? startMosquitto({ config: ['set_tcp_nodelay true', 'max_inflight_messages 1000'] }) : undefined,
]);
const servers = { kafka, postgres, influx, ...(mosquitto && { mosquitto }) };
const stack = await hubStack({ name: 'end-to-end', servers, log: 'warn' });
try {
  const hub = stack.hub('--roles', values.roles);
  const said = await hub.line(/pages and API at/, 60_000);
  const url = await healthy(said);
  await topicExists(kafka.url, 'package-events');
  const scanners = await Promise.all(names.map(startScanner));
  const thermometer = await freePort();
  stack.keep(milepost('sim', 'run', 'modbus-thermometer', '--port', String(thermometer)));
  const reading = { brokers: kafka.url, topic: 'package-events', format: '%k\\n', fetchWaitMs: 5 };
  const messages = stack.keep(new Process('kcat', 'kcat', kcatFollowing(reading)));
  await startGateway({ broker: mosquitto?.url ?? /mqtt:\/\/\S+/.exec(said)?.[0] ?? '', thermometer });
  await messages.until(() => messages.lines.length > 0, 'the first message');
  await wait(warmUpMs);
  const before = await seriesCounts(url);
  await wait(seconds * 1000);
  const series = await seriesCounts(url);
  for (const scanner of scanners) scanner.write('unplug serial-barcode');
  // Reading the scanners' ledgers takes this process a second, in which it would not see what kcat prints.
  await quiet(messages);
  const emitted = new Map<string, number>();
  for (const scanner of scanners) for (const [key, atMs] of await emittedBy(scanner)) emitted.set(key, atMs);
  await messages.until(() => messages.lines.length >= emitted.size, `${emitted.size} messages`, 30_000).catch(() => {});
  const fromMs = [...emitted.values()].reduce((first, atMs) => Math.min(first, atMs)) + warmUpMs;
  const latencies: number[] = [];
  const seen = new Set<string>();
  for (const { text, atMs } of messages.lines) {
    seen.add(text);
    const sentMs = emitted.get(text);
    if (sentMs !== undefined && sentMs >= fromMs) latencies.push(atMs - sentMs);
  }
  const absent = [...emitted].filter(([key]) => !seen.has(key));
  const lastMs = [...emitted.values()].reduce((last, atMs) => Math.max(last, atMs));
  const missing = absent.filter(([, atMs]) => atMs < lastMs - UNPLUGGED_MS);
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    Math.round((latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? Number.NaN) * 10) / 10;
  const result = {
    machine: machine(),
    ratePerSecond: Math.round(latencies.length / seconds),
    emitted: emitted.size,
    messages: messages.lines.length,
    missing: missing.length,
    /** Stood in a pty when its scanner was unplugged, so the gateway never had them. */
    unplugged: absent.length - missing.length,
    absentFromEndMs: absent.map(([, atMs]) => Math.round(lastMs - atMs)).reduce((a, b) => Math.max(a, b), 0),
    duplicates: messages.lines.length - seen.size,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    maxMs: quantile(1),
    series: seriesBetween(before, series),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else
    for (const [name, value] of Object.entries(result))
      process.stdout.write(`${name.padEnd(16)} ${typeof value === 'object' ? JSON.stringify(value) : value}\n`);
  process.exitCode = result.missing === 0 && result.duplicates === 0 ? 0 : 1;
} finally {
  await stack.stop();
}

async function startScanner(name: string): Promise<Process> {
  const rate = String(Number(values.rate) / names.length);
  const at = ['--path', join(stack.folder, name), '--seed', name];
  const scanner = stack.keep(milepost('sim', 'run', 'serial-barcode', ...at, '--rate', rate, '--json'));
  await scanner.line(/"started"/);
  return scanner;
}

async function startGateway({ broker, thermometer }: { broker: string; thermometer: number }): Promise<void> {
  const file = join(stack.folder, 'edge.yaml');
  const devices = names.map((name) => {
    const options = `{ path: ${join(stack.folder, name)}, baudRate: 921600 }`;
    return `  - { id: ${name}, driver: serial-barcode, readPoint: door, options: ${options} }\n`;
  });
  await writeFile(
    file,
    `gateway: { id: bench-1, facility: DC-1, stateDir: ${join(stack.folder, 'state')} }
hub: { url: ${broker} }
readPoints: [{ id: door, businessStep: receiving }]
devices:
${devices.join('')}  - id: thermometer
    driver: modbus-tcp
    options: { host: 127.0.0.1, port: ${thermometer}, intervalMs: 100, units: [{ unitId: 1, map: xy-md02 }] }
`,
  );
  stack.keep(milepost('edge', 'run', '--config', file));
}

/** Nothing has come for a while. */
async function quiet({ lines }: Process): Promise<void> {
  for (let before = -1; lines.length !== before; await wait(QUIET_MS)) before = lines.length;
}

/** What a scanner has sent, once it is unplugged. */
async function emittedBy(scanner: Process): Promise<[key: string, atMs: number][]> {
  await scanner.line(/"line":"unplug/);
  return scanner.lines.flatMap(({ text }): [string, number][] => {
    const entry = JSON.parse(text) as { event: string; sscc?: string; atMs: number; damage?: string };
    if (entry.event !== 'observed' || entry.damage !== undefined || entry.sscc === undefined) return [];
    return [[`sscc:${entry.sscc}`, entry.atMs]];
  });
}

/** How many batches had their points in the time series within so many seconds: `le` and count of the hub's histogram. */
async function seriesCounts(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const buckets = text.matchAll(
    /record_latency_seconds_bucket\{(?=[^}]*stage="series")[^}]*le="([^"]+)"[^}]*\} (\d+)/g,
  );
  return new Map([...buckets].map(([, le = '', count]) => [le, Number(count)]));
}

function seriesBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) {
  const counts = [...after].map(([le, count]) => ({ le, count: count - (before.get(le) ?? 0) }));
  const total = counts.at(-1)?.count ?? 0;
  const within = (q: number) => counts.find(({ count }) => count >= q * total)?.le;
  return { batches: total, p50WithinSeconds: within(0.5), p95WithinSeconds: within(0.95) };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
