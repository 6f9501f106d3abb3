/**
 * The rules at work on this gateway: each sensor reading goes to the rules that watch it, right when it comes; what follows goes to the alert lane.
 *
 * A phase (raise, clear, retraction) is told when its record is on disk. Until then it is kept here (`untold`), offered again when the intake gave it
 * up, and part of the snapshot, so that it survives the daemon (rule-state.ts). Bounds: `MOST_UNTOLD` phases wait; beyond that the oldest are
 * given up, counted and logged.
 *
 * Event time is the boot's monotonic time; wall time is never looked at here.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { OpenAlert, Outcome } from '../../protocols/rules/engine.ts';
import type { Rule } from '../../protocols/rules/rule.ts';
import { RuleSet, type RuleSetSnapshot } from '../../protocols/rules/rule-set.ts';
import type { AlertPayload, Payload, Place, TelemetryPayload } from '../../protocols/uplink/model.ts';
import type { EdgeReport } from '../ops/report.ts';

export interface RuleRunnerOptions {
  /** Resolves true when the record is on disk, false when it had to be given up. */
  store: (payload: Payload, observedUs: number) => Promise<boolean>;
  /** The last sequence of the alert lane that is on disk. */
  lastSequence: () => number;
  /** Where the gateway is, for devices that have not said anything yet. */
  place: () => Place;
  zoneOf?: (deviceId: string) => string | undefined;
  clock: Clock;
  log: Log;
  newId: () => string;
}

/** A phase whose record is not known to be on disk. */
export interface Untold {
  payload: AlertPayload;
  atUs: number;
}

interface Waiting extends Untold {
  /** The last sequence on disk when it was handed over. */
  after: number;
  /** When to offer it again; undefined while it is under way. */
  againUs: number | undefined;
}

/** JSON. */
export interface RunnerSnapshot {
  /** Alert records up to this sequence are accounted for. */
  through: number;
  rules: RuleSetSnapshot[];
  untold: Untold[];
  places: Record<string, Place>;
}

const MOST_UNTOLD = 1_000;
const AGAIN_US = 2_000_000;

export class RuleRunner {
  /** Phases stated since the start, and phases given up. */
  readonly counters = { alerts: 0, lost: 0 };
  readonly #options: RuleRunnerOptions;
  readonly #set: RuleSet;
  readonly #untold = new Set<Waiting>();
  /** Where a device last said to be. */
  readonly #places = new Map<string, Place>();

  constructor(options: RuleRunnerOptions) {
    this.#options = options;
    const { newId, zoneOf } = options;
    this.#set = new RuleSet({ newId, ...(zoneOf ? { zoneOf } : {}) });
  }

  get rules(): readonly Rule[] {
    return this.#set.rules;
  }

  /** Phases that wait for the disk. */
  get untold(): number {
    return this.#untold.size;
  }

  /** Readings that came too late to be judged. */
  get tooLate(): number {
    let count = 0;
    for (const running of this.#set.running()) count += running.tooLate;
    return count;
  }

  /**
   * All rules of this gateway from now on, the file's and the fleet's; their ids are unique. One that is as it was keeps its state; one that is gone
   * or changed clears what it had open and says so.
   */
  setRules(rules: readonly Rule[]): void {
    void this.state(this.#set.setRules(rules, this.#options.clock.monotonicUs()));
  }

  /** Resolves when what follows from the reading is on disk or waits to be; undefined when nothing does. */
  observe(payload: TelemetryPayload, atUs: number): Promise<unknown> | undefined {
    const { deviceId } = payload;
    const outcomes = this.#set.observe({ deviceId, atUs, payload });
    if (this.#set.rules.length > 0) this.#places.set(deviceId, payload.place);
    return outcomes.length === 0 ? undefined : this.state(outcomes);
  }

  /** What time alone brings about, and what late readings change; to be called several times a second. */
  tick(): void {
    const nowUs = this.#options.clock.monotonicUs();
    const outcomes = this.#set.tick(nowUs);
    if (outcomes.length > 0) void this.state(outcomes);
    for (const waiting of this.#untold) {
      if (waiting.againUs !== undefined && waiting.againUs <= nowUs) void this.#offer(waiting);
    }
  }

  /** For `edge status`. */
  report(): EdgeReport['rules'] {
    const nowUs = this.#options.clock.monotonicUs();
    return {
      count: this.rules.length,
      open: this.open().map(({ raisedAtUs, value: _value, limit: _limit, ...alert }) => {
        return { ...alert, openSeconds: Math.round((nowUs - raisedAtUs) / 1e6) };
      }),
      ...this.counters,
      untold: this.untold,
      tooLate: this.tooLate,
      refused: this.#set.refused,
    };
  }

  /** Excursions that are open, oldest first. */
  open(): OpenAlert[] {
    const open: OpenAlert[] = [];
    for (const running of this.#set.running()) if (running.open) open.push(running.open);
    return open.sort((a, b) => a.raisedAtUs - b.raisedAtUs);
  }

  snapshot(): RunnerSnapshot {
    const untold = [...this.#untold];
    return {
      through: Math.min(this.#options.lastSequence(), ...untold.map(({ after }) => after)),
      rules: this.#set.snapshot(),
      untold: untold.map(({ payload, atUs }) => ({ payload, atUs })),
      places: Object.fromEntries(this.#places),
    };
  }

  /** In place of all that runs. @param move Moments of the snapshot on this boot's clock. */
  restore({ rules, places }: Pick<RunnerSnapshot, 'rules' | 'places'>, move: (atUs: number) => number): void {
    this.#set.restore(rules, move);
    for (const [deviceId, place] of Object.entries(places)) this.#places.set(deviceId, place);
  }

  /** Moves everything onto another clock, for instance when a boot learns how long the pause before it was. */
  move(move: (atUs: number) => number): void {
    this.#set.restore(this.#set.snapshot(), move);
  }

  /** Nobody looked for a while. */
  resume(): void {
    this.#set.resume(this.#options.clock.monotonicUs());
  }

  /** The rules themselves, for who brings them in line with what was told before a restart. */
  get set(): RuleSet {
    return this.#set;
  }

  /** States phases. Resolves when each is on disk or waits to be. */
  async state(outcomes: readonly Outcome[]): Promise<void> {
    await Promise.all(outcomes.map((outcome) => this.tell({ payload: this.#payloadOf(outcome), atUs: outcome.atUs })));
  }

  /** As `state`, for what is a payload already. */
  tell({ payload, atUs }: Untold): Promise<void> {
    this.counters.alerts++;
    const waiting: Waiting = { payload, atUs, after: this.#options.lastSequence(), againUs: undefined };
    this.#untold.add(waiting);
    this.#bound();
    return this.#offer(waiting);
  }

  async #offer(waiting: Waiting): Promise<void> {
    waiting.againUs = undefined;
    waiting.after = Math.min(waiting.after, this.#options.lastSequence());
    const isStored = await this.#options.store(waiting.payload, waiting.atUs);
    if (isStored) this.#untold.delete(waiting);
    else waiting.againUs = this.#options.clock.monotonicUs() + AGAIN_US;
  }

  #bound(): void {
    for (const oldest of this.#untold) {
      if (this.#untold.size <= MOST_UNTOLD) return;
      this.#untold.delete(oldest);
      this.counters.lost++;
      const { alertId, phase, ruleId } = oldest.payload;
      this.#options.log.error({ alertId, phase, rule: ruleId }, 'an alert was given up: too many wait for the disk');
    }
  }

  #payloadOf({ atUs, context, deviceId, ...outcome }: Outcome): AlertPayload {
    const readings = context.map((each) => ({ offsetMs: Math.round((each.atUs - atUs) / 1000), value: each.value }));
    return {
      kind: 'alert',
      ...outcome,
      deviceId,
      place: this.#places.get(deviceId) ?? this.#options.place(),
      ...(readings.length > 0 ? { context: readings } : {}),
    };
  }
}
