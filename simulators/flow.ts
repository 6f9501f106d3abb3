/**
 * Packages on their way: inducted, seen by one reader after the other, delivered, for ever.
 *
 * Invariants
 *  - A package is seen whole at most once by each step: a step that succeeded is never repeated, one that was lost or
 *    damaged is tried again (the operator scans again, the pallet passes again).
 *  - Induction only within `windowsS`; packages that are on their way go on.
 *  - At most `maxInFlight` packages are on their way; induction waits while there are.
 *  - A scanner has one package at a time, with a pause between two.
 */
import type { Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import type { Journey } from './journey.ts';
import { makeParcel, type Parcel } from './parcels.ts';
import type { Random } from './random.ts';
import type { FlowSpec, StepSpec } from './scenario.ts';
import type { Fate, RunningSimulator, Sighting } from './simulator.ts';

const TICK_MS = 20;
const RETRY_MS = [800, 1600] as const;
/** Nothing is begun in the last moment before a vehicle leaves. */
const LEAVING_S = 1.5;

export interface FlowOptions {
  spec: FlowSpec;
  clock: Clock;
  random: Random;
  log: Log;
  devices: ReadonlyMap<string, RunningSimulator>;
  vehicles: ReadonlyMap<string, { journey: Journey; startUs: number }>;
}

interface Traveller {
  parcel: Parcel;
  step: number;
  dueUs: number;
  busy: boolean;
  /** The stop that each step with stops is done at. */
  stops: readonly (string | undefined)[];
}

export class Flow {
  readonly #options: FlowOptions;
  readonly #travellers = new Set<Traveller>();
  readonly #startUs: number;
  readonly #freeAtUs = new Map<string, number>();
  readonly #pending = new Set<Promise<void>>();
  #serial: number;
  #nextInductionUs: number;
  #cancel: () => void = () => {};
  #finished = false;
  #completed = 0;

  constructor(options: FlowOptions) {
    this.#options = options;
    // A day of packages lies between two seeds, so that runs against the same hub do not share numbers.
    this.#serial = options.random.integer(1, 99_999) * 10_000;
    this.#startUs = options.clock.monotonicUs();
    this.#nextInductionUs = this.#startUs;
    this.#schedule();
  }

  get inFlight(): number {
    return this.#travellers.size;
  }

  /** Packages that passed the last step. */
  get completed(): number {
    return this.#completed;
  }

  /**
   * No package is inducted or shown to a reader any more; resolves when none is in front of one, which takes the devices'
   * `withdraw`.
   */
  async finish(): Promise<void> {
    this.#finished = true;
    this.#cancel();
    await Promise.all(this.#pending);
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.after(TICK_MS, () => {
      if (this.#finished) return;
      this.#induct();
      for (const traveller of this.#travellers) this.#advance(traveller);
      this.#schedule();
    });
  }

  #induct(): void {
    const { spec, random, clock } = this.#options;
    const nowUs = clock.monotonicUs();
    const { companyPrefix, extensionDigit } = spec;
    if (!this.#isOpen((nowUs - this.#startUs) / 1e6)) return;
    // A rate above the tick's means several in one; what a full belt held up is not made up for.
    while (nowUs >= this.#nextInductionUs && this.#travellers.size < spec.maxInFlight) {
      const dueUs = Math.max(this.#nextInductionUs, nowUs - 2 * TICK_MS * 1000);
      this.#nextInductionUs = dueUs + between(random, spec.inductEveryMs) * 1000;
      this.#travellers.add({
        parcel: makeParcel({ companyPrefix, extensionDigit, serial: this.#serial++ }),
        step: 0,
        dueUs: nowUs,
        busy: false,
        stops: spec.steps.map(({ at }) => at?.[this.#serial % at.length]),
      });
    }
  }

  #isOpen(atS: number): boolean {
    return this.#options.spec.windowsS?.some(([from, to]) => from <= atS && atS < to) ?? true;
  }

  #advance(traveller: Traveller): void {
    const nowUs = this.#options.clock.monotonicUs();
    const step = this.#options.spec.steps[traveller.step];
    if (traveller.busy || step === undefined || traveller.dueUs > nowUs) return;
    if (nowUs < (this.#freeAtUs.get(step.device) ?? 0) || !this.#isThere(traveller, step)) return;
    const device = this.#options.devices.get(step.device);
    if (device?.observe === undefined) return;
    traveller.busy = true;
    this.#freeAtUs.set(step.device, nowUs + between(this.#options.random, step.gapMs) * 1000);
    const work = device
      .observe(this.#sighting(traveller.parcel, step))
      .then((fate) => this.#seen(traveller, fate))
      .catch((error: unknown) => {
        this.#options.log.error({ device: step.device, err: error }, 'a simulated reader failed');
        this.#seen(traveller, 'lost');
      })
      .finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }

  #isThere(traveller: Traveller, step: StepSpec): boolean {
    if (step.vehicle === undefined) return true;
    const vehicle = this.#options.vehicles.get(step.vehicle);
    if (vehicle === undefined) return false;
    const state = vehicle.journey.at((this.#options.clock.monotonicUs() - vehicle.startUs) / 1e6);
    return state.stop === traveller.stops[traveller.step] && state.stopLeftS > LEAVING_S;
  }

  #sighting(parcel: Parcel, step: StepSpec): Sighting {
    return {
      ...parcel,
      dwellMs: between(this.#options.random, step.dwellMs),
      ...(step.antennas && { antennas: step.antennas }),
    };
  }

  #seen(traveller: Traveller, fate: Fate): void {
    const { spec, random, clock } = this.#options;
    traveller.busy = false;
    const nowUs = clock.monotonicUs();
    if (fate !== 'intact') {
      traveller.dueUs = nowUs + between(random, RETRY_MS) * 1000;
      return;
    }
    traveller.step++;
    const next = spec.steps[traveller.step];
    if (next === undefined) {
      this.#travellers.delete(traveller);
      this.#completed++;
    } else {
      traveller.dueUs = nowUs + between(random, next.afterMs) * 1000;
    }
  }
}

function between(random: Random, [from, to]: readonly [number, number]): number {
  return random.between(from, to);
}
