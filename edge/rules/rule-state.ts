/**
 * Keeps the rules' memory over restarts, so that a daemon that is killed at any moment neither repeats nor loses a phase. File `rules.state`
 * (sealed JSON, sealed-json.ts).
 *
 * Invariant: a phase was stated if and only if its record is in the alert lane, or it is among the snapshot's `untold` ones. The Outbox is the
 * journal: the file is a snapshot of the rules with the sequences of the alert and the telemetry lane up to which it is complete, and both
 * lanes keep what came after it (`retain`). A start
 *
 *  1. restores the snapshot, its moments moved onto this boot's clock;
 *  2. lets the rules see the readings that were stored after it, without stating anything;
 *  3. compares, for each rule and device, the phases that follow with those in the alert lane after the snapshot. The lane is right: phases
 *     of both go by the lane's ids, phases that are not in the lane are stated now, and where the lane knows more (the reading
 *     behind it did not reach the disk) the rule goes on from what the lane says;
 *  4. states what is `untold` and not in the lane;
 *  5. puts the rules of today in force: one that is gone or changed clears what it had open.
 *
 * Without a snapshot (lost, damaged, another outbox) the newest `MOST_ALERTS` alert records say what is open.
 *
 * Time: within one boot of the box monotonic time goes on. Into another boot moments are moved by the wall time of both, where both know it; else as
 * if the pause had been nothing, and moved again when this boot learns the time.
 *
 * A snapshot is written when phases were stated, less often when there were only readings (snapshot-desk.ts), and at the stop.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Outcome } from '../../protocols/rules/engine.ts';
import type { Rule } from '../../protocols/rules/rule.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import { type AlertPayload, laneOf, type TelemetryPayload } from '../../protocols/uplink/model.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';
import { type Disk, readWhole } from '../outbox/disk.ts';
import { sealJson, unsealJson } from '../outbox/sealed-json.ts';
import { type Snapshot, SnapshotDesk } from '../pipeline/snapshot-desk.ts';
import { storedRecords } from '../pipeline/stored-payload.ts';
import { reconcile } from './reconcile.ts';
import type { RuleRunner, RunnerSnapshot } from './rule-runner.ts';

/** What this needs of the Outbox. */
export interface RuleTail {
  readonly epoch: string;
  readonly bootId: number;
  lastSequence(lane: Lane): number;
  /** The newest records of the lane, oldest first, whatever became of them. */
  newest(lane: Lane, count: number): Promise<Buffer>;
  /** Records from this sequence on are kept on disk, though the hub has them. */
  retain(lane: Lane, from: number): void;
}

interface Saved extends RunnerSnapshot {
  format: 1;
  epoch: string;
  bootId: number;
  savedUs: number;
  /** Wall time at monotonic time 0 of that boot; null where it did not know the time. */
  originMs: number | null;
  throughTelemetry: number;
}

/** A record that came after the snapshot. */
export interface StoredAlert {
  payload: AlertPayload;
  atUs: number;
}

const FILE = 'rules.state';
/** Far more than what is stored between two snapshots; bounds the start. */
const MOST_ALERTS = 2_000;
const MOST_READINGS = 20_000;
/** A difference of clocks that is not worth moving anything. */
const SAME_US = 1_000_000;

export class RuleState {
  readonly #runner: RuleRunner;
  readonly #tail: RuleTail;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #desk: SnapshotDesk;
  /** What was moved here as if there had been no pause: known better when this boot learns the time. */
  #provisional: { beforeUs: number; originMs: number; shiftUs: number } | undefined;

  constructor(options: {
    runner: RuleRunner;
    tail: RuleTail;
    disk: Disk;
    folder: string;
    clock: Clock;
    log: Log;
  }) {
    this.#runner = options.runner;
    this.#tail = options.tail;
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#desk = new SnapshotDesk({
      ...options,
      file: FILE,
      changes: () => ({ facts: this.#runner.counters.alerts, counts: this.#tail.lastSequence('telemetry') }),
      take: () => this.#snapshot(),
      refused: (error) => {
        // A disk that is full needs the room more than we need the records.
        this.#tail.retain('alert', Number.POSITIVE_INFINITY);
        this.#tail.retain('telemetry', Number.POSITIVE_INFINITY);
        this.#log.warn({ err: error, file: FILE }, 'what the rules know is not on disk');
      },
    });
  }

  /** Before the first reading: brings back what was, then puts these rules in force. Never rejects: what cannot be read is said. */
  async load(rules: readonly Rule[]): Promise<void> {
    try {
      await this.#resume(rules);
    } catch (error) {
      this.#log.warn({ err: error, file: FILE }, 'what the rules knew before the start could not be found out');
    }
    this.#runner.setRules(rules);
    this.#runner.resume();
    this.#desk.stale();
  }

  /** Saves when it is time; to be called a few times a second. */
  tick(): void {
    this.#learn();
    this.#desk.tick();
  }

  /** Resolves when a snapshot of now is on disk, or the disk has refused. */
  save(): Promise<void> {
    return this.#desk.save();
  }

  #snapshot(): Snapshot {
    const { epoch, bootId } = this.#tail;
    const throughTelemetry = this.#tail.lastSequence('telemetry');
    const snapshot = this.#runner.snapshot();
    const saved: Saved = {
      format: 1,
      epoch,
      bootId,
      savedUs: this.#clock.monotonicUs(),
      originMs: this.#originMs() ?? null,
      throughTelemetry,
      ...snapshot,
    };
    return {
      content: sealJson(saved),
      saved: () => {
        this.#tail.retain('alert', snapshot.through + 1);
        this.#tail.retain('telemetry', throughTelemetry + 1);
      },
    };
  }

  async #resume(rules: readonly Rule[]): Promise<void> {
    const content = await readWhole(this.#disk, `${this.#folder}/${FILE}`);
    const read = unsealJson(content) as Saved | undefined;
    if (content && read?.format !== 1) this.#log.warn({ file: FILE }, 'damaged: alert records say what is open');
    const saved = read?.format === 1 && read.epoch === this.#tail.epoch ? read : undefined;
    const lastAlert = this.#tail.lastSequence('alert');
    const lastReading = this.#tail.lastSequence('telemetry');
    const afterAlert = Math.max(saved?.through ?? 0, lastAlert - MOST_ALERTS);
    const afterReading = Math.max(saved?.throughTelemetry ?? lastReading, lastReading - MOST_READINGS);
    // Until the first snapshot of this run these records are needed.
    this.#tail.retain('alert', afterAlert + 1);
    this.#tail.retain('telemetry', afterReading + 1);
    const alerts = await this.#records('alert', afterAlert);
    const readings = await this.#records('telemetry', afterReading);
    const times = [...alerts, ...readings].map(({ time }) => time);
    const moves = this.#movesOf(times, saved);
    if (saved) this.#runner.restore(saved, moves(saved.bootId));
    else this.#runner.setRules(rules);
    const told = alerts.flatMap(({ payload, time }): StoredAlert[] =>
      payload.kind === 'alert' ? [{ payload, atUs: moves(time.bootId)(time.monotonicUs) }] : [],
    );
    const before = this.#runner.open();
    const found: Outcome[] = [];
    for (const { payload, time } of readings) {
      if (laneOf(payload) !== 'telemetry') continue;
      const reading = payload as TelemetryPayload;
      const atUs = moves(time.bootId)(time.monotonicUs);
      found.push(...this.#runner.set.observe({ deviceId: reading.deviceId, atUs, payload: reading }));
    }
    const untold = saved?.untold ?? [];
    const key = ({ payload }: { payload: AlertPayload }) => `${payload.alertId} ${payload.phase}`;
    const inLane = new Set(told.map(key));
    const early = new Set(untold.map(key));
    const since = told.filter((each) => !early.has(key(each)));
    const rest = reconcile({ set: this.#runner.set, before, found, told: since });
    for (const each of untold) {
      if (inLane.has(key(each)) || !saved) continue;
      void this.#runner.tell({ payload: each.payload, atUs: moves(saved.bootId)(each.atUs) });
    }
    void this.#runner.state(rest);
  }

  async #records(lane: Lane, after: number) {
    const count = this.#tail.lastSequence(lane) - after;
    const records = count > 0 ? await this.#tail.newest(lane, count) : Buffer.alloc(0);
    return [...storedRecords(records, ({ sequence }) => sequence > after)];
  }

  /** By boot: how its moments become moments of this one, none of them after now. */
  #movesOf(times: readonly RecordTime[], saved: Saved | undefined): (bootId: number) => (atUs: number) => number {
    const boots = new Map<number, { lastUs: number; originMs: number | undefined }>();
    if (saved) boots.set(saved.bootId, { lastUs: saved.savedUs, originMs: saved.originMs ?? undefined });
    for (const { bootId, monotonicUs, wallMs, state } of times) {
      const known = boots.get(bootId);
      const originMs = state === 'unsynced' ? undefined : wallMs - monotonicUs / 1000;
      boots.set(bootId, { lastUs: Math.max(known?.lastUs ?? 0, monotonicUs), originMs: originMs ?? known?.originMs });
    }
    const nowUs = this.#clock.monotonicUs();
    const nowOriginMs = this.#originMs();
    const shifts = new Map<number, number>();
    for (const [bootId, { lastUs, originMs }] of boots) {
      const latestUs = nowUs - lastUs;
      const isKnown = nowOriginMs !== undefined && originMs !== undefined;
      const byWallUs = isKnown ? Math.round((originMs - nowOriginMs) * 1000) : latestUs;
      const shiftUs = bootId === this.#tail.bootId ? 0 : Math.min(byWallUs, latestUs);
      shifts.set(bootId, shiftUs);
      if (bootId === saved?.bootId && bootId !== this.#tail.bootId && !isKnown && originMs !== undefined) {
        this.#provisional = { beforeUs: nowUs, originMs, shiftUs };
      }
    }
    return (bootId) => {
      const shiftUs = shifts.get(bootId) ?? 0;
      return (atUs) => atUs + shiftUs;
    };
  }

  /** How long the pause before this boot was is known once this boot knows the time. */
  #learn(): void {
    const provisional = this.#provisional;
    const originMs = provisional && this.#originMs();
    if (!provisional || originMs === undefined) return;
    this.#provisional = undefined;
    const { beforeUs, shiftUs } = provisional;
    const pauseUs = Math.round((provisional.originMs - originMs) * 1000) - shiftUs;
    if (pauseUs > -SAME_US) return;
    this.#runner.move((atUs) => (atUs < beforeUs ? atUs + pauseUs : atUs));
  }

  /** Wall time at monotonic time 0, where it is known. */
  #originMs(): number | undefined {
    const { wallMs, state } = this.#clock.wall();
    return state === 'unsynced' ? undefined : wallMs - this.#clock.monotonicUs() / 1000;
  }
}
