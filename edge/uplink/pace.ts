/**
 * How many bytes a lane may have under way, so that it never fills the path to the hub: what stands in a socket, a radio's buffer or a broker's queue
 * cannot be overtaken by an alert. Grows while acknowledgements come as fast as ever, shrinks when they take longer, because then bytes
 * are waiting somewhere (the idea of TCP Vegas). Pure.
 *
 * Bounds: between `minBytes` and `maxBytes`; one batch is always allowed, so it never stops altogether.
 */
export interface PaceOptions {
  minBytes: number;
  firstBytes: number;
  maxBytes: number;
  /** How much longer than the shortest known an acknowledgement may take. */
  queueingMs: number;
}

/** The shortest time known is forgotten after this long: paths change. */
const BASE_LASTS_US = 60_000_000;

export class Pace {
  readonly #options: PaceOptions;
  #bytes: number;
  #base: { us: number; sinceUs: number } | undefined;
  #shrunkUs = Number.NEGATIVE_INFINITY;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#bytes = options.firstBytes;
  }

  /** Bytes that may be under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How large a batch should be when so many of its lane may be under way: several, so that acknowledgements come evenly. */
  batchBytes(window: number): number {
    return Math.max(this.#options.minBytes / 2, this.#bytes / Math.min(4, 1 + window));
  }

  /** A batch of `bytes`, sent once at `sentUs`, was acknowledged. */
  acknowledged(at: { bytes: number; sentUs: number; nowUs: number }): void {
    const { minBytes, maxBytes, queueingMs } = this.#options;
    const tookUs = at.nowUs - at.sentUs;
    if (!this.#base || tookUs <= this.#base.us || at.nowUs - this.#base.sinceUs > BASE_LASTS_US) {
      this.#base = { us: tookUs, sinceUs: at.nowUs };
    }
    const waitedUs = tookUs - this.#base.us;
    if (waitedUs <= (queueingMs * 1000) / 2) this.#bytes = Math.min(maxBytes, this.#bytes + at.bytes);
    else if (waitedUs > queueingMs * 1000 && at.sentUs > this.#shrunkUs) {
      // Once for what was under way at the time: the others say the same again.
      this.#bytes = Math.max(minBytes, this.#bytes * Math.max(0.25, (queueingMs * 1000) / (2 * waitedUs)));
      this.#shrunkUs = at.nowUs;
    }
  }

  /** A batch was not acknowledged in time. */
  late(): void {
    this.#bytes = Math.max(this.#options.minBytes, this.#bytes / 2);
  }
}
