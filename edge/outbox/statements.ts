/**
 * Tells the hub of every loss, by an alert record. A loss is an obligation that stands in lane.json until that record was delivered: it is told again
 * after a refusal, after a crash, and when the alert was itself lost.
 */
import type { Log } from '../../protocols/base/log.ts';
import { LANES } from '../../protocols/uplink/identity.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import type { Desks } from './desk.ts';
import type { Statement } from './lane-state.ts';

/** Handed to the alert lane and not yet answered, at most. */
const AT_ONCE = 100;

export class Statements {
  readonly #desks: Desks;
  readonly #log: Log;
  readonly #append: (payload: Buffer) => Promise<number>;
  readonly #onTold: () => void;
  readonly #onRefused: () => void;
  readonly #underWay = new Set<Statement>();

  /**
   * @param options.append Stores an alert record.
   * @param options.onTold lane.json has something new to keep.
   * @param options.onRefused `tell` is to be called again in a while.
   */
  constructor(options: {
    desks: Desks;
    log: Log;
    append: (payload: Buffer) => Promise<number>;
    onTold: () => void;
    onRefused: () => void;
  }) {
    this.#desks = options.desks;
    this.#log = options.log;
    this.#append = options.append;
    this.#onTold = options.onTold;
    this.#onRefused = options.onRefused;
  }

  /** Tells what was not told yet. */
  tell(): void {
    for (const lane of LANES) {
      const log = this.#desks[lane].log;
      for (const statement of log?.state.statements ?? []) {
        if (statement.by !== 0 || this.#underWay.has(statement)) continue;
        if (this.#underWay.size >= AT_ONCE) return;
        this.#underWay.add(statement);
        const { fate, first, last, reason } = statement;
        this.#append(encodePayload({ kind: 'range', fate, lane, first, last, reason })).then(
          (by) => {
            this.#underWay.delete(statement);
            // It may have grown meanwhile, and is told again then.
            if (statement.first === first && statement.last === last) statement.by = by;
            log?.touch();
            this.#onTold();
            this.tell();
          },
          (error: Error) => {
            this.#underWay.delete(statement);
            this.#log.debug({ err: error, lane, first, last }, 'a loss could not be told yet');
            this.#onRefused();
          },
        );
      }
    }
  }

  /** What the hub has been told is done with; what was told by an alert that was itself lost is told again. */
  settle(): void {
    const alerts = this.#desks.alert.log?.state;
    if (!alerts) return;
    for (const lane of LANES) {
      const log = this.#desks[lane].log;
      if (log?.state.settleStatements((by) => alerts.outcomeOf(by))) log.touch();
    }
    this.tell();
  }
}
