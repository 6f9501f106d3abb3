/**
 * The one scan that was handed on and is not yet known to be on disk.
 *
 * Invariants
 *  - The reader gets its answer only when the scan's fate is known, and only while it still waits for it: an ACK that comes later could be
 *    taken for another scan's. The margin is for the way there and a busy moment of this box.
 *  - There is at most one. What else the reader sends meanwhile gets no answer: it gave up the scan that is open, has said so to the
 *    person at the reader, and will say so of this one too.
 */
import type { SsiScan } from '../../../protocols/ssi/index.ts';

const MARGIN_US = 250_000;

/** `late`: the reader waits no more. */
export type Answer = 'accepted' | 'refused' | 'late';

export class OpenScan {
  readonly #patienceUs: number;
  readonly #nowUs: () => number;
  readonly #onAnswer: (answer: Answer) => void;
  #open: { codeType: number; data: Buffer; heardUs: number; givenUp: boolean } | undefined;
  #onSettled: (() => void) | undefined;

  constructor(options: { responseTimeoutMs: number; nowUs: () => number; onAnswer: (answer: Answer) => void }) {
    this.#patienceUs = options.responseTimeoutMs * 1000 - MARGIN_US;
    this.#nowUs = options.nowUs;
    this.#onAnswer = options.onAnswer;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** The reader has been waiting for longer than it does. */
  get isOverdue(): boolean {
    return this.#open !== undefined && this.#isLate(this.#open);
  }

  /** Takes the scan; gives what settles it. While one is open: undefined, and a repetition of that one is noted. */
  take(scan: SsiScan): ((accepted: boolean) => void) | undefined {
    const { codeType, data } = scan;
    if (this.#open) {
      const isSame = this.#open.codeType === codeType && this.#open.data.equals(data);
      if (isSame) this.#open.heardUs = this.#nowUs();
      this.#open.givenUp = !isSame;
      return undefined;
    }
    const open = { codeType, data, heardUs: this.#nowUs(), givenUp: false };
    this.#open = open;
    return (accepted) => {
      if (this.#open !== open) return;
      this.#open = undefined;
      this.#onAnswer(this.#isLate(open) ? 'late' : accepted ? 'accepted' : 'refused');
      this.#onSettled?.();
    };
  }

  /** The reader speaks of something else: it does not wait for this scan's answer any more. */
  giveUp(): void {
    if (this.#open) this.#open.givenUp = true;
  }

  /** Called once when the scan that is open is settled; at once when none is. */
  whenSettled(callback: () => void): void {
    if (this.#open) this.#onSettled = callback;
    else callback();
  }

  #isLate(open: { heardUs: number; givenUp: boolean }): boolean {
    return open.givenUp || this.#nowUs() - open.heardUs > this.#patienceUs;
  }
}
