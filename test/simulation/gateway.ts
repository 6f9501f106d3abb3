/**
 * A gateway box: the production Outbox and Uplink as its process, on a disk, a wire and a hardware clock that outlive the process. Devices go
 * on reporting while it is down; what nobody takes then was never promised.
 */
import { Outbox } from '../../edge/outbox/outbox.ts';
import type { OutboxError } from '../../edge/outbox/outbox-error.ts';
import type { Link } from '../../edge/uplink/link.ts';
import { Uplink } from '../../edge/uplink/uplink.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { decodeAcknowledgement, encodeAcknowledgement, readBatchHeader } from '../../protocols/uplink/batch.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { parseUpTopic, topics } from '../../protocols/uplink/topics.ts';
import { BootClock, type WallState } from './clock.ts';
import { MqttSession, type Wire } from './mqtt-session.ts';
import type { Mutation } from './mutations.ts';
import type { Oracle } from './oracle.ts';
import type { Plan } from './plan.ts';
import type { SimBroker } from './sim-broker.ts';
import { SimDisk } from './sim-disk.ts';
import { offer } from './workload.ts';
import { SimProcess, type World } from './world.ts';

export interface GatewayOptions {
  world: World;
  id: string;
  plan: Plan;
  broker: SimBroker;
  oracle: Oracle;
  mutation: Mutation | undefined;
}

const RESTART_MS = 500;
const STATUS_MS = 2_500;
/** A disk that works again is used again within this. */
const BACK_WITHIN_MS = 5_000;

export class Gateway {
  readonly id: string;
  readonly disk: SimDisk;
  readonly wire: Wire = { cut: false };
  readonly wall: WallState = { offsetMs: 0, state: 'ntp' };
  outbox: Outbox | undefined;
  readonly #options: GatewayOptions;
  readonly #random: () => number;
  #process: SimProcess | undefined;
  #session: MqttSession | undefined;
  #uplink: Uplink | undefined;
  #clock: BootClock | undefined;
  #boots = 0;
  /** Runs of the machine: a new one after each loss of power. */
  #hostRuns = 1;
  #serial = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.id = options.id;
    this.#random = options.world.random(options.id);
    this.disk = new SimDisk(options.world, options.id, options.mutation);
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  boot(): void {
    if (this.#process) return;
    const process = new SimProcess(this.id);
    this.#process = process;
    this.#boots++;
    this.#start(process).catch((error: Error) => {
      const { world, oracle } = this.#options;
      world.note(`${this.id} does not start: ${error.message}`);
      oracle.didNotStart(this.id, { error, diskFault: this.disk.state.fault });
      this.#forget(process);
      world.after(RESTART_MS, undefined, () => this.boot());
    });
  }

  /** kill -9: what was written stays in the operating system's hands. */
  kill(downMs: number): void {
    this.#die(downMs, 'killed');
  }

  /** The power fails: what was not synced is lost, kept or torn. */
  powerCut(downMs: number): void {
    if (!this.#process) return;
    this.#die(downMs, 'loses power');
    this.#hostRuns++;
    this.disk.powerCut();
  }

  /** Asked to stop: everything in hand is finished. */
  stop(downMs: number): void {
    const process = this.#process;
    const { outbox } = this;
    if (!process || !outbox) return;
    const { world, oracle } = this.#options;
    world.note(`${this.id} stops`);
    const end = async () => {
      this.#uplink?.stop();
      await this.#session?.close();
      await outbox.close();
    };
    end()
      .catch((error: Error) => oracle.didNotStop(this.id, error))
      .finally(() => {
        if (!process.alive) return;
        this.#forget(process);
        oracle.died(this.id);
        world.after(downMs, undefined, () => this.boot());
      });
  }

  /** A device has something to report. */
  report(lane: Lane): void {
    const { outbox } = this;
    const clock = this.#clock;
    if (!outbox || !clock) return;
    const { oracle } = this.#options;
    const offered = offer(++this.#serial, lane, this.#random);
    const at = { monotonicUs: clock.monotonicUs(), ...clock.wall() };
    const process = this.#process;
    oracle.offered(this.id, offered);
    outbox.append(lane, offered.payload, at).then(
      (sequence) => {
        if (process?.alive) oracle.accepted(this.id, offered.serial, { epoch: outbox.epoch, sequence });
      },
      (error: OutboxError) => {
        if (process?.alive)
          oracle.rejected(this.id, offered.serial, { code: error.code, isOwed: this.#owes(outbox, clock) });
      },
    );
  }

  /** Whether the box has no excuse for refusing a record: it is up, its disk answers, and there is room. */
  #owes(outbox: Outbox, clock: BootClock): boolean {
    const { maxBytes = 0 } = this.#options.plan.outbox;
    const used = Object.values(outbox.bytes()).reduce((sum, bytes) => sum + bytes, 0);
    const calmMs = Math.min(this.disk.calmMs, clock.monotonicUs() / 1000);
    return outbox === this.outbox && calmMs > BACK_WITHIN_MS && used < maxBytes / 2;
  }

  /** Damages a file: any while the box is off, a sealed segment while it runs. */
  damage(): void {
    const isSealed = (path: string, at: number, paths: readonly string[]) => {
      const following = paths[at + 1];
      return path.endsWith('.seg') && following?.endsWith('.seg') && folderOf(path) === folderOf(following);
    };
    const { paths } = this.disk;
    const candidates = this.#process ? paths.filter(isSealed) : paths.filter((path) => !path.includes('quarantine'));
    const path = candidates[Math.floor(this.#random() * candidates.length)];
    if (path !== undefined) this.#options.world.note(`${this.id} disk: ${path}: ${this.disk.damage(path)}`);
  }

  async #start(process: SimProcess): Promise<void> {
    const { world, plan, oracle } = this.#options;
    const clock = new BootClock(world, process, this.wall);
    const outbox = await Outbox.open({
      disk: this.disk.mount(process),
      folder: '/outbox',
      clock,
      log: silentLog,
      bootId: Math.floor(this.#random() * 2 ** 32),
      hostRun: `${this.id} ${this.#hostRuns}`,
      newEpoch: () => hex(this.#random) + hex(this.#random),
      ...plan.outbox,
    });
    world.note(
      `${this.id} boot ${this.#boots}: epoch ${outbox.epoch}, last ${LANES.map((lane) => outbox.lastSequence(lane)).join('/')}`,
    );
    this.#clock = clock;
    this.outbox = outbox;
    oracle.started(this.id);
    const link = this.#link(process);
    this.#uplink = new Uplink({
      gatewayId: this.id,
      outbox,
      link,
      clock,
      log: silentLog,
      random: world.random(`${this.id} uplink ${this.#boots}`),
      ...plan.uplink,
    });
    const tell = () => {
      if (link.connected)
        link.publish(topics.upStatus(this.id), this.#status(outbox), { retain: true }).catch(() => {});
      world.after(STATUS_MS, process, tell);
    };
    world.after(this.#random() * STATUS_MS, process, tell);
  }

  #link(process: SimProcess): Link {
    const { world, broker, mutation, oracle } = this.#options;
    const states: ((connected: boolean) => void)[] = [];
    const messages: ((topic: string, payload: Buffer) => void)[] = [];
    const receive = (topic: string, payload: Buffer) => {
      for (const { lane, first, last } of decodeAcknowledgement(payload))
        world.note(`${this.id} learns ${lane} ${first}-${last}`);
      for (const listener of messages) listener(topic, payload);
      oracle.acknowledged(this.id);
    };
    const session = new MqttSession({
      world,
      process,
      broker,
      wire: this.wire,
      random: world.random(`${this.id} session ${this.#boots}`),
      client: {
        name: this.id,
        takesUplink: false,
        wants: (topic) => topic === topics.downAck(this.id),
        persistent: false,
      },
      onMessage: receive,
      onState: (connected) => {
        world.note(`${this.id} ${connected ? 'connected' : 'disconnected'}`);
        for (const listener of states) listener(connected);
      },
      onPuback: (topic, payload) => {
        if (mutation === 'free-on-puback' && parseUpTopic(topic)?.kind === 'lane')
          receive(topics.downAck(this.id), claimed(payload));
      },
    });
    this.#session = session;
    return {
      get connected() {
        return session.connected;
      },
      publish: (topic, payload, options) => {
        if (!session.connected) oracle.publishedWhileDown(this.id, topic);
        if (parseUpTopic(topic)?.kind === 'lane') {
          const { lane, firstSequence, count } = readBatchHeader(payload);
          world.note(`${this.id} sends ${lane} ${firstSequence}+${count}`);
        }
        return session.publish(topic, payload, options?.retain);
      },
      onState: (listener) => void states.push(listener),
      onMessage: (listener) => void messages.push(listener),
      fault: () => undefined,
      close: () => session.close(),
    };
  }

  #status(outbox: Outbox): Buffer {
    const { mode } = outbox.mode;
    const status: GatewayStatus = {
      version: 1,
      gatewayId: this.id,
      online: true,
      bootId: outbox.bootId,
      epoch: outbox.epoch,
      atMs: this.#clock?.wall().wallMs ?? 0,
      outbox: { mode, lanes: outbox.ledger(), unused: outbox.unused() },
    };
    return Buffer.from(JSON.stringify(status));
  }

  #die(downMs: number, how: string): void {
    const process = this.#process;
    if (!process) return;
    const { world, oracle } = this.#options;
    world.note(`${this.id} ${how}, down ${Math.round(downMs)} ms`);
    process.kill();
    this.#forget(process);
    oracle.died(this.id);
    world.after(downMs, undefined, () => this.boot());
  }

  #forget(process: SimProcess): void {
    process.kill();
    this.#process = undefined;
    this.outbox = undefined;
    this.#session = undefined;
    this.#uplink = undefined;
  }
}

function claimed(batch: Buffer): Buffer {
  const { epoch, lane, firstSequence: first, count } = readBatchHeader(batch);
  return encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function hex(random: () => number): string {
  return Math.floor(random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
}
