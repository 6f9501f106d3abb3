/**
 * What the serial UHF RFID modules share: a cable, tags in front of antennas, a queue of frames to the host, and the ledger.
 *
 * Invariants
 *  - Frames go out one after the other, in the order in which the module made them; at most QUEUE_MAX wait, and what comes beyond that while the host
 *    does not read is lost, as in a module's buffer.
 *  - A tag stands in the ledger once per read point, from the moment at which a frame with it went out whole.
 *
 * Commands: `tag epc=… [dwellMs=…] [antenna=…]` · `antenna number=… connected=true|false` · `error code=HEX [count=…]` (what the module reports in
 * place of its next reads) · those of every serial device. `replug` is a power-up: what is not in the module's memory is forgotten.
 */
import { sleep } from '../protocols/base/clock.ts';
import { numberArg } from './faults.ts';
import { flipByte, openSerialPort, type SerialPort } from './serial-port.ts';
import {
  type CommandArgs,
  type Fate,
  type RunningSimulator,
  type Sighting,
  type SimulatorContext,
  SimulatorError,
} from './simulator.ts';
import { antennaOf, sightingOf, tagEntry } from './tag.ts';
import { TagField, type TagInField } from './tag-field.ts';

const ROUND_MS = 100;
const TURNAROUND_MS = 3;
const POLL_MS = 4;
const QUEUE_MAX = 1_000;

export interface Read {
  tag: TagInField;
  epc: Buffer;
  antenna: number;
  rssiDbm: number;
}

/** One module's protocol. */
export interface ModuleFirmware {
  /** Bytes from the host. */
  take(bytes: Buffer): void;
  /** Every ROUND_MS: what a module does that reads by itself. */
  round(): void;
  /** Power came back. */
  powerUp(): void;
}

export interface UhfModuleParts {
  kind: string;
  id: string;
  path: string | undefined;
  antennas: number;
  /** Read point of each antenna, for the ledger. */
  readPoints: ReadonlyMap<number, string>;
  /** Where `checksum` spoils a frame, from its end. */
  checksumAt: number;
  context: SimulatorContext;
}

export class UhfModule implements RunningSimulator {
  readonly kind: string;
  readonly id: string;
  readonly #parts: UhfModuleParts;
  readonly #field: TagField;
  readonly #firmware: ModuleFirmware;
  readonly #unconnected = new Set<number>();
  /** Reads on their way to the host. */
  readonly #sending = new Map<TagInField, number>();
  #queued = 0;
  /** Counts power failures: what waited before one is lost. */
  #epoch = 0;
  #queue: Promise<void> = Promise.resolve();
  #error: { code: number; left: number } | undefined;
  #port: SerialPort | undefined;
  #cancelRound: () => void = () => {};
  #stopped = false;

  constructor(parts: UhfModuleParts, firmware: (module: UhfModule) => ModuleFirmware) {
    this.kind = parts.kind;
    this.id = parts.id;
    this.#parts = parts;
    this.#field = new TagField({
      random: parts.context.random.fork('field'),
      antennas: parts.antennas,
      isWaiting: (tag) => this.#sending.has(tag),
    });
    this.#firmware = firmware(this);
  }

  async open(): Promise<this> {
    const { context, id, path } = this.#parts;
    const onData = (bytes: Buffer) => this.#firmware.take(bytes);
    this.#port = await openSerialPort(context, { id, path, onData, pollMs: POLL_MS });
    this.#nextRound();
    return this;
  }

  get address(): string {
    return this.#serial.address;
  }

  get antennas(): number {
    return this.#parts.antennas;
  }

  /** Somebody is there to hear. */
  get listening(): boolean {
    return this.#serial.listening;
  }

  isConnected(antenna: number): boolean {
    return antenna <= this.#parts.antennas && !this.#unconnected.has(antenna);
  }

  /** What the module is to report in place of reads, once. */
  takeError(): number | undefined {
    const error = this.#error;
    if (!error) return undefined;
    error.left--;
    if (error.left <= 0) this.#error = undefined;
    return error.code;
  }

  /** One inventory round of these antennas. */
  inventory(antennas: readonly number[]): Read[] {
    return antennas
      .filter((antenna) => this.isConnected(antenna))
      .flatMap((antenna) =>
        this.#field.round(antenna).map(({ tag, rssiDbm }) => {
          return { tag, epc: Buffer.from(tag.sighting.epcHex, 'hex'), antenna, rssiDbm };
        }),
      );
  }

  /** A frame to the host, with the reads that it tells of. */
  send(frame: Buffer, reads: readonly Read[] = []): void {
    if (this.#queued >= QUEUE_MAX) return;
    this.#queued++;
    for (const { tag } of reads) this.#sending.set(tag, (this.#sending.get(tag) ?? 0) + 1);
    const epoch = this.#epoch;
    this.#queue = this.#queue
      .then(() => this.#transmit(frame, reads, epoch))
      .catch((error: unknown) => {
        this.#parts.context.log.error({ simulator: this.id, err: error }, 'an RFID module could not send');
      })
      .then(() => {
        this.#queued--;
        for (const { tag } of reads) this.#sent(tag);
      });
  }

  observe(sighting: Sighting): Promise<Fate> {
    if (this.#stopped) return Promise.resolve('lost');
    return this.#field.enter(sighting, this.#nowUs());
  }

  async withdraw(): Promise<void> {
    this.#field.clear();
    await this.#queue;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'unplug') this.#epoch++;
    if (name === 'tag') this.#tag(args);
    else if (name === 'antenna') this.#antenna(args);
    else if (name === 'error') this.#fail(args);
    else await this.#serial.command(name, args);
    if (name === 'replug') this.#firmware.powerUp();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelRound();
    this.#field.clear();
    await this.#serial.close();
    await this.#queue;
  }

  get #serial(): SerialPort {
    if (this.#port === undefined) throw new Error('the module was not opened');
    return this.#port;
  }

  #nextRound(): void {
    this.#cancelRound = this.#parts.context.clock.after(ROUND_MS, () => {
      if (this.#stopped) return;
      this.#firmware.round();
      this.#field.leave(this.#nowUs());
      this.#nextRound();
    });
  }

  async #transmit(frame: Buffer, reads: readonly Read[], epoch: number): Promise<void> {
    const { wireClock } = this.#parts.context;
    if (reads.length === 0) await sleep(wireClock, TURNAROUND_MS);
    if (this.#stopped || epoch !== this.#epoch) return;
    const { checksumAt } = this.#parts;
    const { fate, damage } = await this.#serial.send(frame, { corrupt: (bytes) => flipByte(bytes, -checksumAt) });
    if (fate === 'lost') return;
    for (const { tag, antenna } of reads) {
      const readPoint = this.#parts.readPoints.get(antenna) ?? tag.sighting.readPoint;
      const place = readPoint ?? '';
      if (tag.reportedAt.has(place)) continue;
      const entry = tagEntry(this.#parts.context, { simulator: this.id, sighting: tag.sighting, antenna, readPoint });
      if (damage === undefined) tag.reportedAt.add(place);
      this.#parts.context.emit(damage === undefined ? entry : { ...entry, damage });
    }
  }

  #sent(tag: TagInField): void {
    const left = (this.#sending.get(tag) ?? 1) - 1;
    if (left > 0) this.#sending.set(tag, left);
    else this.#sending.delete(tag);
  }

  #tag(args: CommandArgs): void {
    // Its fate stands in the ledger.
    void this.observe(sightingOf(this, args));
  }

  #antenna(args: CommandArgs): void {
    const { antenna, connected } = antennaOf(this, args);
    if (connected) this.#unconnected.delete(antenna);
    else this.#unconnected.add(antenna);
  }

  #fail(args: CommandArgs): void {
    const text = String(args.code ?? '');
    const left = numberArg(args, 'count', 1);
    if (!/^[0-9a-f]{1,4}$/i.test(text) || !(left >= 1)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `error ${this.id}: code is hexadecimal, as the module's manual has it; count 1 or more`,
      });
    }
    this.#error = { code: Number.parseInt(text, 16), left };
  }

  #nowUs(): number {
    return this.#parts.context.clock.monotonicUs();
  }
}

/** From what a scenario says: `{ "1": "dock-7" }`. */
export function readPointMap(readPoints: Readonly<Record<string, string>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(readPoints).map(([antenna, point]) => [Number(antenna), point]));
}
