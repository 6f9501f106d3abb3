/**
 * Sparkplug B edge nodes as gateways (Eclipse Sparkplug 3.0.0, chapters 5 and 6): births, data and deaths that come through the broker become
 * metrics of the open door under the client `sparkplug:GROUP:NODE`, and what the hub knows of that gateway.
 *
 * A node's births give its aliases and types; kept in memory, since the protocol has a way to ask for them again: a node that is not known, or
 * whose sequence has a hole, is asked to announce itself anew (Node Control/Rebirth), at most every `REBIRTH_MS`. A death counts only for the
 * birth it belongs to (bdSeq). Sparkplug data travels at QoS 0: what the broker loses shows as a hole and is told again by the birth.
 *
 * Several hub processes each see every message. A metric's identity is its device, name, time and value, so it counts once, and so does what
 * a birth repeats.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { DoorMetric } from '../../protocols/door/door-event.ts';
import {
  decodeSparkplug,
  encodeSparkplug,
  type MetricValue,
  metricValue,
  nodeCommandTopic,
  type SparkplugMetric,
  type SparkplugPayload,
  type SparkplugTopic,
  sparkplugGatewayId,
} from '../../protocols/sparkplug/index.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { Broker } from '../broker/broker.ts';
import type { Door } from './door.ts';

export interface SparkplugCounters {
  messages: number;
  metrics: number;
  /** Metrics without a known name or with a value that is no point (data sets, templates, bytes, not a number). */
  skipped: number;
  rebirths: number;
}

interface Definition {
  name: string;
  datatype: number | undefined;
}

/** What a birth said: by alias and by name. */
interface Born {
  byAlias: Map<bigint, Definition>;
  byName: Map<string, Definition>;
  online: boolean;
}

interface Node {
  topic: Pick<SparkplugTopic, 'group' | 'node'>;
  born: Born | undefined;
  devices: Map<string, Born>;
  bdSeq: MetricValue | undefined;
  nextSeq: number | undefined;
  rebirthAskedMs: number;
}

const REBIRTH_MS = 5_000;
/** Of each node. */
const MAX_METRICS = 10_000;
const MAX_NODES = 50_000;
const MAX_DEVICES = 1_000;
const MIN_MS = Date.parse('2000-01-01T00:00:00Z');
const MAX_MS = Date.parse('2200-01-01T00:00:00Z');

export class Sparkplug {
  readonly counters: SparkplugCounters = { messages: 0, metrics: 0, skipped: 0, rebirths: 0 };
  readonly #nodes = new Map<string, Node>();
  readonly #door: Door;
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onStatus: (status: GatewayStatus) => void;

  constructor(options: {
    door: Door;
    broker: Broker;
    clock: Clock;
    log: Log;
    onStatus: (status: GatewayStatus) => void;
  }) {
    this.#door = options.door;
    this.#broker = options.broker;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onStatus = options.onStatus;
  }

  /** Resolves when the event log has its metrics. Rejects when the log is away. */
  async handle(topic: SparkplugTopic, bytes: Buffer): Promise<void> {
    const gatewayId = sparkplugGatewayId(topic);
    this.counters.messages++;
    let payload: SparkplugPayload;
    try {
      payload = decodeSparkplug(bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const { code, message: reason } = error;
      this.#log.warn({ gateway: gatewayId, code, reason }, 'Sparkplug message cannot be read');
      return this.#door.keep(gatewayId, bytes, { code, reason }, 'sparkplug');
    }
    const node = this.#nodeOf(gatewayId, topic);
    if (!node) return;
    const events = this.#apply(node, topic, payload);
    if (events.length > 0) await this.#door.take(gatewayId, events);
    this.counters.metrics += events.length;
  }

  #apply(node: Node, topic: SparkplugTopic, payload: SparkplugPayload): DoorMetric[] {
    const { message } = topic;
    if (message === 'NDEATH') {
      this.#death(node, payload);
      return [];
    }
    if (message === 'NBIRTH') {
      node.bdSeq = bdSeqOf(payload);
      node.born = bornOf(payload);
      node.devices.clear();
      node.nextSeq = undefined;
    } else if (!node.born?.online) this.#askRebirth(node);
    this.#count(node, payload);
    if (topic.device !== undefined) this.#device(node, topic.device, topic, payload);
    if (message !== 'NDATA' && message !== 'DDATA') this.#tell(node);
    if (message === 'DDEATH') return [];
    const born = topic.device === undefined ? node.born : node.devices.get(topic.device);
    return this.#events(topic, payload, { node, born });
  }

  #death(node: Node, payload: SparkplugPayload): void {
    // The will of a connection that a newer one has replaced.
    if (node.born && bdSeqOf(payload) !== node.bdSeq) return;
    node.born = node.born ? { ...node.born, online: false } : undefined;
    for (const device of node.devices.values()) device.online = false;
    node.nextSeq = undefined;
    this.#tell(node);
  }

  #device(node: Node, device: string, { message }: SparkplugTopic, payload: SparkplugPayload): void {
    const known = node.devices.get(device);
    if (message === 'DBIRTH') {
      if (known || node.devices.size < MAX_DEVICES) node.devices.set(device, bornOf(payload));
    } else if (message === 'DDEATH') {
      if (known) known.online = false;
    } else if (!known?.online) this.#askRebirth(node);
  }

  /** Every message of a node and its devices counts up from its birth's 0, modulo 256 (6.4.27). */
  #count(node: Node, { seq }: SparkplugPayload): void {
    if (seq === undefined) return;
    if (node.nextSeq !== undefined && seq !== node.nextSeq) this.#askRebirth(node);
    node.nextSeq = (seq + 1) % 256;
  }

  #events(
    { device, node: name }: SparkplugTopic,
    payload: SparkplugPayload,
    at: { node: Node; born: Born | undefined },
  ): DoorMetric[] {
    const events: DoorMetric[] = [];
    for (const metric of payload.metrics) {
      const definition = definitionOf(metric, at.born);
      if (metric.alias !== undefined && definition === undefined) this.#askRebirth(at.node);
      if (definition && isAboutSparkplug(definition.name)) continue;
      const value = definition && pointValue(metricValue(metric, definition.datatype));
      if (value === undefined || definition === undefined) {
        if (!metric.isNull) this.counters.skipped++;
        continue;
      }
      const atMs = metric.timestamp ?? payload.timestamp;
      const occurred =
        atMs !== undefined && atMs >= MIN_MS && atMs <= MAX_MS ? { occurredAt: new Date(atMs).toISOString() } : {};
      const deviceId = device ?? name;
      events.push({
        kind: 'metric',
        eventId: idOf([deviceId, definition.name, atMs ?? payload.seq, typeof value, value]),
        deviceId,
        name: definition.name,
        value,
        ...occurred,
      });
    }
    return events;
  }

  #tell(node: Node): void {
    const devices = [...node.devices].map(([id, { online }]) => ({
      id,
      driver: 'sparkplug',
      state: online ? 'online' : 'offline',
      code: '',
      message: '',
    }));
    this.#onStatus({
      version: 1,
      gatewayId: sparkplugGatewayId(node.topic),
      online: node.born?.online ?? false,
      software: 'Sparkplug B',
      atMs: Math.round(this.#clock.wall().wallMs),
      devices,
    });
  }

  #askRebirth(node: Node): void {
    const nowMs = this.#clock.monotonicUs() / 1000;
    if (nowMs - node.rebirthAskedMs < REBIRTH_MS) return;
    node.rebirthAskedMs = nowMs;
    this.counters.rebirths++;
    const metric: SparkplugMetric = { name: 'Node Control/Rebirth', datatype: 11, booleanValue: true };
    const command = encodeSparkplug({ timestamp: Math.round(this.#clock.wall().wallMs), metrics: [metric] });
    this.#broker.publish(nodeCommandTopic(node.topic), command).catch((error: Error) => {
      this.#log.debug({ err: error, ...node.topic }, 'rebirth not asked; it is asked again');
    });
  }

  #nodeOf(gatewayId: string, { group, node: name }: SparkplugTopic): Node | undefined {
    const known = this.#nodes.get(gatewayId);
    if (known) return known;
    if (this.#nodes.size >= MAX_NODES) {
      this.#log.warn({ gateway: gatewayId, most: MAX_NODES }, 'more Sparkplug nodes than this hub keeps');
      return undefined;
    }
    const node: Node = {
      topic: { group, node: name },
      born: undefined,
      devices: new Map(),
      bdSeq: undefined,
      nextSeq: undefined,
      rebirthAskedMs: Number.NEGATIVE_INFINITY,
    };
    this.#nodes.set(gatewayId, node);
    return node;
  }
}

function bornOf({ metrics }: SparkplugPayload): Born {
  const born: Born = { byAlias: new Map(), byName: new Map(), online: true };
  for (const { name, alias, datatype } of metrics.slice(0, MAX_METRICS)) {
    if (name === undefined) continue;
    born.byName.set(name, { name, datatype });
    if (alias !== undefined) born.byAlias.set(alias, { name, datatype });
  }
  return born;
}

/** Name and type of a metric: its own, or what its birth said of them. */
function definitionOf({ name, alias, datatype }: SparkplugMetric, born: Born | undefined): Definition | undefined {
  const known =
    name !== undefined ? born?.byName.get(name) : alias === undefined ? undefined : born?.byAlias.get(alias);
  if (name === undefined && known === undefined) return undefined;
  return { name: name ?? known?.name ?? '', datatype: datatype ?? known?.datatype };
}

function bdSeqOf({ metrics }: SparkplugPayload): MetricValue | undefined {
  const metric = metrics.find(({ name }) => name === 'bdSeq');
  return metric && metricValue(metric);
}

function isAboutSparkplug(name: string): boolean {
  return name === 'bdSeq' || name.startsWith('Node Control/') || name.startsWith('Device Control/');
}

/** 64-bit numbers beyond 2⁵³ lose digits: a curve has no more. */
function pointValue(value: MetricValue | undefined): number | boolean | string | undefined {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'boolean' || typeof value === 'string' ? value : undefined;
}

function idOf(parts: readonly unknown[]): string {
  return `spb:${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)}`;
}
