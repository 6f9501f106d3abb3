/**
 * How large the next group of records may be, and when it is due. Pure: whoever reads says what came of the last one.
 *
 * Under load groups grow to `GROUP_WORK`. When it is calm a group is what has come meanwhile: it waits for the commit of the one before and takes
 * along what comes until then, and a reader that may take its time has one in `groupEveryMs` at most.
 */

/** What a transaction under load should carry: its end costs some ten milliseconds, however much it is. */
const GROUP_WORK = 10_000;
/** All there was, and less to do than this: few and many cost the same. */
const CALM_WORK = 1_000;
/** Of a record, before anything is known of them. */
const FIRST_GUESS_WORK = 100;

export class GroupPace {
  readonly #maxRecords: number;
  readonly #everyMs: number;
  #workPerRecord = FIRST_GUESS_WORK;
  #isCalm = true;
  #dueMs = Number.NEGATIVE_INFINITY;

  constructor(options: { maxRecords: number; groupEveryMs?: number | undefined }) {
    this.#maxRecords = options.maxRecords;
    this.#everyMs = options.groupEveryMs ?? 0;
  }

  /** The last group was all there was, and little: the next one waits for its commit. */
  get isCalm(): boolean {
    return this.#isCalm;
  }

  /** Records of the next group, at most. */
  size(): number {
    return Math.min(this.#maxRecords, Math.ceil(GROUP_WORK / this.#workPerRecord));
  }

  /** How long the next group may still wait; 0 when it is due. */
  earlyMs(nowMs: number): number {
    return this.#isCalm ? Math.max(0, this.#dueMs - nowMs) : 0;
  }

  began(nowMs: number): void {
    this.#dueMs = nowMs + this.#everyMs;
  }

  prepared({ records, work }: { records: number; work: number }): void {
    this.#workPerRecord = Math.max(1, (this.#workPerRecord + work / records) / 2);
  }

  ended({ wasAll, work }: { wasAll: boolean; work: number }): void {
    this.#isCalm = wasAll && work < CALM_WORK;
  }
}
