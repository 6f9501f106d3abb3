/**
 * The simulated world: one clock, one queue of events, one seed. Every promise of the code under test waits, in the end, for an event of
 * this queue, so the order in which anything happens is decided by the seed alone.
 *
 * Invariants
 * - Between two events all promise chains run to where they wait for the next event (a turn of the event loop; nothing else is in it).
 * - Events of a dead process never run; those of a paused one wait, in their order, until it goes on.
 * - Randomness comes in streams named by their use, so that one part drawing more does not change what another part draws.
 */
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { Trace } from './trace.ts';

export interface SimEvent {
  atUs: number;
  order: number;
  process: SimProcess | undefined;
  run: () => void;
  cancelled: boolean;
}

/** Something that can be killed: what it waits for never comes. */
export class SimProcess {
  readonly name: string;
  alive = true;
  paused = false;
  /** Fell due while paused. */
  readonly late: SimEvent[] = [];
  /** Run once when it is killed, however it dies. */
  readonly onDeath: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  kill(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const act of this.onDeath.splice(0)) act();
  }
}

export class World {
  readonly seed: number;
  readonly trace: Trace;
  nowUs = 0;
  /** How many events have run. */
  events = 0;
  #order = 0;
  readonly #queue = new EventQueue();

  constructor(seed: number, options: { keepTrace: boolean }) {
    this.seed = seed;
    this.trace = new Trace(options.keepTrace);
  }

  get nowMs(): number {
    return this.nowUs / 1000;
  }

  /** Uniform in [0, 1), a stream of its own for each name. */
  random(name: string): () => number {
    let hash = this.seed ^ 0x9e3779b9;
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
    return seededRandom(hash ^ (hash >>> 15));
  }

  note(text: string): void {
    this.trace.add(this.nowUs, text);
  }

  /** Calls `run` after `delayMs`; with a process, only if that lives then. The returned function cancels. */
  after(delayMs: number, process: SimProcess | undefined, run: () => void): () => void {
    const atUs = this.nowUs + Math.max(0, Math.round(delayMs * 1000));
    const event: SimEvent = { atUs, order: this.#order++, process, run, cancelled: false };
    this.#queue.push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Resolves after `delayMs`; never, if the process dies before. */
  sleep(delayMs: number, process: SimProcess | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, process, resolve);
    });
  }

  resume(process: SimProcess): void {
    process.paused = false;
    for (const { run } of process.late.splice(0)) this.after(0, process, run);
  }

  /** Runs everything that falls due up to then. */
  async runUntil(ms: number): Promise<void> {
    const untilUs = Math.round(ms * 1000);
    await settled();
    for (let event = this.#queue.peek(); event && event.atUs <= untilUs; event = this.#queue.peek()) {
      this.#queue.pop();
      const { process } = event;
      if (event.cancelled || (process && !process.alive)) continue;
      if (process?.paused) {
        process.late.push(event);
        continue;
      }
      this.nowUs = event.atUs;
      this.events++;
      event.run();
      await settled();
    }
    this.nowUs = untilUs;
  }
}

/** Resolves when every promise chain has come to rest, however long it is: microtasks go before the next turn of the event loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A binary heap by time, then by order of making. */
class EventQueue {
  readonly #heap: SimEvent[] = [];

  peek(): SimEvent | undefined {
    return this.#heap[0];
  }

  push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as SimEvent;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child] as SimEvent)) child++;
      const below = heap[child];
      if (!below || !isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
