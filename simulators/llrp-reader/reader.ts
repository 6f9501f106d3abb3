/**
 * An RFID reader that speaks LLRP 1.0.1 over TCP (port 5084) with tags passing its antennas.
 *
 *  - It speaks first: READER_EVENT_NOTIFICATION with ConnectionAttemptEvent success. It has one client at a time; another one
 *    is told so (status 2) and closed, and the first client learns of the attempt (status 4). LLRP 1.0.1, clause 9.1.
 *  - ROSpecs and configuration outlive connections. While there is no client, tags are not read: this reader keeps no reports
 *    for later, so that the ledger can tell what a host was told.
 *  - An active ROSpec runs an inventory round of all its antennas every ROUND_MS.
 *
 * Commands: `tag epc=… [dwellMs=…] [antenna=…]` · `antenna number=… connected=true|false` · `input number=… level=high|low` · `unplug`, `replug` (network) · faults
 * (noise and torn messages reset the connection) and `clear`.
 */
import type { Socket } from 'node:net';
import { z } from 'zod';
import {
  ANTENNA_EVENT,
  CONNECTION_ATTEMPT,
  EVENT_TYPE,
  encodeMessage,
  findParameter,
  type Message,
  type Parameter,
  type ParameterOf,
  REPORT_TRIGGER,
  ROSPEC_EVENT,
  readerEvent,
} from '../../protocols/llrp/index.ts';
import { Faults, numberArg } from '../faults.ts';
import { unknownCommand } from '../serial-port.ts';
import {
  type CommandArgs,
  type Fate,
  opened,
  type RunningSimulator,
  type Sighting,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { antennaOf, sightingOf, tagEntry } from '../tag.ts';
import { TagField, type TagInField } from '../tag-field.ts';
import { openTcpListener, type TcpListener } from '../tcp-listener.ts';
import { Client } from './client.ts';
import { ReaderConfig } from './config.ts';
import { ReportBuffer, reportOf, type WaitingRead } from './report-buffer.ts';
import { answerTo, READER_VERSION } from './requests.ts';
import { type RoSpec, RoSpecs } from './ro-specs.ts';

const ROUND_MS = 100;
const CHANNELS = 50;

export const readerOptions = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 5084 is LLRP's own; 0 takes any free port. */
  port: z.int().min(0).max(65535).default(0),
  antennas: z.int().min(1).max(32).default(2),
  /** General purpose inputs; all are low at the beginning. */
  inputs: z.int().min(0).max(8).default(2),
  /** Whose extensions it knows. */
  maker: z.enum(['none', 'impinj']).default('none'),
});
export type ReaderOptions = z.infer<typeof readerOptions>;

export const READER_KIND = 'llrp-reader';

/** @param readPoints read point of each antenna, for the ledger. */
export function llrpReader(id: string, options: ReaderOptions, readPoints: ReadonlyMap<number, string>): Simulator {
  return {
    kind: READER_KIND,
    id,
    start: (context) => opened(new Reader({ id, options, context, readPoints })),
  };
}

interface Parts {
  id: string;
  options: ReaderOptions;
  context: SimulatorContext;
  readPoints: ReadonlyMap<number, string>;
}

class Reader implements RunningSimulator {
  readonly kind = READER_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #config: ReaderConfig;
  readonly #roSpecs: RoSpecs;
  readonly #field: TagField;
  readonly #faults: Faults;
  readonly #buffers = new Map<number, ReportBuffer>();
  readonly #unconnected = new Set<number>();
  readonly #high = new Set<number>();
  /** Reports on their way to the client. */
  readonly #reporting = new Map<Promise<void>, readonly WaitingRead[]>();
  #listener: TcpListener | undefined;
  #client: Client | undefined;
  #messageId = 0;
  #cancelRound: () => void = () => {};
  #stopped = false;

  constructor(parts: Parts) {
    const { antennas } = parts.options;
    this.id = parts.id;
    this.#parts = parts;
    this.#config = new ReaderConfig(parts.options);
    this.#faults = new Faults(parts.context.random.fork('faults'));
    this.#roSpecs = new RoSpecs(antennas, {
      started: (roSpec) => this.#roSpecEvent(roSpec, ROSPEC_EVENT.start),
      ended: (roSpec) => this.#ended(roSpec),
      aiSpecEnded: (roSpec) => this.#aiSpecEnded(roSpec),
    });
    this.#field = new TagField({
      random: parts.context.random.fork('field'),
      antennas,
      isWaiting: (tag) => this.#isWaiting(tag),
    });
  }

  async open(): Promise<void> {
    const { host, port } = this.#parts.options;
    this.#listener = await openTcpListener({ host, port, onConnection: (socket) => this.#connected(socket) });
    this.#nextRound();
  }

  get address(): string {
    return this.#network.address;
  }

  observe(sighting: Sighting): Promise<Fate> {
    if (this.#stopped) return Promise.resolve('lost');
    return this.#field.enter(sighting, this.#nowUs());
  }

  async withdraw(): Promise<void> {
    this.#field.clear();
    this.#buffers.clear();
    // Reports that are on their way still count.
    await Promise.all(this.#reporting.keys());
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'unplug') await this.#network.unplug();
    else if (name === 'replug') await this.#network.replug();
    else if (name === 'tag') this.#tag(args);
    else if (name === 'antenna') this.#antenna(args);
    else if (name === 'input') this.#input(args);
    else if (!this.#faults.command(name, args)) throw unknownCommand(this.id, name);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRound();
    this.#field.clear();
    await this.#network.unplug();
  }

  get #network(): TcpListener {
    if (this.#listener === undefined) throw new Error('the reader was not opened');
    return this.#listener;
  }

  #connected(socket: Socket): void {
    if (this.#client) {
      const { clientInitiatedConnectionExists, anotherConnectionAttempted } = CONNECTION_ATTEMPT;
      socket.end(encodeMessage(this.#connectionEvent(clientInitiatedConnectionExists)));
      this.#post(this.#connectionEvent(anotherConnectionAttempted));
      return;
    }
    const client = new Client({
      socket,
      clock: this.#parts.context.clock,
      faults: this.#faults,
      keepalive: () => ({ name: 'KEEPALIVE', version: READER_VERSION, id: this.#nextMessageId() }),
      onFrame: (frame) => this.#take(client, frame),
      onGone: () => this.#gone(client),
    });
    this.#client = client;
    client.holding = this.#config.holdUponReconnect;
    client.setKeepalive(this.#config.keepaliveMs);
    this.#post(this.#connectionEvent(CONNECTION_ATTEMPT.success));
  }

  #gone(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#buffers.clear();
  }

  #take(client: Client, frame: Buffer): void {
    const { reply, effect } = answerTo(frame, {
      build: this.#parts.options,
      config: this.#config,
      roSpecs: this.#roSpecs,
      isConnected: (antenna) => !this.#unconnected.has(antenna),
      isHigh: (input) => this.#high.has(input),
      nowUs: () => this.#nowUs(),
    });
    if (reply) this.#post(reply);
    if (effect === 'report') for (const roSpec of this.#roSpecs.active) this.#report(roSpec);
    if (effect === 'release') client.holding = false;
    if (effect === 'keepalive-acknowledged') client.keepaliveAcknowledged();
    if (effect === 'keepalive-changed') client.setKeepalive(this.#config.keepaliveMs);
    if (effect === 'close') this.#background(client.close());
  }

  #nextRound(): void {
    this.#cancelRound = this.#parts.context.clock.after(ROUND_MS, () => {
      if (this.#stopped) return;
      const nowUs = this.#nowUs();
      this.#roSpecs.advance(nowUs);
      if (this.#client && !this.#client.holding) {
        for (const roSpec of this.#roSpecs.active) this.#round(roSpec, nowUs);
      }
      this.#field.leave(nowUs);
      this.#nextRound();
    });
  }

  #round(roSpec: RoSpec, nowUs: number): void {
    const { context, options } = this.#parts;
    const wanted = roSpec.aiSpecs[roSpec.specIndex]?.antennaIds ?? [];
    const antennas = wanted.includes(0) ? Array.from({ length: options.antennas }, (_, i) => i + 1) : wanted;
    const channelIndex = context.random.integer(1, CHANNELS);
    const utcUs = Math.round(wallMs(context.clock) * 1000);
    const buffer = this.#bufferOf(roSpec);
    const seen: string[] = [];
    for (const antenna of antennas) {
      if (this.#unconnected.has(antenna)) continue;
      for (const { tag, rssiDbm } of this.#field.round(antenna)) {
        const { id: roSpecId, specIndex } = roSpec;
        buffer.add({ tag, antenna, roSpecId, specIndex: specIndex + 1, rssiDbm, channelIndex, utcUs });
        seen.push(tag.sighting.epcHex);
      }
    }
    this.#roSpecs.observed(roSpec, seen, nowUs);
    if (buffer.isDue(this.#reportSpecOf(roSpec))) this.#report(roSpec);
  }

  #aiSpecEnded(roSpec: RoSpec): void {
    if (this.#reportSpecOf(roSpec).trigger === REPORT_TRIGGER.nTagsOrEndOfAiSpec) this.#report(roSpec);
    if (!this.#config.wantsEvent(EVENT_TYPE.aiSpec)) return;
    const { id: roSpecId, specIndex } = roSpec;
    this.#event({ name: 'AISpecEvent', eventType: 0, roSpecId, specIndex: specIndex + 1, parameters: [] });
  }

  #ended(roSpec: RoSpec): void {
    if (this.#reportSpecOf(roSpec).trigger !== REPORT_TRIGGER.none) this.#report(roSpec);
    this.#roSpecEvent(roSpec, ROSPEC_EVENT.end);
  }

  #roSpecEvent(roSpec: RoSpec, eventType: number): void {
    if (!this.#config.wantsEvent(EVENT_TYPE.roSpec)) return;
    this.#event({ name: 'ROSpecEvent', eventType, roSpecId: roSpec.id, preemptingRoSpecId: 0 });
  }

  #report(roSpec: RoSpec): void {
    const reads = this.#bufferOf(roSpec).takeAll();
    const client = this.#client;
    if (!client || reads.length === 0) return;
    const spec = this.#reportSpecOf(roSpec);
    const report: Message = {
      name: 'RO_ACCESS_REPORT',
      version: READER_VERSION,
      id: this.#nextMessageId(),
      parameters: reads.map((read) => reportOf(read, spec)),
    };
    const sending = this.#sendReport(client, report, reads).finally(() => this.#reporting.delete(sending));
    this.#reporting.set(sending, reads);
    this.#background(sending);
  }

  async #sendReport(client: Client, report: Message, reads: readonly WaitingRead[]): Promise<void> {
    const { fate, damage } = await client.send(report);
    if (fate === 'lost') return;
    const damaged = new Set<string>();
    for (const { tag, antenna } of reads) {
      const readPoint = this.#parts.readPoints.get(antenna) ?? tag.sighting.readPoint;
      const place = readPoint ?? '';
      const key = `${tag.sighting.epcHex} ${place}`;
      if (tag.reportedAt.has(place) || damaged.has(key)) continue;
      const entry = tagEntry(this.#parts.context, { simulator: this.id, sighting: tag.sighting, antenna, readPoint });
      if (damage === undefined) tag.reportedAt.add(place);
      else damaged.add(key);
      this.#parts.context.emit(damage === undefined ? entry : { ...entry, damage });
    }
  }

  #tag(args: CommandArgs): void {
    const { antennas } = this.#parts.options;
    this.#background(this.observe(sightingOf({ id: this.id, antennas }, args)));
  }

  #antenna(args: CommandArgs): void {
    const { antennas } = this.#parts.options;
    const { antenna: antennaId, connected } = antennaOf({ id: this.id, antennas }, args);
    if (connected) this.#unconnected.delete(antennaId);
    else this.#unconnected.add(antennaId);
    if (!this.#config.wantsEvent(EVENT_TYPE.antenna)) return;
    const eventType = connected ? ANTENNA_EVENT.connected : ANTENNA_EVENT.disconnected;
    this.#event({ name: 'AntennaEvent', eventType, antennaId });
  }

  #input(args: CommandArgs): void {
    const port = numberArg(args, 'number', 0);
    const level = String(args.level ?? '');
    if (!(port >= 1 && port <= this.#parts.options.inputs) || !['high', 'low'].includes(level)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `input ${this.id}: number is one of its ${this.#parts.options.inputs} inputs, level is high or low`,
      });
    }
    const isHigh = level === 'high';
    if (this.#high.has(port) === isHigh) return;
    if (isHigh) this.#high.add(port);
    else this.#high.delete(port);
    const atMs = wallMs(this.#parts.context.clock);
    this.#parts.context.emit({ simulator: this.id, kind: 'contact', atMs, detail: { port, level } });
    if (!this.#config.wantsEvent(EVENT_TYPE.gpi) || !this.#config.watchesInput(port)) return;
    this.#event({ name: 'GPIEvent', gpiPort: port, gpiEvent: isHigh });
  }

  #event(event: Parameter): void {
    if (this.#client && !this.#client.holding) this.#post(this.#notification(event));
  }

  #connectionEvent(status: number): Message {
    return this.#notification({ name: 'ConnectionAttemptEvent', status });
  }

  #notification(event: Parameter): Message {
    const microseconds = BigInt(Math.round(wallMs(this.#parts.context.clock) * 1000));
    const id = this.#nextMessageId();
    return readerEvent({ version: READER_VERSION, id, at: { name: 'UTCTimestamp', microseconds }, event });
  }

  #post(message: Message): void {
    if (this.#client) this.#background(this.#client.send(message));
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#parts.context.log.error({ simulator: this.id, err: error }, 'the LLRP reader failed');
    });
  }

  #bufferOf(roSpec: RoSpec): ReportBuffer {
    const known = this.#buffers.get(roSpec.id);
    if (known) return known;
    const buffer = new ReportBuffer();
    this.#buffers.set(roSpec.id, buffer);
    return buffer;
  }

  /** Reads of the tag are in a buffer or on their way. */
  #isWaiting(tag: TagInField): boolean {
    for (const buffer of this.#buffers.values()) if (buffer.isWaiting(tag)) return true;
    for (const reads of this.#reporting.values()) if (reads.some((read) => read.tag === tag)) return true;
    return false;
  }

  #reportSpecOf(roSpec: RoSpec): ParameterOf<'ROReportSpec'> {
    return findParameter(roSpec.definition.parameters, 'ROReportSpec') ?? this.#config.report;
  }

  #nextMessageId(): number {
    this.#messageId = (this.#messageId + 1) >>> 0;
    return this.#messageId;
  }

  #nowUs(): number {
    return this.#parts.context.clock.monotonicUs();
  }
}
