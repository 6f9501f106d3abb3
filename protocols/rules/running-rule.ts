/**
 * One rule on one device: a fold over its points (fold.ts), which excursions were stated, and what late readings change about them.
 *
 * Invariant: outside of `observe`, with no late reading waiting for its `tick`, the excursions that were stated and not retracted are those that the
 * fold over all points finds, each raised once and cleared at most once, at the event times that the fold gives them.
 *
 * The newest points are kept (at most `KEPT_POINTS`, none older than `KEPT_MS`), and the state before the oldest of them (`base`). A reading
 * that comes late, or corrects the one of the same moment, goes where its time belongs, and the fold is done again from `base`: an excursion that
 * is not found any more, or begins or ends at another time, is retracted; one that is found and was not stated is raised, under a new id, at its own
 * time. Late readings wait for the next `tick`, so that a logger that hands over its memory is judged as a whole. A reading older than
 * `base` changes nothing and is counted (`tooLate`).
 */
import type { OpenAlert, Outcome, RunningRule } from './engine.ts';
import type { FoldState, Kind, Point, Sample, Scope, Transition } from './fold.ts';
import { moveTimes } from './move-times.ts';
import type { Rule } from './rule.ts';

/** An excursion that was stated and may still change. */
interface Stated {
  alertId: string;
  raised: Transition;
  cleared?: Transition;
}

/** What the fold finds; `raised` is absent where the excursion was open in `base` already. */
interface Found {
  raised?: Transition;
  cleared?: Transition;
}

interface Snapshot {
  base: FoldState;
  baseAtUs: number | null;
  horizonAtUs: number | null;
  /** Time since the one before, value, aux where there is one; of the first its time. */
  kept: number[][];
  stated: Stated[];
}

const KEPT_POINTS = 256;
const KEPT_MS = 24 * 3_600_000;
/** With late ones that wait for the tick. */
const MOST_POINTS = 2 * KEPT_POINTS;
const CONTEXT_BEFORE = 15;
const CONTEXT_VALUES = 20;

export class FoldedRule implements RunningRule {
  readonly rule: Rule;
  readonly deviceId: string;
  tooLate = 0;
  readonly #scope: Scope;
  readonly #kind: Kind<Rule, FoldState>;
  readonly #newId: () => string;
  #base: FoldState;
  /** Points up to this time are in `#base`. */
  #baseUs = Number.NEGATIVE_INFINITY;
  #live: FoldState;
  #kept: Point[] = [];
  /** The newest time that is known. */
  #horizonUs = Number.NEGATIVE_INFINITY;
  #isLate = false;
  /** In the order of their raise. */
  #stated: Stated[] = [];

  constructor(options: { scope: Scope; kind: Kind<Rule, FoldState>; newId: () => string }) {
    this.#scope = options.scope;
    this.rule = options.scope.rule;
    this.deviceId = options.scope.deviceId;
    this.#kind = options.kind;
    this.#newId = options.newId;
    this.#base = options.kind.begin();
    this.#live = options.kind.begin();
  }

  get open(): OpenAlert | undefined {
    const stated = this.#openStated();
    if (!stated) return undefined;
    const { message, value, limit, atUs: raisedAtUs } = stated.raised;
    return { alertId: stated.alertId, ...this.#about(), message, value, limit, raisedAtUs };
  }

  observe(sample: Sample): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const point of this.#kind.points(this.#scope, sample)) {
      point.atUs = Math.floor(point.atUs);
      this.#observe(point, outcomes);
    }
    return outcomes;
  }

  tick(nowUs: number): Outcome[] {
    const outcomes: Outcome[] = [];
    const now = Math.floor(nowUs);
    this.#horizonUs = Math.max(this.#horizonUs, now);
    if (this.#isLate) this.#settle(outcomes);
    else this.#kind.pass?.(this.#scope, this.#live, { untilUs: now, emit: (each) => this.#state(each, outcomes) });
    this.#forget();
    return outcomes;
  }

  resume(nowUs: number): void {
    const point = this.#kind.resume?.(Math.floor(nowUs));
    // Begins what follows; by itself it brings nothing about.
    if (point) this.#observe(point, []);
  }

  end(nowUs: number, reason: string): Outcome[] {
    const open = this.#openStated();
    if (!open) return [];
    const atUs = Math.max(Math.floor(nowUs), open.raised.atUs);
    const cleared: Transition = { ...open.raised, phase: 'cleared', atUs, message: reason };
    const outcome = this.#outcome(open.alertId, cleared);
    this.adopt(undefined);
    return [outcome];
  }

  snapshot(): unknown {
    let before = 0;
    const kept = this.#kept.map(({ atUs, value, aux }) => {
      const since = atUs - before;
      before = atUs;
      return aux === undefined ? [since, value] : [since, value, aux];
    });
    const snapshot: Snapshot = {
      base: this.#base,
      baseAtUs: finite(this.#baseUs),
      horizonAtUs: finite(this.#horizonUs),
      kept,
      stated: this.#stated,
    };
    return structuredClone(snapshot);
  }

  restore(snapshot: unknown): void {
    const { base, baseAtUs, horizonAtUs, kept, stated } = structuredClone(snapshot) as Snapshot;
    let atUs = 0;
    this.#base = base;
    this.#baseUs = baseAtUs ?? Number.NEGATIVE_INFINITY;
    this.#horizonUs = horizonAtUs ?? Number.NEGATIVE_INFINITY;
    this.#kept = kept.map(([since = 0, value = 0, aux]) => {
      atUs += since;
      return aux === undefined ? { atUs, value } : { atUs, value, aux };
    });
    this.#stated = stated;
    // A late reading may not have been judged yet.
    this.#isLate = true;
    this.#live = this.#fold().state;
  }

  adopt(stated: { alertId: string; atUs: number; value: number; limit: number; message: string } | undefined): void {
    const { open: _was, ...state } = this.#live;
    this.#base = this.#isLate ? this.#fold().state : state;
    this.#base.open = undefined;
    this.#baseUs = Math.max(this.#baseUs, this.#kept.at(-1)?.atUs ?? Number.NEGATIVE_INFINITY);
    this.#kept = [];
    this.#isLate = false;
    this.#stated = [];
    if (stated) {
      const { alertId, ...raised } = stated;
      this.#kind.reopen(this.#scope, this.#base, raised);
      this.#stated = [{ alertId, raised: { phase: 'raised', ...raised } }];
      this.#baseUs = Math.max(this.#baseUs, raised.atUs);
    }
    this.#horizonUs = Math.max(this.#horizonUs, this.#baseUs);
    this.#live = structuredClone(this.#base);
  }

  rename(alertId: string, to: string): void {
    for (const stated of this.#stated) if (stated.alertId === alertId) stated.alertId = to;
  }

  #observe(point: Point, outcomes: Outcome[]): void {
    const newestUs = this.#kept.at(-1)?.atUs ?? this.#baseUs;
    const isNext = point.atUs > newestUs && (!this.#kind.pass || point.atUs >= this.#horizonUs);
    if (isNext && !this.#isLate) {
      this.#kept.push(point);
      this.#horizonUs = Math.max(this.#horizonUs, point.atUs);
      this.#step(this.#live, point, (each) => this.#state(each, outcomes));
    } else if (point.atUs <= this.#baseUs) this.tooLate++;
    else if (this.#insert(point)) {
      this.#isLate = true;
      this.#horizonUs = Math.max(this.#horizonUs, point.atUs);
      // What is the newest of all is judged at once.
      if (point.atUs >= newestUs || this.#kept.length >= MOST_POINTS) this.#settle(outcomes);
    }
    this.#forget();
  }

  /** False when it was there already. */
  #insert(point: Point): boolean {
    const kept = this.#kept;
    let index = kept.length;
    while (index > 0 && (kept[index - 1] as Point).atUs > point.atUs) index--;
    for (let same = index - 1; same >= 0 && kept[same]?.atUs === point.atUs; same--) {
      const known = kept[same] as Point;
      if (this.#kind.sourceOf?.(known) !== this.#kind.sourceOf?.(point)) continue;
      // Another value of the same thing at the same moment is a correction.
      if (known.value === point.value && known.aux === point.aux) return false;
      kept[same] = point;
      return true;
    }
    kept.splice(index, 0, point);
    return true;
  }

  #step(state: FoldState, point: Point, emit: (transition: Transition) => void): void {
    if (!this.#kind.isResumed?.(point)) this.#kind.pass?.(this.#scope, state, { untilUs: point.atUs, emit });
    this.#kind.take(this.#scope, state, { point, emit });
  }

  /** Takes the oldest points into the base, as far as the bounds want it. */
  #forget(): void {
    if (this.#isLate) return;
    const kept = this.#kept;
    const oldestUs = this.#horizonUs - KEPT_MS * 1000;
    while (kept.length > 0 && (kept.length > KEPT_POINTS || (kept[0] as Point).atUs < oldestUs)) {
      const point = kept.shift() as Point;
      this.#step(this.#base, point, () => {});
      this.#baseUs = point.atUs;
      // What was cleared before the base cannot change any more.
      while (this.#stated[0]?.cleared && this.#stated[0].cleared.atUs <= this.#baseUs) this.#stated.shift();
    }
  }

  /** The fold over what is kept, from the base on. */
  #fold(): { state: FoldState; found: Found[] } {
    const state = structuredClone(this.#base);
    const found: Found[] = state.open ? [{}] : [];
    const emit = (transition: Transition) => {
      if (transition.phase === 'raised') found.push({ raised: transition });
      else (found.at(-1) as Found).cleared = transition;
    };
    for (const point of this.#kept) this.#step(state, point, emit);
    if (this.#horizonUs > Number.NEGATIVE_INFINITY) {
      this.#kind.pass?.(this.#scope, state, { untilUs: this.#horizonUs, emit });
    }
    return { state, found };
  }

  /** Brings what was stated in line with what the fold finds. */
  #settle(outcomes: Outcome[]): void {
    const { state, found } = this.#fold();
    this.#live = state;
    this.#isLate = false;
    const before = this.#stated;
    // One that was open before everything kept was raised by the last that is older.
    const pinned = before.filter(({ raised }) => raised.atUs <= this.#baseUs).at(-1);
    const kept = new Map<Found, Stated>();
    for (const each of found) {
      if (!each.raised && pinned) each.raised = pinned.raised;
      const { raised, cleared } = each;
      const same = before.find((stated) => raised && isSame(stated.raised, raised));
      if (same && (!same.cleared || (cleared && isSame(same.cleared, cleared)))) kept.set(each, same);
    }
    const surviving = new Set(kept.values());
    for (const stated of before) {
      if (surviving.has(stated)) continue;
      const told = stated.cleared ?? stated.raised;
      const message = `taken back, since readings came late: ${stated.raised.message}`;
      // After everything that was said of it, to the millisecond that a record has.
      const atUs = Math.max(this.#horizonUs, told.atUs + 1000);
      outcomes.push(this.#outcome(stated.alertId, { ...stated.raised, phase: 'retracted', atUs, message }));
    }
    this.#stated = [];
    for (const each of found) {
      const known = kept.get(each);
      if (known) this.#stated.push(known);
      else if (each.raised) this.#state(each.raised, outcomes);
      if (each.cleared && !known?.cleared) this.#state(each.cleared, outcomes);
    }
  }

  /** States a phase. */
  #state(transition: Transition, outcomes: Outcome[]): void {
    if (transition.phase === 'raised') {
      const stated = { alertId: this.#newId(), raised: transition };
      this.#stated.push(stated);
      outcomes.push(this.#outcome(stated.alertId, transition));
      return;
    }
    const stated = this.#openStated();
    if (!stated) throw new Error(`rule ${this.rule.id} clears what was not raised`);
    stated.cleared = transition;
    outcomes.push(this.#outcome(stated.alertId, transition));
  }

  #openStated(): Stated | undefined {
    const last = this.#stated.at(-1);
    return last?.cleared ? undefined : last;
  }

  #about(): Pick<Outcome, 'ruleId' | 'severity' | 'deviceId'> {
    return { ruleId: this.rule.id, severity: this.rule.severity, deviceId: this.deviceId };
  }

  #outcome(alertId: string, transition: Omit<Transition, 'phase'> & { phase: Outcome['phase'] }): Outcome {
    const { phase, atUs, value, limit, message, quantity = this.#kind.quantity(this.rule) } = transition;
    return { phase, alertId, ...this.#about(), quantity, value, limit, message, atUs, context: this.#contextAt(atUs) };
  }

  #contextAt(atUs: number): Outcome['context'] {
    const kept = this.#kept;
    let end = kept.length;
    while (end > 0 && (kept[end - 1] as Point).atUs > atUs) end--;
    const start = Math.max(0, end - Math.max(CONTEXT_BEFORE, CONTEXT_VALUES - (kept.length - end)));
    const readings: Outcome['context'] = [];
    for (const point of kept.slice(start, start + CONTEXT_VALUES))
      readings.push({ atUs: point.atUs, value: point.value });
    return readings;
  }
}

/** A snapshot whose moments were moved onto another clock. */
export function moveSnapshot(snapshot: unknown, move: (atUs: number) => number): unknown {
  const { kept, ...rest } = snapshot as Snapshot;
  let before = 0;
  let movedBefore = 0;
  const movedKept = kept.map(([since = 0, ...values]) => {
    before += since;
    const moved = move(before);
    const movedSince = moved - movedBefore;
    movedBefore = moved;
    return [movedSince, ...values];
  });
  return { ...moveTimes(rest, move), kept: movedKept };
}

function isSame(a: Transition, b: Transition): boolean {
  return a.atUs === b.atUs && a.limit === b.limit;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
