/**
 * What the person at the reader hears and sees once a scan is answered: a beep, a light for a moment.
 *
 * One command at a time, each after the reader's answer to the one before or ANSWER_MS: never one into another (guide, "Things to
 * remember"). None is repeated: a late beep would stand for another scan. When the reader speaks, what is left is dropped, but for a
 * light that is on: that goes out with the next. A kind of command that the reader refuses is not sent again.
 */
import type { Clock } from '../../../protocols/base/clock.ts';
import type { Log } from '../../../protocols/base/log.ts';
import { ssiBeep, ssiBeepCode, ssiLed } from '../../../protocols/ssi/index.ts';
import type { ZebraSsiOptions } from './options.ts';

type Kind = 'beep' | 'light';

interface Step {
  kind: Kind;
  /** `light` only. */
  on: boolean;
  packet: Buffer;
  afterMs: number;
}

/** Between our answer and the next command, so that a reader without handshake lines has read the one. */
const GAP_MS = 20;
const ANSWER_MS = 500;

export class Feedback {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #write: (bytes: Uint8Array) => void;
  readonly #options: ZebraSsiOptions;
  readonly #refused = new Set<Kind>();
  #steps: Step[] = [];
  #sent: Step | undefined;
  #isLit = false;
  #cancel: (() => void) | undefined;

  constructor(source: { clock: Clock; log: Log; write: (bytes: Uint8Array) => void; options: ZebraSsiOptions }) {
    this.#clock = source.clock;
    this.#log = source.log;
    this.#write = source.write;
    this.#options = source.options;
  }

  get isBusy(): boolean {
    return this.#cancel !== undefined;
  }

  safe(): void {
    const { safeBeep, ledMs } = this.#options;
    this.#play([...beepStep(safeBeep), ...(ledMs > 0 ? [light(true, GAP_MS), light(false, ledMs)] : [])]);
  }

  refused(): void {
    this.#play(beepStep(this.#options.refusedBeep));
  }

  /** The reader said something of its own: what is left of the last scan's feedback would come too late. */
  interrupt(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sent = undefined;
    this.#steps = [];
  }

  /** An ACK or NAK that nothing else waits for. */
  answered(accepted: boolean): void {
    const step = this.#sent;
    if (!step) return;
    if (!accepted && !this.#refused.has(step.kind)) {
      this.#refused.add(step.kind);
      this.#isLit = false;
      this.#steps = this.#steps.filter(({ kind }) => kind !== step.kind);
      this.#log.info({ command: step.kind }, 'reader refuses this feedback: it is left out from now on');
    }
    this.#next();
  }

  #play(steps: readonly Step[]): void {
    this.interrupt();
    const wanted = [...(this.#isLit ? [light(false, GAP_MS)] : []), ...steps];
    this.#steps = wanted.filter(({ kind }) => !this.#refused.has(kind));
    this.#next();
  }

  #next(): void {
    this.#cancel?.();
    this.#sent = undefined;
    const step = this.#steps.shift();
    this.#cancel = step && this.#clock.after(step.afterMs, () => this.#send(step));
  }

  #send(step: Step): void {
    this.#sent = step;
    if (step.kind === 'light') this.#isLit = step.on;
    this.#write(step.packet);
    this.#cancel = this.#clock.after(ANSWER_MS, () => this.#next());
  }
}

function beepStep(beep: ZebraSsiOptions['safeBeep']): Step[] {
  return beep === 'none' ? [] : [{ kind: 'beep', on: true, packet: ssiBeep(ssiBeepCode(beep)), afterMs: GAP_MS }];
}

function light(on: boolean, afterMs: number): Step {
  return { kind: 'light', on, packet: ssiLed(on), afterMs };
}
