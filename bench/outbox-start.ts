/**
 * How soon a gateway is there again: with a million records waiting, and with damaged outboxes, on a real disk.
 *
 *   npm run bench -- outbox-start [--records 1000000] [--images 200] [--json]
 *
 * The backlog is drained by a process of its own (its memory is what counts) through the real uplink, to a hub that answers each batch after 5 ms.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { systemClock } from '../cli/system-clock.ts';
import { nodeDisk } from '../edge/outbox/node-disk.ts';
import { Outbox } from '../edge/outbox/outbox.ts';
import type { Link } from '../edge/uplink/link.ts';
import { Uplink } from '../edge/uplink/uplink.ts';
import type { Clock } from '../protocols/base/clock.ts';
import { silentLog } from '../protocols/base/log.ts';
import { seededRandom } from '../protocols/base/seeded-random.ts';
import { encodeAcknowledgement, readBatchHeader } from '../protocols/uplink/batch.ts';
import type { Payload } from '../protocols/uplink/model.ts';
import { encodePayload } from '../protocols/uplink/payload-codec.ts';
import { topics } from '../protocols/uplink/topics.ts';

const ACKNOWLEDGE_MS = 5;
const at = { monotonicUs: 1, wallMs: 1_767_225_600_000, state: 'ntp', uncertaintyMs: 10 } as const;

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    images: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    /** Internal: drains the outbox in this folder. */
    drain: { type: 'string' },
  },
});

async function main(): Promise<void> {
  if (values.drain !== undefined) {
    process.stdout.write(`${JSON.stringify(await drain(values.drain))}\n`);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'milepost-bench-'));
  try {
    const records = Number(values.records);
    await fill(join(folder, 'backlog'), records);
    const self = fileURLToPath(import.meta.url);
    const args = [...process.execArgv, self, '--drain', join(folder, 'backlog')];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const images = await openDamaged(folder, Number(values.images));
    const result = { records, ...(JSON.parse(stdout) as Drained), ...images };
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else for (const [name, value] of Object.entries(result)) process.stdout.write(`${name.padEnd(24)} ${value}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function openOutbox(folder: string, clock: Clock): Promise<Outbox> {
  return Outbox.open({
    disk: nodeDisk,
    folder,
    clock,
    log: silentLog,
    bootId: 1,
    newEpoch: () => '00000000000000aa',
    hostRun: 'bench',
    commitDelayMs: 1,
    maxQueuedRecords: 200_000,
  });
}

async function fill(folder: string, count: number): Promise<void> {
  const outbox = await openOutbox(folder, systemClock());
  for (let from = 0; from < count; from += 50_000) {
    const group = Array.from({ length: Math.min(50_000, count - from) }, (_, n) =>
      outbox.append('telemetry', encodePayload(temperature(from + n)), at),
    );
    await Promise.all(group);
  }
  await outbox.close();
}

function temperature(n: number): Payload {
  return {
    kind: 'temperature',
    deviceId: `cold-room-${n % 8}`,
    place: { readPoint: 'cold-room' },
    temperatureCelsius: 4 + (n % 40) / 10,
  };
}

interface Drained {
  /** From opening to where drivers are started. */
  openMs: number;
  firstBatchMs: number;
  drainedMs: number;
  recordsPerSecond: number;
  maxRssMegabytes: number;
  /** Of alarms that were raised while the backlog drained, from the append to the hub. */
  alarms: number;
  alarmMaxMs: number;
}

async function drain(folder: string): Promise<Drained> {
  const clock = systemClock();
  const nowMs = () => clock.monotonicUs() / 1000;
  const startMs = nowMs();
  const outbox = await openOutbox(folder, clock);
  const openMs = nowMs() - startMs;
  const link = new AnsweringLink(clock);
  new Uplink({ gatewayId: 'gw', outbox, link, clock, log: silentLog, random: Math.random });
  const pending = outbox.ledger().telemetry.pending;
  const tookMs: number[] = [];
  let maxRss = 0;
  while (outbox.ledger().telemetry.pending > 0) {
    maxRss = Math.max(maxRss, process.memoryUsage.rss());
    const sentMs = nowMs();
    const arrived = link.nextAlert();
    await outbox.append('alert', Buffer.from('alarm'), at);
    tookMs.push((await arrived) - sentMs);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const drainedMs = nowMs() - startMs;
  await outbox.close();
  return {
    openMs: Math.round(openMs),
    firstBatchMs: Math.round((link.firstMs ?? Number.NaN) - startMs),
    drainedMs: Math.round(drainedMs),
    recordsPerSecond: Math.round((pending / drainedMs) * 1000),
    maxRssMegabytes: Math.round(maxRss / 1024 / 1024),
    alarms: tookMs.length,
    alarmMaxMs: Math.round(Math.max(...tookMs)),
  };
}

/** A hub that has everything at once. */
class AnsweringLink implements Link {
  readonly connected = true;
  firstMs: number | undefined;
  readonly #clock: Clock;
  #onMessage: (topic: string, payload: Buffer) => void = () => {};
  #onAlert: (ms: number) => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nextAlert(): Promise<number> {
    return new Promise((resolve) => {
      this.#onAlert = resolve;
    });
  }

  async publish(_topic: string, payload: Buffer): Promise<void> {
    const nowMs = this.#clock.monotonicUs() / 1000;
    this.firstMs ??= nowMs;
    const { epoch, lane, firstSequence: first, count } = readBatchHeader(payload);
    if (lane === 'alert') this.#onAlert(nowMs);
    const answer = encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]);
    this.#clock.after(ACKNOWLEDGE_MS, () => this.#onMessage(topics.downAck('gw'), answer));
  }

  onState(): void {}

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#onMessage = listener;
  }

  fault() {
    return undefined;
  }

  async close(): Promise<void> {}
}

/** Opens outboxes of some 30 MB, each with one file damaged at random; the longest opening counts. */
async function openDamaged(folder: string, count: number): Promise<{ images: number; imageOpenMaxMs: number }> {
  const random = seededRandom(20261123);
  const whole = join(folder, 'whole');
  await fill(whole, 300_000);
  const clock = systemClock();
  let imageOpenMaxMs = 0;
  const files = (await readdir(whole, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (let n = 0; n < count; n++) {
    const entry = files[Math.floor(random() * files.length)];
    const path = entry && join(entry.parentPath, entry.name);
    const content = path === undefined ? undefined : await readFile(path);
    if (path === undefined || content === undefined) throw new Error('the outbox has no files');
    await writeFile(path, damaged(content, random));
    const fromUs = clock.monotonicUs();
    const outbox = await openOutbox(whole, clock);
    imageOpenMaxMs = Math.max(imageOpenMaxMs, (clock.monotonicUs() - fromUs) / 1000);
    await outbox.close();
    await writeFile(path, content);
  }
  return { images: count, imageOpenMaxMs: Math.round(imageOpenMaxMs) };
}

function damaged(content: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * content.length);
  const kind = random();
  if (kind < 0.3) return content.subarray(0, at);
  if (kind < 0.5) return Buffer.concat([content, Buffer.alloc(4 * 1024 * 1024)]);
  const changed = Buffer.from(content);
  if (kind < 0.7) return changed.fill(0, at);
  if (kind < 0.8) return changed.fill(0, 0, at);
  for (let flip = 0; flip < 8 && content.length > 0; flip++) {
    const byte = Math.floor(random() * content.length);
    changed[byte] = (changed[byte] as number) ^ (1 << Math.floor(random() * 8));
  }
  return changed;
}

await main();
