/**
 * The power fails, or the process is killed, between any two operations on the disk; what was not synced is lost, torn and reordered. Nothing that
 * was accepted may be missing, nothing invented, nothing given twice, and nothing counted as lost. One seed decides everything.
 */
import { expect, it } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { MemoryDisk } from './memory-disk.test-support.ts';
import { isOurs, openOn, pending } from './outbox.test-support.ts';
import type { OutboxOptions } from './outbox-options.ts';

const SEEDS = 2_600;
const BOOTS = 4;

it(`loses no accepted record and invents none, at ${SEEDS * BOOTS} crash points`, async () => {
  let crashes = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const life = new Life(seed);
    for (let boot = 0; boot < BOOTS; boot++) {
      await life.boot();
      crashes++;
    }
    await life.judge();
  }
  expect(crashes).toBeGreaterThanOrEqual(10_000);
}, 300_000);

class Life {
  readonly #seed: number;
  readonly #random: () => number;
  readonly #disk = new MemoryDisk();
  readonly #options: Partial<OutboxOptions>;
  readonly #accepted = new Map<Lane, Map<number, string>>(LANES.map((lane) => [lane, new Map()]));
  readonly #acknowledged = new Map<Lane, Set<string>>(LANES.map((lane) => [lane, new Set()]));
  readonly #offered = new Set<string>();
  #hostRun = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    // Some with segments of a few records, some with a reserve, some that know which run of the system they are in.
    this.#options = {
      segmentBytes: this.#random() < 0.5 ? 200 : 300 + Math.floor(this.#random() * 1_500),
      diskReserveBytes: this.#random() < 0.2 ? 1_024 : 0,
      commitDelayMs: 2,
    };
  }

  async boot(): Promise<void> {
    const random = this.#random;
    // Each boot has a clock of its own: a dead process's timers never run.
    const clock = new ManualClock();
    const disk = this.#disk;
    disk.dieAt = disk.operations + 1 + Math.floor(random() * 45);
    const outbox = await openOn(disk, clock, { ...this.#options, ...this.#hostRunOption() });
    for (let step = 0; step < 8; step++) {
      for (let n = Math.floor(random() * 4); n > 0; n--) {
        const lane = LANES[Math.floor(random() * 3)] as Lane;
        const text = `${lane}:${this.#offered.size} ${'x'.repeat(Math.floor(random() * 400) * Number(random() < 0.4))}`;
        this.#offered.add(text);
        outbox.append(lane, Buffer.from(text), { monotonicUs: 1, wallMs: 0, state: 'ntp', uncertaintyMs: 1 }).then(
          (sequence) => this.#promised(lane, sequence, text),
          () => {},
        );
      }
      await clock.advance(random() < 0.7 ? 3 : 0);
      if (random() < 0.3) this.#acknowledge(outbox);
      // A sync that fails now and then: what it was for was not accepted, and its pages are not trusted.
      disk.refuse = random() < 0.1 ? (operation) => (operation === 'sync' ? 'EIO' : undefined) : undefined;
    }
    await clock.advance(random() < 0.4 ? 600 : 0);
    if (random() < 0.1) await outbox.close();
    // Dead: what it was about to do does not happen any more.
    disk.dieAt = 0;
    disk.refuse = undefined;
    for (let turn = 0; turn < 5; turn++) await clock.advance(0);
    // A killed process leaves the kernel's pages as they are; a power failure does not.
    if (random() < 0.25) {
      disk.dieAt = Number.POSITIVE_INFINITY;
    } else {
      disk.crash(random);
      this.#hostRun++;
    }
  }

  async judge(): Promise<void> {
    const clock = new ManualClock();
    const outbox = await openOn(this.#disk, clock, { ...this.#options, ...this.#hostRunOption() });
    await clock.advance(50);
    const of = (what: string) => `seed ${this.#seed}: ${what}`;
    expect(outbox.mode.mode, of('mode')).toBe('ok');
    expect(await outbox.verify(), of('recount')).toEqual([]);
    const seen = new Set<string>();
    for (const lane of LANES) {
      const found = await pending(outbox, lane);
      const { accepted, delivered, evicted, quarantined, pending: waiting } = outbox.ledger()[lane];
      expect({ evicted, quarantined }, of(`${lane} lost`)).toEqual({ evicted: 0, quarantined: 0 });
      expect(found.size, of(`${lane} pending`)).toBe(waiting);
      expect(accepted, of(`${lane} accepted`)).toBe(delivered + waiting);
      expect(accepted + outbox.unused()[lane], of(`${lane} given out`)).toBe(outbox.lastSequence(lane));
      for (const [sequence, text] of this.#accepted.get(lane) ?? []) {
        const isGone = this.#acknowledged.get(lane)?.has(text) && !found.has(sequence);
        if (!isGone) expect(found.get(sequence), of(`accepted record ${sequence} of ${lane}`)).toBe(text);
      }
      for (const text of found.values()) {
        if (!isOurs(text)) continue;
        expect(this.#offered.has(text) && !seen.has(text), of(`${lane} gives ${text} once`)).toBe(true);
        seen.add(text);
      }
    }
  }

  #promised(lane: Lane, sequence: number, text: string): void {
    const known = this.#accepted.get(lane);
    expect(known?.has(sequence), `seed ${this.#seed}: sequence ${sequence} of ${lane} given out twice`).toBe(false);
    known?.set(sequence, text);
  }

  #acknowledge(outbox: Awaited<ReturnType<typeof openOn>>): void {
    const lane = LANES[Math.floor(this.#random() * 3)] as Lane;
    const last = Math.ceil(outbox.lastSequence(lane) * Math.min(1, 1.5 * this.#random()));
    for (const [sequence, text] of this.#accepted.get(lane) ?? []) {
      if (sequence <= last) this.#acknowledged.get(lane)?.add(text);
    }
    outbox.acknowledge({ epoch: outbox.epoch, lane, first: 1, last });
  }

  #hostRunOption(): Partial<OutboxOptions> {
    return this.#seed % 3 === 0 ? { hostRun: `${this.#hostRun}` } : {};
  }
}
