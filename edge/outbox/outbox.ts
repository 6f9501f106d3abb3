import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';
import { type Desk, type Desks, newDesks } from './desk.ts';
import { type Disk, errorCode } from './disk.ts';
import { FaultBook, type LaneFault, type OutboxFault } from './fault-book.ts';
import type { Group, Settle } from './group.ts';
import type { LaneLog } from './lane-log.ts';
import { LaneOpener } from './lane-opener.ts';
import type { ReadLimits, StoredRecords } from './lane-reader.ts';
import type { LaneState } from './lane-state.ts';
import { modeOf, OutboxError, type OutboxMode } from './outbox-error.ts';
import { type OutboxOptions, type OutboxSettings, settingsOf } from './outbox-options.ts';
import { NoRoom, Room } from './room.ts';
import { Statements } from './statements.ts';
import { WaitingRecords } from './waiting-records.ts';

export interface OutboxProgress {
  /** Monotonic time of the last commit; undefined before the first. */
  lastCommitUs: number | undefined;
  /** Since when the oldest append has waited for the disk; undefined when none does. A refusal is an answer, not a stall. */
  commitStalledSinceUs: number | undefined;
}

const STATE_SAVE_MS = 500;
const PROBE_MS = 1_000;
/** Space that has to be free before a full disk counts as one that is not. */
const HEADROOM_BYTES = 64 * 1024;
/** The reserve is written when the start is over, and looked after this often. */
const RESERVE_FIRST_MS = 1_000;
const RESERVE_EVERY_MS = 30_000;
/** A disk that does not answer keeps nothing else from starting. */
const OPEN_PATIENCE_MS = 1_500;
const NO_EPOCH = '0000000000000000';

export class Outbox {
  readonly #options: OutboxSettings;
  readonly #desks: Desks = newDesks();
  readonly #listeners = new Set<(lane: Lane) => void>();
  readonly #faults: FaultBook;
  readonly #opener: LaneOpener;
  readonly #room: Room;
  readonly #statements: Statements;
  readonly #waiting: WaitingRecords;
  readonly #timers = new Map<string, () => void>();
  #attaching: Promise<void> | undefined;
  #lastCommitUs: number | undefined;
  #closed = false;

  private constructor(options: OutboxSettings) {
    this.#options = options;
    this.#faults = new FaultBook({ clock: options.clock, log: options.log });
    this.#opener = new LaneOpener(options);
    this.#room = new Room({ desks: this.#desks, ...options });
    this.#waiting = new WaitingRecords({
      bootId: options.bootId,
      maxRecords: options.maxQueuedRecords,
      maxBytes: options.maxQueuedBytes,
      nowUs: () => options.clock.monotonicUs(),
    });
    this.#statements = new Statements({
      desks: this.#desks,
      log: options.log,
      append: (payload) =>
        new Promise((resolve, reject) => {
          this.#enqueue(this.#desks.alert, payload, this.#now(), settlerOf(resolve, reject));
        }),
      onTold: () => this.#scheduleSave(),
      onRefused: () => this.#schedule('tell', PROBE_MS, () => this.#tellLosses()),
    });
  }

  /** Resolves with an outbox whatever is found, and soon: one whose disk does not answer has a fault until it does. */
  static async open(given: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(settingsOf(given));
    await outbox.#openInTime();
    outbox.#schedule('reserve', RESERVE_FIRST_MS, () => outbox.#keepReserve());
    return outbox;
  }

  /** 16 hexadecimal digits; zeros while the disk has not told. */
  get epoch(): string {
    return this.#opener.epoch ?? NO_EPOCH;
  }

  get bootId(): number {
    return this.#options.bootId;
  }

  /** The worst of the lanes' faults, or `ok`. */
  get mode(): { mode: OutboxMode; detail: string } {
    return this.#faults.mode;
  }

  /** The fault that is, or was last, and how many there were. */
  get faults(): { last: OutboxFault | undefined; count: number } {
    return { last: this.#faults.last, count: this.#faults.count };
  }

  /** Bytes that lie ready for alerts on a full disk. */
  get reserveBytes(): number {
    const log = this.#desks.alert.log;
    return log ? (log.reserveLeft ?? log.reserve.bytes) : 0;
  }

  get progress(): OutboxProgress {
    const waiting = LANES.flatMap((lane) => {
      const { committing, groups } = this.#desks[lane];
      return [committing, groups[0]?.sinceUs].filter((sinceUs) => sinceUs !== undefined);
    });
    return {
      lastCommitUs: this.#lastCommitUs,
      commitStalledSinceUs: waiting.length === 0 ? undefined : Math.min(...waiting),
    };
  }

  ledger(): Record<Lane, LaneLedger> {
    return this.#perLane((desk) => this.#stateOf(desk).ledger());
  }

  /** Sequences that were skipped, and stated to the hub, because nobody could know whether they had been given out. */
  unused(): Record<Lane, number> {
    return this.#perLane((desk) => this.#stateOf(desk).unused);
  }

  /** Bytes of segments per lane. */
  bytes(): Record<Lane, number> {
    return this.#perLane((desk) => desk.log?.bytes ?? 0);
  }

  /** Records accepted into memory whose group is not yet on disk. */
  queued(): number {
    return this.#waiting.records;
  }

  /**
   * Resolves with the record's sequence when it is on disk.
   * @param at When the reading was observed: monotonic time of this boot and what the wall clock said then.
   * @throws OutboxError (rejection): the record was not accepted; `disk-full`, `read-only` and `io-error` pass. Whatever was appended to
   *   the lane after it is refused with it, so that order is kept.
   */
  append(lane: Lane, payload: Uint8Array, at: Omit<RecordTime, 'bootId'>): Promise<number> {
    return new Promise((resolve, reject) => this.put(lane, payload, at, settlerOf(resolve, reject)));
  }

  /** As `append`, with the outcome as a call; the payload may be used again when this returns. `settle` must not throw. */
  put(lane: Lane, payload: Uint8Array, at: Omit<RecordTime, 'bootId'>, settle: Settle): void {
    const refusal = this.#closed ? closedError() : this.#waiting.refusalOf(payload.length);
    if (refusal) settle({ error: refusal, payload: Buffer.from(payload), time: at });
    else this.#enqueue(this.#desks[lane], payload, at, settle);
  }

  /** Called after records of a lane became durable, and when a lane came back. Returns the unsubscribe function. */
  onAppended(listener: (lane: Lane) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first sequence that the hub has not acknowledged and that was not given up. */
  firstPending(lane: Lane): number {
    return this.#desks[lane].log?.firstPending ?? 1;
  }

  lastSequence(lane: Lane): number {
    return this.#desks[lane].log?.lastSequence ?? 0;
  }

  /** Whether this record was evicted or quarantined; it may be at the hub all the same, if it was sent before. */
  isGivenUp(lane: Lane, sequence: number): boolean {
    const state = this.#desks[lane].log?.state;
    return state !== undefined && sequence <= state.last && state.outcomeOf(sequence) === undefined;
  }

  /** Stored records from `from` on, as they stand on disk; undefined when there is none. Rejects while the disk refuses. */
  read(lane: Lane, from: number, limits: ReadLimits): Promise<StoredRecords | undefined> {
    const desk = this.#desks[lane];
    return desk.turns.run(async () => {
      if (!desk.log) throw this.#notOpen(desk);
      try {
        const found = await desk.log.read(from, limits);
        this.#faults.clear(lane, 'read');
        return found;
      } catch (error) {
        this.#refused(desk, 'read', error);
        throw error;
      } finally {
        this.#tellLosses();
      }
    });
  }

  /** The newest records of a lane, oldest first, whatever became of them: what this gateway last knew. */
  newest(lane: Lane, count: number): Promise<Buffer> {
    const desk = this.#desks[lane];
    return desk.turns.run(async () => (await desk.log?.newest(count)) ?? Buffer.alloc(0));
  }

  /** Records from this sequence on are kept on disk, though the hub has them, until this is called again; a full outbox evicts them all the same. */
  retain(lane: Lane, from: number): void {
    this.#desks[lane].log?.retain(from);
  }

  /** The hub says that these records are durable there. Another epoch's acknowledgement is ignored. */
  acknowledge(range: { epoch: string; lane: Lane; first: number; last: number }): void {
    if (range.epoch !== this.epoch || this.#closed) return;
    this.#desks[range.lane].log?.acknowledge(range.first, range.last);
    this.#scheduleSave();
  }

  /**
   * Counts again from what is stored, a part at a time, and reads on through it: what does not hold, a sentence each. Cheap enough for every few
   * seconds. Damage that it meets is quarantined and stated; that is no violation.
   */
  async verify(): Promise<string[]> {
    const found: string[] = [];
    for (const lane of LANES) {
      const desk = this.#desks[lane];
      await desk.turns.run(async () => {
        try {
          found.push(...((await desk.log?.check()) ?? []));
        } catch (error) {
          // A disk that refuses is a mode, not a violation.
          if (errorCode(error) === undefined) throw error;
        }
      });
    }
    this.#tellLosses();
    return found;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    for (const lane of LANES) await this.#commit(this.#desks[lane]);
    this.#closed = true;
    for (const lane of LANES) {
      this.#desks[lane].cancelCommit?.();
      this.#waiting.refuse(this.#desks[lane], closedError());
    }
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const lane of LANES) {
      const { turns, log } = this.#desks[lane];
      await turns
        .run(async () => log?.close())
        // What was promised is on disk; the rest is found out again at the next start.
        .catch((error: unknown) => this.#options.log.warn({ err: error, lane }, 'the lane was not closed in order'));
    }
    await this.#opener.close();
  }

  #enqueue(desk: Desk, payload: Uint8Array, time: Omit<RecordTime, 'bootId'>, settle: Settle): void {
    const { clock, commitDelayMs } = this.#options;
    this.#waiting.add(desk, { payload, time }, settle);
    if (desk.cancelCommit || desk.committing !== undefined) return;
    desk.cancelCommit = clock.after(commitDelayMs, () => {
      desk.cancelCommit = undefined;
      void this.#commit(desk);
    });
  }

  /** Commits until nothing waits. Never rejects: each append carries its own outcome. */
  async #commit(desk: Desk): Promise<void> {
    desk.cancelCommit?.();
    desk.cancelCommit = undefined;
    if (desk.committing !== undefined) return;
    for (let group = this.#waiting.take(desk); group; group = this.#waiting.take(desk)) {
      const one = group;
      desk.committing = one.sinceUs;
      await desk.turns.run(() => this.#commitGroup(desk, one), { urgent: true });
      if (one.isReusable) desk.spare = one;
    }
    desk.committing = undefined;
  }

  async #commitGroup(desk: Desk, group: Group): Promise<void> {
    let first: number;
    try {
      first = await this.#appendGroup(desk, group);
    } catch (error) {
      const fault = this.#refused(desk, error instanceof NoRoom ? 'room' : 'write', error);
      group.refuse(fault);
      // What came after must not overtake it.
      this.#waiting.refuse(desk, fault);
      this.#tellLosses();
      return;
    }
    this.#lastCommitUs = this.#options.clock.monotonicUs();
    if (!this.#noteReserve(desk)) this.#faults.clear(desk.lane, 'write');
    this.#faults.clear(desk.lane, 'room');
    group.accept(first);
    for (const listener of this.#listeners) listener(desk.lane);
    this.#tellLosses();
  }

  /** While alerts go to the reserve the disk is full, though it takes them. */
  #noteReserve({ lane, log }: Desk): boolean {
    const left = log?.reserveLeft;
    if (left === undefined) return false;
    const detail = `records go to the reserve, ${left} bytes are left of it`;
    this.#faults.set(lane, { mode: 'disk-full', detail, from: 'write' });
    this.#scheduleProbe();
    return true;
  }

  async #appendGroup(desk: Desk, group: Group): Promise<number> {
    const { log } = desk;
    if (!log) throw this.#notOpen(desk);
    if (!(await this.#room.makeFor(desk, group.bytes))) throw new NoRoom(this.#options.maxBytes, desk.lane);
    try {
      return await log.append(group);
    } catch (error) {
      // On a full disk an alert takes the room of telemetry when its reserve is used up.
      if (desk.lane !== 'alert' || modeOf(error) !== 'disk-full') throw error;
      if (!(await this.#room.evictOne(desk, ['telemetry']))) throw error;
      return log.append(group);
    }
  }

  /** What was given up becomes a durable statement to the hub: now, or when the disk takes it. */
  #tellLosses(): void {
    if (this.#closed) return;
    if (LANES.some((lane) => this.#desks[lane].log?.dirty)) this.#scheduleSave();
    this.#statements.tell();
  }

  #scheduleSave(): void {
    this.#schedule('save', STATE_SAVE_MS, () => this.#save());
  }

  async #save(): Promise<void> {
    this.#statements.settle();
    for (const lane of LANES) {
      const desk = this.#desks[lane];
      await desk.turns.run(async () => {
        if (!desk.log?.dirty || this.#closed) return;
        try {
          await desk.log.free();
          this.#faults.clear(lane, 'save');
        } catch (error) {
          this.#refused(desk, 'save', error);
        }
      });
    }
  }

  #refused(desk: Desk, from: LaneFault['from'], cause: unknown): OutboxError {
    const code = modeOf(cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#faults.set(desk.lane, { mode: code, detail: reason, from, cause });
    this.#scheduleProbe();
    const message = `the lane ${desk.lane} of the outbox in ${this.#options.folder} refuses: ${reason}`;
    return new OutboxError({ code, message, cause });
  }

  #scheduleProbe(): void {
    this.#schedule('probe', PROBE_MS, () => this.#probe());
  }

  /** Tries what was refused. A full disk has to have some space first, or every second one group would be let in and the next refused. */
  async #probe(): Promise<void> {
    if (LANES.some((lane) => this.#desks[lane].log === undefined)) await this.#attach().catch(() => {});
    for (const lane of LANES) {
      const desk = this.#desks[lane];
      for (const fault of this.#faults.of(lane)) {
        await desk.turns.run(async () => {
          try {
            if (desk.log && (await this.#isOver(fault, desk.log))) this.#faults.clear(lane, fault.from);
          } catch (error) {
            this.#refused(desk, fault.from, error);
          }
        });
      }
    }
    if (this.#faults.mode.mode !== 'ok') this.#scheduleProbe();
    else for (const lane of LANES) for (const listener of this.#listeners) listener(lane);
    this.#tellLosses();
  }

  /** Tries what was refused; rejects when it is refused again. */
  async #isOver(fault: LaneFault & { lane: Lane }, log: LaneLog): Promise<boolean> {
    const { disk, folder, segmentBytes } = this.#options;
    if (fault.from === 'room') return this.#room.bytesFor(fault.lane) >= segmentBytes;
    if (fault.from === 'read') await log.read(log.firstPending, { records: 1, bytes: 1 });
    else {
      // Freeing what is acknowledged is what may bring space.
      if (log.dirty) await log.free();
      const isFull = fault.mode === 'disk-full' && (await freeBytes(disk, folder)) < HEADROOM_BYTES;
      if (isFull) return false;
      if (log.reserveLeft !== undefined) await log.restoreReserve();
      await log.probe();
    }
    return true;
  }

  async #keepReserve(): Promise<void> {
    const { disk, folder, diskReserveBytes, log } = this.#options;
    const reserve = this.#desks.alert.log?.reserve;
    if (reserve && this.#faults.mode.mode === 'ok' && reserve.bytes < reserve.wantedBytes) {
      try {
        const free = await disk.freeBytes(folder);
        if (free >= 4 * diskReserveBytes) await reserve.ensure();
        else log.warn({ free, diskReserveBytes }, 'too little space is left for the reserve of the alert lane');
      } catch (error) {
        log.warn({ err: error }, 'the reserve of the alert lane cannot be written');
      }
    }
    this.#schedule('reserve', RESERVE_EVERY_MS, () => this.#keepReserve());
  }

  async #openInTime(): Promise<void> {
    const { clock, log } = this.#options;
    let waited: (() => void) | undefined;
    const patience = new Promise<void>((resolve) => {
      waited = clock.after(OPEN_PATIENCE_MS, () => {
        log.error({}, 'the disk does not answer: the outbox is opened when it does');
        resolve();
      });
    });
    const attached = this.#attach().catch((error: unknown) => {
      for (const lane of LANES) this.#refused(this.#desks[lane], 'open', error);
    });
    await Promise.race([attached, patience]);
    waited?.();
    for (const lane of LANES) {
      const desk = this.#desks[lane];
      if (!desk.log && this.#faults.of(lane).length === 0)
        this.#refused(desk, 'open', new Error('the disk does not answer'));
    }
  }

  /** Opens the lanes that are not open yet. */
  #attach(): Promise<void> {
    this.#attaching ??= this.#openLanes().finally(() => {
      this.#attaching = undefined;
    });
    return this.#attaching;
  }

  async #openLanes(): Promise<void> {
    const missing = LANES.filter((lane) => this.#desks[lane].log === undefined);
    await this.#opener.open(missing, (lane, opened) => {
      const desk = this.#desks[lane];
      if ('fault' in opened) this.#refused(desk, 'open', opened.fault);
      else {
        desk.log = opened;
        this.#faults.clear(lane, 'open');
        this.#noteReserve(desk);
        if (opened.openingFault !== undefined) this.#refused(desk, 'write', opened.openingFault);
      }
    });
    this.#tellLosses();
    for (const lane of missing) for (const listener of this.#listeners) listener(lane);
  }

  /** Runs `work` after a while; one of a name at a time. */
  #schedule(name: string, delayMs: number, work: () => void | Promise<void>): void {
    if (this.#timers.has(name) || this.#closed) return;
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(name);
      void work();
    });
    this.#timers.set(name, cancel);
  }

  #now(): Omit<RecordTime, 'bootId'> {
    const { wallMs, state, uncertaintyMs } = this.#options.clock.wall();
    return { monotonicUs: this.#options.clock.monotonicUs(), wallMs, state, uncertaintyMs };
  }

  #stateOf({ lane, log }: Desk): LaneState {
    return log?.state ?? this.#opener.known(lane);
  }

  #notOpen({ lane }: Desk): Error {
    const cause = this.#faults.of(lane)[0]?.cause;
    const message = `the lane ${lane} is not open yet`;
    return Object.assign(new Error(message, { cause }), { code: errorCode(cause) ?? 'EIO' });
  }

  #perLane<T>(value: (desk: Desk) => T): Record<Lane, T> {
    const { alert, tracking, telemetry } = this.#desks;
    return { alert: value(alert), tracking: value(tracking), telemetry: value(telemetry) };
  }
}

function settlerOf(resolve: (sequence: number) => void, reject: (error: OutboxError) => void): Settle {
  return (outcome) => (typeof outcome === 'number' ? resolve(outcome) : reject(outcome.error));
}

function closedError(): OutboxError {
  return new OutboxError({ code: 'outbox-closed', message: 'the outbox is closed' });
}

async function freeBytes(disk: Disk, folder: string): Promise<number> {
  // Where nobody can tell, writing will.
  return disk.freeBytes(folder).catch(() => HEADROOM_BYTES);
}
