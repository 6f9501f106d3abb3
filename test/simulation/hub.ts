/** A hub process: the production Ingest and Processors over the simulated broker, log and time series. Keeps nothing between its lives. */

import type { Broker } from '../../hub/broker/broker.ts';
import { Ingest } from '../../hub/ingest/ingest.ts';
import { LedgerAudit } from '../../hub/process/ledger-audit.ts';
import { Processor } from '../../hub/process/processor.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { decodeAcknowledgement, encodeAcknowledgement } from '../../protocols/uplink/batch.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { parseUpTopic } from '../../protocols/uplink/topics.ts';
import { BootClock } from './clock.ts';
import { MqttSession, type Wire } from './mqtt-session.ts';
import type { Mutation } from './mutations.ts';
import type { Oracle } from './oracle.ts';
import type { SimBroker } from './sim-broker.ts';
import type { SimLog } from './sim-log.ts';
import type { SimSeries } from './sim-series.ts';
import { SimProcess, type World } from './world.ts';

export interface HubOptions {
  world: World;
  name: string;
  broker: SimBroker;
  log: SimLog;
  series: SimSeries;
  oracle: Oracle;
  mutation: Mutation | undefined;
}

/** The groups as hub/main.ts has them. */
const GROUPS = [
  { group: 'milepost-process', lanes: ['alert', 'tracking'] },
  { group: 'milepost-timeseries', lanes: ['telemetry'] },
] as const;

/** Shorter than in production, so that the hub's own comparison of the ledgers has its say within a simulation. */
const AUDIT_GRACE_MS = 10_000;

export class Hub {
  readonly name: string;
  readonly wire: Wire = { cut: false };
  processors: readonly Processor[] = [];
  readonly #options: HubOptions;
  #process: SimProcess | undefined;
  #boots = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.name = options.name;
  }

  get isUp(): boolean {
    return this.#process !== undefined && !this.#process.paused;
  }

  boot(): void {
    if (this.#process) return;
    const process = new SimProcess(`${this.name}.${++this.#boots}`);
    this.#process = process;
    const { world, log, series, oracle } = this.#options;
    const clock = new BootClock(world, process, { offsetMs: 0, state: 'ntp' });
    const broker = this.#broker(process);
    const eventLog = log.mount(process);
    const audit = new LedgerAudit({ graceMs: AUDIT_GRACE_MS });
    const onStatus = (status: GatewayStatus) => {
      oracle.heardStatus(status);
      audit.heard(status, clock.monotonicUs() / 1000);
    };
    const ingest = new Ingest({ eventLog, broker, clock, log: silentLog, onStatus });
    const timeSeries = series.mount(process);
    this.processors = GROUPS.map(
      ({ group, lanes }) => new Processor({ group, lanes, eventLog, timeSeries, audit, clock, log: silentLog }),
    );
    const starting = [
      broker.start((topic, payload) => ingest.handle(topic, payload)),
      ...this.processors.map((processor) => processor.start()),
    ];
    Promise.all(starting).catch((error) => oracle.fault(`${process.name} does not start: ${error}`));
  }

  kill(downMs: number): void {
    const process = this.#process;
    if (!process) return;
    const { world, log } = this.#options;
    world.note(`${process.name} killed, down ${Math.round(downMs)} ms`);
    process.kill();
    this.#process = undefined;
    this.processors = [];
    log.watch(process);
    world.after(downMs, undefined, () => this.boot());
  }

  /** SIGSTOP, a machine that swaps, a long pause of the collector: it does not know that time passes. */
  pause(forMs: number): void {
    const process = this.#process;
    if (!process || process.paused) return;
    const { world, log } = this.#options;
    world.note(`${process.name} stands still for ${Math.round(forMs)} ms`);
    process.paused = true;
    log.watch(process);
    world.after(forMs, undefined, () => {
      if (!process.alive) return;
      world.note(`${process.name} goes on`);
      world.resume(process);
    });
  }

  #broker(process: SimProcess): Broker {
    const { world, broker, oracle, mutation } = this.#options;
    let session: MqttSession | undefined;
    return {
      start: async (handler) => {
        session = new MqttSession({
          world,
          process,
          broker,
          wire: this.wire,
          random: world.random(`${process.name} session`),
          client: {
            name: this.name,
            takesUplink: true,
            wants: (topic) => parseUpTopic(topic) !== undefined,
            persistent: true,
          },
          onMessage: (topic, payload) => {
            handler(topic, payload).catch((error) => oracle.fault(`${process.name} does not take ${topic}: ${error}`));
          },
          onState: () => {},
        });
      },
      publish: async (topic, payload, options) => {
        if (!session?.connected) throw new Error('not connected');
        const message = mutation === 'acknowledge-too-much' ? exaggerated(payload) : payload;
        await session.publish(topic, message, options?.retain);
      },
      healthy: () => ({ ok: session?.connected === true, detail: '' }),
      queue: () => ({ bytes: 0, waiting: 0 }),
      url: undefined,
      close: async () => session?.close(),
    };
  }
}

function exaggerated(acknowledgement: Buffer): Buffer {
  return encodeAcknowledgement(
    decodeAcknowledgement(acknowledgement).map((range) => ({ ...range, last: range.last + 2 })),
  );
}
