/** The whole gateway, everything on: scans → window → record → Outbox (synced) → MQTT → acknowledged and freed. As edge/main.ts has it. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../cli/system-clock.ts';
import { identify, identifyTag } from '../../edge/identify.ts';
import { Outbox } from '../../edge/outbox/outbox.ts';
import { Intake } from '../../edge/pipeline/intake.ts';
import { Pipeline } from '../../edge/pipeline/pipeline.ts';
import type { ReadPoint } from '../../edge/pipeline/read-point.ts';
import { RuleRunner } from '../../edge/rules/rule-runner.ts';
import { MqttLink } from '../../edge/uplink/mqtt-link.ts';
import { Uplink } from '../../edge/uplink/uplink.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { EPOCH, ssccOf } from '../workload.ts';
import { CountingDisk, writtenBytes } from './disk.ts';

const GATEWAY = 'bench-gateway';
const READERS = 8;
/** Readings handed over and not yet on disk: what as many busy devices have under way. */
const IN_HAND = 1_000;
/** One in so many is a temperature with a threshold; one in ten scans is a repetition that the window drops. */
const TEMPERATURE_EVERY = 20;
const REPEAT_EVERY = 10;

export interface GatewayFound {
  /** Readings, of which each has its effect acknowledged by the hub. */
  perSecond: number;
  records: number;
  rssBytes: number;
  amplification: number;
  recordsPerSync: number;
  recordsPerBatch: number;
  cpuUsPerReading: number;
}

export interface GatewayRun {
  folder: string;
  /** The hub's broker. */
  url: string;
  readings: number;
}

export async function throughGateway(options: GatewayRun): Promise<GatewayFound> {
  const clock = systemClock();
  const disk = new CountingDisk();
  const outbox = await Outbox.open({
    disk,
    folder: options.folder,
    clock,
    log: silentLog,
    bootId: clock.bootId,
    newEpoch: () => EPOCH,
  });
  const down = topics.downAck(GATEWAY);
  const will = { topic: topics.upStatus(GATEWAY), payload: Buffer.from('{}') };
  const link = new MqttLink({
    url: options.url,
    clientId: GATEWAY,
    keepaliveSeconds: 30,
    subscribe: [down],
    will,
    clock,
    random: Math.random,
    log: silentLog,
  });
  const uplink = new Uplink({ gatewayId: GATEWAY, outbox, link, clock, log: silentLog, random: Math.random });
  const intake = new Intake({ appender: outbox, clock, log: silentLog });
  const readPoint = (id: string): ReadPoint => ({
    id,
    businessStep: 'receiving',
    scanWindowMs: 10_000,
    tagDepartedAfterMs: 5_000,
    tagDepartures: false,
  });
  const rules = new RuleRunner({
    store: (payload, observedUs) => intake.store(payload, observedUs),
    lastSequence: () => outbox.lastSequence('alert'),
    place: () => ({ facilityId: 'DC-CHICAGO-1' }),
    clock,
    log: silentLog,
    newId: randomUUID,
  });
  rules.setRules([
    {
      id: 'warm',
      kind: 'limit',
      target: { device: 'cold-room', quantity: 'temperatureCelsius' },
      high: 90,
      hysteresis: 1,
      dwellMs: 0,
      severity: 'warning',
    },
  ]);
  const pipeline = new Pipeline({
    devices: [
      ...Array.from({ length: READERS }, (_, n) => ({ id: `scanner-${n}`, readPoint: readPoint(`dock-${n}-in`) })),
      { id: 'cold-room', readPoint: readPoint('cold-store') },
    ],
    rules,
    site: { facilityId: 'DC-CHICAGO-1', latitude: 41.8781136, longitude: -87.6297982 },
    intake,
    identify,
    identifyTag,
    clock,
    log: silentLog,
  });

  let index = 0;
  const take = (): Promise<void> => {
    const n = index++;
    const monotonicUs = clock.monotonicUs();
    if (n % TEMPERATURE_EVERY === 0) {
      return pipeline.take('cold-room', { kind: 'temperature', temperatureCelsius: 2 + (n % 97) / 10, monotonicUs });
    }
    const scan = n % REPEAT_EVERY === REPEAT_EVERY - 1 ? n - READERS : n;
    return pipeline.take(`scanner-${scan % READERS}`, {
      kind: 'scan',
      text: `00${ssccOf(scan)}`,
      aim: ']C1',
      monotonicUs,
    });
  };
  /** Readings come as long as there is a free hand. */
  const through = async (count: number): Promise<void> => {
    const end = index + count;
    const hand = async () => {
      while (index < end) await take();
    };
    await Promise.all(Array.from({ length: IN_HAND }, hand));
    while (pending() > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const pending = () => Object.values(outbox.ledger()).reduce((sum, ledger) => sum + ledger.pending, 0);
  const accepted = () => Object.values(outbox.ledger()).reduce((sum, ledger) => sum + ledger.accepted, 0);

  await through(Math.min(options.readings / 4, 50_000));
  const before = {
    atMs: performance.now(),
    cpu: process.cpuUsage(),
    written: writtenBytes(),
    syncs: disk.syncs,
    accepted: accepted(),
    batches: uplink.counters.batchesSent,
    bytes: Object.values(outbox.bytes()).reduce((sum, bytes) => sum + bytes, 0),
  };
  await through(options.readings);
  const seconds = (performance.now() - before.atMs) / 1000;
  const { user, system } = process.cpuUsage(before.cpu);
  const records = accepted() - before.accepted;
  const found = {
    perSecond: options.readings / seconds,
    records,
    // The most that it ever was.
    rssBytes: process.resourceUsage().maxRSS * 1024,
    amplification: (writtenBytes() - before.written) / (records * RECORD_BYTES),
    recordsPerSync: records / (disk.syncs - before.syncs),
    recordsPerBatch: records / (uplink.counters.batchesSent - before.batches),
    cpuUsPerReading: (user + system) / options.readings,
  };
  uplink.stop();
  intake.stop();
  await link.close();
  await outbox.close();
  return found;
}

/** About, for the amplification of the whole: scans and temperatures mixed. */
const RECORD_BYTES = 150;
