/**
 * The Outbox: everything that leaves this gateway stands here first, and stays until the hub has said that it is durable there
 * (design, sections 3 and 4).
 *
 * Folder:
 *   outbox.json            {"format":1,"epoch":"16 hex digits"}: drawn when the outbox was created
 *   <lane>/*.seg           segments (segment.ts)
 *   <lane>/lane.json       the acknowledged cursor and the fate of lost ranges (lane-state.ts)
 *   <lane>/quarantine/     what could not be read
 *
 * `append` resolves after fdatasync. Appends of the same few milliseconds share one (group commit). Bounded: `maxBytes` on disk;
 * beyond it the oldest telemetry goes first, then tracking, alerts last, each eviction stated by a durable record; `maxQueuedRecords`
 * in memory, beyond it append rejects.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { EPOCH, LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { MAX_PAYLOAD_BYTES, type RecordTime, recordBytes } from '../../protocols/uplink/record.ts';
import { type Disk, readWhole, replaceFile } from './disk.ts';
import { LaneLog, type NewRecord } from './lane-log.ts';
import { modeOf, OutboxError, type OutboxMode } from './outbox-error.ts';
import { decodeSegmentHeader, firstSequenceOf } from './segment.ts';

export interface OutboxOptions {
  disk: Disk;
  folder: string;
  clock: Clock;
  log: Log;
  /** Names this boot in every record; random. */
  bootId: number;
  /** 16 hexadecimal digits, used when the outbox is created. */
  newEpoch: () => string;
  /** Bytes on disk, all lanes. Default 1 GiB. */
  maxBytes?: number;
  /** Of `maxBytes`, kept for alerts alone. Default a sixteenth. */
  alertReserveBytes?: number;
  /** Default 4 MiB. */
  segmentBytes?: number;
  /** How long the first append of a group waits for company; 0 to 20. Default 4. */
  commitDelayMs?: number;
  maxQueuedRecords?: number;
}

interface Waiting extends NewRecord {
  resolve: (sequence: number) => void;
  reject: (error: OutboxError) => void;
}

const MAX_GROUP_RECORDS = 4096;
const STATE_SAVE_MS = 500;

export class Outbox {
  readonly epoch: string;
  readonly #options: Required<OutboxOptions>;
  readonly #lanes: Record<Lane, LaneLog>;
  readonly #queues: Record<Lane, Waiting[]> = { alert: [], tracking: [], telemetry: [] };
  readonly #listeners = new Set<(lane: Lane) => void>();
  #mode: OutboxMode = 'ok';
  #modeDetail = '';
  #cancelCommit: (() => void) | undefined;
  #cancelSave: (() => void) | undefined;
  #busy: Promise<void> = Promise.resolve();
  #committing = false;
  #closed = false;

  private constructor(options: Required<OutboxOptions>, epoch: string, lanes: Record<Lane, LaneLog>) {
    this.#options = options;
    this.epoch = epoch;
    this.#lanes = lanes;
  }

  static async open(given: OutboxOptions): Promise<Outbox> {
    const maxBytes = given.maxBytes ?? 1024 * 1024 * 1024;
    const options: Required<OutboxOptions> = {
      maxBytes,
      alertReserveBytes: Math.floor(maxBytes / 16),
      segmentBytes: Math.min(4 * 1024 * 1024, Math.floor(maxBytes / 16)),
      commitDelayMs: 4,
      maxQueuedRecords: 100_000,
      ...given,
    };
    const { disk, folder } = options;
    await disk.makeFolder(folder);
    const epoch = await readEpoch(options);
    const open = (lane: Lane) =>
      LaneLog.open({
        disk,
        folder: `${folder}/${lane}`,
        lane,
        epoch,
        segmentBytes: options.segmentBytes,
        log: options.log,
      });
    const lanes = { alert: await open('alert'), tracking: await open('tracking'), telemetry: await open('telemetry') };
    const outbox = new Outbox(options, epoch, lanes);
    outbox.#stateLosses();
    return outbox;
  }

  get mode(): { mode: OutboxMode; detail: string } {
    return { mode: this.#mode, detail: this.#modeDetail };
  }

  get bootId(): number {
    return this.#options.bootId;
  }

  ledger(): Record<Lane, LaneLedger> {
    return {
      alert: this.#lanes.alert.ledger(),
      tracking: this.#lanes.tracking.ledger(),
      telemetry: this.#lanes.telemetry.ledger(),
    };
  }

  /** Bytes on disk per lane. */
  bytes(): Record<Lane, number> {
    return {
      alert: this.#lanes.alert.bytes,
      tracking: this.#lanes.tracking.bytes,
      telemetry: this.#lanes.telemetry.bytes,
    };
  }

  /** Records accepted into memory whose group is not yet on disk. */
  queued(): number {
    return LANES.reduce((sum, lane) => sum + this.#queues[lane].length, 0);
  }

  /**
   * Resolves with the record's sequence when it is on disk.
   * @param at When the reading was observed: monotonic time of this boot and what the wall clock said then.
   * @throws OutboxError (rejection): nothing of the record is on disk; `disk-full`, `read-only` and `io-error` pass.
   */
  append(lane: Lane, payload: Uint8Array, at: Omit<RecordTime, 'bootId'>): Promise<number> {
    if (this.#closed)
      return Promise.reject(new OutboxError({ code: 'outbox-closed', message: 'the outbox is closed' }));
    if (payload.length < 1 || payload.length > MAX_PAYLOAD_BYTES) {
      const message = `a record of ${payload.length} bytes: 1 to ${MAX_PAYLOAD_BYTES} are allowed`;
      return Promise.reject(new OutboxError({ code: 'record-too-large', message }));
    }
    if (this.queued() >= this.#options.maxQueuedRecords) {
      const message = `${this.queued()} records wait for the disk already: it is too slow`;
      return Promise.reject(new OutboxError({ code: 'outbox-busy', message }));
    }
    return new Promise((resolve, reject) => {
      const time: RecordTime = { ...at, bootId: this.#options.bootId };
      this.#queues[lane].push({ payload, time, resolve, reject });
      this.#scheduleCommit();
    });
  }

  /** Called after records of a lane became durable. Returns the unsubscribe function. */
  onAppended(listener: (lane: Lane) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first sequence that the hub has not acknowledged and that was not given up. */
  firstPending(lane: Lane): number {
    return this.#lanes[lane].firstPending;
  }

  lastSequence(lane: Lane): number {
    return this.#lanes[lane].lastSequence;
  }

  /** Stored records from `from` on, as they stand on disk; undefined when there is none. Takes turns with appending. */
  read(lane: Lane, from: number, limits: { records: number; bytes: number }) {
    return this.#exclusive(async () => {
      const found = await this.#lanes[lane].read(from, limits);
      this.#stateLosses();
      return found;
    });
  }

  /** The hub says that these records are durable there. Another epoch's acknowledgement is ignored. */
  acknowledge(range: { epoch: string; lane: Lane; first: number; last: number }): void {
    if (range.epoch !== this.epoch || this.#closed) return;
    this.#lanes[range.lane].acknowledge(range.first, range.last);
    this.#scheduleSave();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#cancelCommit?.();
    this.#cancelSave?.();
    await this.#commit();
    this.#closed = true;
    await this.#exclusive(async () => {
      for (const lane of LANES) await this.#lanes[lane].close();
    });
  }

  /** What opening and reading found lost becomes a durable statement to the hub. */
  #stateLosses(): void {
    for (const lane of LANES) {
      for (const { reason, fate, first, last } of this.#lanes[lane].found.splice(0)) {
        const payload = encodePayload({ kind: 'range', fate, lane, first, last, reason });
        // When the disk refuses, the statement waits in `lane.json`, and the gap stays visible at the hub.
        this.append('alert', payload, this.#now()).catch((error) => {
          this.#options.log.error({ err: error, lane, first, last }, 'a loss could not be stated');
        });
      }
    }
  }

  #now(): Omit<RecordTime, 'bootId'> {
    const { wallMs, state, uncertaintyMs } = this.#options.clock.wall();
    return { monotonicUs: this.#options.clock.monotonicUs(), wallMs, state, uncertaintyMs };
  }

  #scheduleCommit(): void {
    if (this.#cancelCommit || this.#committing) return;
    this.#cancelCommit = this.#options.clock.after(this.#options.commitDelayMs, () => {
      this.#cancelCommit = undefined;
      void this.#commit();
    });
  }

  /** Commits until nothing waits. Never rejects: each append carries its own outcome. */
  async #commit(): Promise<void> {
    if (this.#committing) return;
    this.#committing = true;
    try {
      while (this.queued() > 0) {
        for (const lane of LANES) {
          const group = this.#queues[lane].splice(0, MAX_GROUP_RECORDS);
          if (group.length > 0) await this.#exclusive(() => this.#commitGroup(lane, group));
        }
      }
    } finally {
      this.#committing = false;
    }
  }

  async #commitGroup(lane: Lane, group: Waiting[]): Promise<void> {
    try {
      await this.#makeRoom(lane, group);
      const first = await this.#lanes[lane].append(group);
      this.#setMode('ok', '');
      for (const [index, waiting] of group.entries()) waiting.resolve(first + index);
      for (const listener of this.#listeners) listener(lane);
    } catch (error) {
      const mode = modeOf(error);
      const reason = error instanceof Error ? error.message : String(error);
      this.#setMode(mode, reason);
      const fault = new OutboxError({
        code: mode,
        message: `the outbox in ${this.#options.folder} takes no records: ${reason}`,
        cause: error,
      });
      for (const waiting of group) waiting.reject(fault);
    }
  }

  /** Frees space for a group: telemetry first, then tracking, alerts last. Each eviction is a durable record before it happens. */
  async #makeRoom(lane: Lane, group: readonly Waiting[]): Promise<void> {
    const wanted = group.reduce((sum, { payload }) => sum + recordBytes(payload.length), 0);
    const limit = this.#options.maxBytes - (lane === 'alert' ? 0 : this.#options.alertReserveBytes);
    for (;;) {
      const used = LANES.reduce((sum, each) => sum + this.#lanes[each].bytes, 0);
      if (used + wanted <= limit) return;
      const victim = this.#victim();
      if (!victim) return;
      const { first, last } = victim.range;
      if (first <= last) {
        const reason = `the outbox reached its ${this.#options.maxBytes} bytes`;
        const payload = encodePayload({ kind: 'range', fate: 'evicted', lane: victim.lane, first, last, reason });
        await this.#lanes.alert.append([{ payload, time: { ...this.#now(), bootId: this.#options.bootId } }]);
        this.#options.log.warn({ lane: victim.lane, first, last }, 'records evicted: the outbox is full');
      }
      await this.#lanes[victim.lane].evictOldest();
    }
  }

  #victim() {
    for (const lane of ['telemetry', 'tracking', 'alert'] as const) {
      const range = this.#lanes[lane].oldest();
      if (range) return { lane, range };
    }
    return undefined;
  }

  #scheduleSave(): void {
    if (this.#cancelSave || this.#closed) return;
    this.#cancelSave = this.#options.clock.after(STATE_SAVE_MS, () => {
      this.#cancelSave = undefined;
      void this.#exclusive(async () => {
        for (const lane of LANES) {
          if (!this.#lanes[lane].dirty) continue;
          try {
            await this.#lanes[lane].free();
          } catch (error) {
            this.#setMode(modeOf(error), error instanceof Error ? error.message : String(error));
            this.#scheduleSave();
          }
        }
      });
    });
  }

  #setMode(mode: OutboxMode, detail: string): void {
    if (mode !== this.#mode) {
      if (mode === 'ok') this.#options.log.info({ was: this.#mode }, 'outbox writes again');
      else this.#options.log.error({ mode, detail }, 'outbox takes no records');
    }
    this.#mode = mode;
    this.#modeDetail = detail;
  }

  /** One disk operation at a time: files, cursor and counters stay in step without locks. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work);
    this.#busy = result.then(
      () => {},
      () => {},
    );
    return result;
  }
}

/**
 * The epoch of an outbox: read from its file; where that is lost, from a segment, whose header carries it too; else drawn. Durable when it
 * returns.
 */
async function readEpoch({ disk, folder, newEpoch, log }: Required<OutboxOptions>): Promise<string> {
  const content = await readWhole(disk, `${folder}/outbox.json`);
  const known = content && epochIn(content);
  if (known !== undefined) return known;
  if (content) {
    await disk.rename(`${folder}/outbox.json`, `${folder}/outbox.json.damaged`);
    log.error({ folder }, 'outbox.json is damaged and was put aside');
  }
  const epoch = (await epochOfSegments(disk, folder)) ?? newEpoch();
  await replaceFile(disk, folder, 'outbox.json', Buffer.from(JSON.stringify({ format: 1, epoch })));
  return epoch;
}

function epochIn(content: Buffer): string | undefined {
  try {
    const { epoch } = JSON.parse(content.toString('utf8')) as { epoch?: unknown };
    return typeof epoch === 'string' && EPOCH.test(epoch) ? epoch : undefined;
  } catch {
    return undefined;
  }
}

async function epochOfSegments(disk: Disk, folder: string): Promise<string | undefined> {
  for (const lane of LANES) {
    await disk.makeFolder(`${folder}/${lane}`);
    for (const name of await disk.list(`${folder}/${lane}`)) {
      if (firstSequenceOf(name) === undefined) continue;
      const header = decodeSegmentHeader((await readWhole(disk, `${folder}/${lane}/${name}`)) ?? Buffer.alloc(0));
      if (header) return header.epoch;
    }
  }
  return undefined;
}
