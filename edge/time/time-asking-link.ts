/**
 * A Link that knows the time before anything goes over it: while the gateway's clock is unsynced, a new connection first asks the hub
 * (design, section 6), and is shown to its users as connected once the answer is here, so that what they send carries a clock by
 * which the hub corrects this boot's records. A hub that does not answer within `WAIT_MS` is sent to all the same: time is worth less than
 * delivery.
 */
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import { decodeHubTime } from '../../protocols/uplink/batch.ts';
import type { Link } from '../uplink/link.ts';
import type { GatewayClock } from './gateway-clock.ts';

const WAIT_MS = 5_000;
const ASK_EVERY_MS = 1_000;
/** An answer older than this is too coarse to be worth having; the next one comes. */
const MAX_ROUND_TRIP_MS = 10_000;
/** A clock that nobody but the hub tells the time is told again before it has drifted by 100 ms. */
const ASK_AGAIN_MS = 900_000;
const MAX_OPEN_QUESTIONS = 16;

export class TimeAskingLink implements Link {
  readonly #inner: Link;
  readonly #clock: GatewayClock;
  readonly #log: Log;
  readonly #ask: (askedUs: number) => Promise<void>;
  readonly #listeners: ((connected: boolean) => void)[] = [];
  #ready = false;
  readonly #asked = new Set<number>();
  #cancel: (() => void) | undefined;

  constructor(options: {
    link: Link;
    clock: GatewayClock;
    log: Log;
    /** The topic that answers come on. */
    answerTopic: string;
    /** Puts the question to the hub, naming the moment of asking. */
    ask: (askedUs: number) => Promise<void>;
  }) {
    this.#inner = options.link;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#ask = options.ask;
    this.#inner.onMessage((topic, payload) => {
      if (topic === options.answerTopic) this.#onAnswer(payload);
    });
    this.#inner.onState((connected) => (connected ? this.#onConnected() : this.#onDisconnected()));
    if (this.#inner.connected) this.#onConnected();
  }

  get connected(): boolean {
    return this.#ready && this.#inner.connected;
  }

  publish(topic: string, payload: Buffer, options?: { retain?: boolean }): Promise<void> {
    return this.#inner.publish(topic, payload, options);
  }

  onState(listener: (connected: boolean) => void): void {
    this.#listeners.push(listener);
  }

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#inner.onMessage(listener);
  }

  fault() {
    return this.#inner.fault();
  }

  close(): Promise<void> {
    this.#onDisconnected();
    return this.#inner.close();
  }

  #onConnected(): void {
    const untilUs = this.#clock.monotonicUs() + WAIT_MS * 1000;
    const look = () => {
      this.#cancel = undefined;
      if (this.#clock.known()) {
        this.#becomeReady();
      } else if (this.#clock.monotonicUs() >= untilUs) {
        this.#log.warn({}, 'the hub does not tell the time: records go with the clock that this box has');
        this.#becomeReady();
      } else {
        this.#question();
        this.#cancel = this.#clock.after(ASK_EVERY_MS, look);
      }
    };
    look();
  }

  #question(): void {
    const askedUs = Math.floor(this.#clock.monotonicUs());
    this.#asked.add(askedUs);
    for (const oldest of this.#asked) {
      if (this.#asked.size <= MAX_OPEN_QUESTIONS) break;
      this.#asked.delete(oldest);
    }
    this.#ask(askedUs).catch((error: Error) => this.#log.debug({ err: error }, 'time not asked for'));
  }

  #onDisconnected(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#asked.clear();
    if (!this.#ready) return;
    this.#ready = false;
    for (const listener of this.#listeners) listener(false);
  }

  #onAnswer(payload: Buffer): void {
    let answer: ReturnType<typeof decodeHubTime>;
    try {
      answer = decodeHubTime(payload);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      // The uplink reads the same message and says what is wrong with it.
      return;
    }
    // The echo tells an answer to this process's question from one to an earlier message that the broker kept.
    if (!answer || !this.#asked.delete(answer.askedUs)) return;
    const nowUs = this.#clock.monotonicUs();
    if (nowUs - answer.askedUs > MAX_ROUND_TRIP_MS * 1000) return;
    this.#clock.observeHub(answer.hubWallMs, answer.askedUs, nowUs);
    if (this.#inner.connected && !this.#ready) this.#becomeReady();
  }

  #becomeReady(): void {
    this.#cancel?.();
    const askAgain = () => {
      const state = this.#clock.known()?.state;
      if (state === undefined || state === 'hub') this.#question();
      this.#cancel = this.#clock.after(ASK_AGAIN_MS, askAgain);
    };
    this.#cancel = this.#clock.after(ASK_AGAIN_MS, askAgain);
    this.#ready = true;
    for (const listener of this.#listeners) listener(true);
  }
}
