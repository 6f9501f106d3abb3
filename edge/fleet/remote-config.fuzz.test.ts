/**
 * Anything may happen to a gateway while it is configured: messages of every sort, connections lost, devices lost, a disk that refuses, orderly stops,
 * crashes and power cuts. One seed decides what.
 */
import { expect, it } from 'vitest';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { Box, desired, settingsOf, TRIAL_MS } from './remote-config.test-support.ts';

const SEEDS = 60;
const STEPS = 20;

it(`keeps its promises through ${SEEDS * STEPS} strokes of fate`, async () => {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const life = new Life(seed);
    await life.live();
    for (const state of life.states) seen.set(state, (seen.get(state) ?? 0) + 1);
  }
  // Fate was kind to nobody in particular.
  for (const state of ['applied', 'trying', 'rejected', 'rolled-back']) expect(seen.get(state)).toBeGreaterThan(10);
}, 60_000);

class Life {
  readonly states = new Set<string>();
  readonly #seed: number;
  readonly #random: () => number;
  readonly #box = new Box();
  /** Versions that can be had; `scanWindowMs` is the version. */
  readonly #sound = new Set<number>([0]);
  #version = 0;
  /** The highest version that was called good, and those of which it was said, with a disk that works, that they are none. */
  #good = 0;
  readonly #bad = new Set<number>();
  #diskIsWell = true;
  #reportsSeen = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
  }

  async live(): Promise<void> {
    const box = this.#box;
    box.check = ({ rates }) =>
      Object.keys(rates).map((id) => ({ key: `rates/${id}`, code: 'config-unknown-device', reason: 'not here' }));
    box.tickMs = 1_000;
    await this.#boot(false);
    for (let step = 0; step < STEPS; step++) {
      await this.#stroke();
      this.#judge(`seed ${this.#seed}, step ${step}`);
    }
    // All is well in the end: then so is a new version.
    this.#heal();
    await this.#boot(true);
    if (!box.link.connected) box.link.set(true);
    await box.send(this.#next(true));
    await box.clock.advance(10_000);
    expect([this.#seed, box.said, box.windowMs]).toEqual([
      this.#seed,
      `${this.#version}: ${this.#version} applied`,
      this.#version,
    ]);
  }

  async #stroke(): Promise<void> {
    const box = this.#box;
    const dice = this.#random();
    if (dice < 0.25) {
      await box.send(this.#next(true));
      // Some versions are not good for a device.
      if (this.#random() < 0.4) box.devices.set('cooler', { isOnline: false, message: '' });
    } else if (dice < 0.32) await box.send(this.#next(false));
    else if (dice < 0.37) await box.send(Buffer.from(this.#random() < 0.5 ? '' : '{'));
    else if (dice < 0.42) await box.send(desired(Math.max(1, this.#version - 1), settingsOf(-1)));
    else if (dice < 0.52) box.link.set(this.#random() < 0.6);
    else if (dice < 0.64) box.devices.set('cooler', { isOnline: this.#random() < 0.8, message: '' });
    else if (dice < 0.7) {
      this.#diskIsWell = !this.#diskIsWell;
      box.disk.failWrites = this.#diskIsWell ? undefined : 'EIO';
    } else if (dice < 0.76) {
      await box.stop();
      await this.#boot(this.#random() < 0.5);
    } else if (dice < 0.84) {
      box.kill();
      // What is on its way to the disk, and whether it arrives.
      box.disk.crash(this.#random);
      this.#diskIsWell = true;
      await this.#boot(this.#random() < 0.5);
    }
    await box.clock.advance(this.#random() < 0.3 ? TRIAL_MS * 1.1 : this.#random() * 6_000);
  }

  #next(isSound: boolean): Buffer {
    const version = ++this.#version;
    if (isSound) this.#sound.add(version);
    return desired(version, settingsOf(version, isSound ? {} : { freezer: {} }));
  }

  #heal(): void {
    this.#diskIsWell = true;
    this.#box.disk.failWrites = undefined;
    this.#box.devices.set('cooler', { isOnline: true, message: '' });
  }

  async #boot(rebooted: boolean): Promise<void> {
    await this.#box.start({ rebooted, connected: this.#random() < 0.8 });
    this.#reportsSeen = 0;
    if (!this.#box.link.connected && this.#random() < 0.5) this.#box.link.set(true);
    await this.#box.clock.advance(1);
  }

  #judge(where: string): void {
    const box = this.#box;
    const { version = 0 } = box.remote?.summary() ?? {};
    // One version, whole.
    expect([where, box.windowMs ?? 0]).toEqual([where, version]);
    expect([where, this.#sound.has(version)]).toEqual([where, true]);
    for (const { inForce, last } of box.link.reports.slice(this.#reportsSeen)) {
      if (last) this.states.add(last.state);
      if (last?.state === 'applied') this.#good = Math.max(this.#good, inForce.version);
      const isOver = last?.state === 'rejected' || last?.state === 'rolled-back';
      const isPassing = last?.reasons.some(({ code }) => code === 'config-not-stored');
      if (isOver && !isPassing && this.#diskIsWell) this.#bad.add(last.version);
    }
    this.#reportsSeen = box.link.reports.length;
    // What was called good is not lost; what was given back does not return.
    expect([where, version >= this.#good]).toEqual([where, true]);
    expect([where, version > 0 && this.#bad.has(version)]).toEqual([where, false]);
  }
}
