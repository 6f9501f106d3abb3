/**
 * Which of gpsd's receivers is followed, and the sky that each last told. Pure.
 *
 * One at a time: two antennas a meter apart would make a vehicle jump. With a receiver configured it is that one; otherwise the first with a
 * fix, until it has had none for GIVE_UP_US while another has one.
 */
import { type GpsdSky, type GpsdTpv, gpsdFix } from '../../../protocols/gpsd/index.ts';
import type { Fix, NoFix } from '../../../protocols/nmea/index.ts';

const GIVE_UP_US = 10_000_000;
/** gpsd itself takes 4 to 6 receivers. */
const MOST_RECEIVERS = 16;

export class Receivers {
  readonly #wanted: string | undefined;
  readonly #skies = new Map<string, GpsdSky>();
  #followed: string | undefined;
  #lastFixUs = Number.NEGATIVE_INFINITY;

  constructor(wanted: string | undefined) {
    this.#wanted = wanted;
    this.#followed = wanted;
  }

  sky(report: GpsdSky): void {
    const device = report.device ?? '';
    // gpsd sends a second SKY without counts where a receiver tells its satellites in several sentences.
    const { satellitesUsed } = report;
    if (this.#skies.size < MOST_RECEIVERS || this.#skies.has(device)) {
      this.#skies.set(device, { ...this.#skies.get(device), ...report, ...(satellitesUsed && { satellitesUsed }) });
    }
  }

  /** The fix, or that there is none; undefined when it is of a receiver that is not followed. */
  tpv(report: GpsdTpv, monotonicUs: number): Fix | NoFix | undefined {
    const device = report.device ?? '';
    const fix = gpsdFix(report, this.#skies.get(device));
    if (this.#wanted !== undefined && device !== this.#wanted) return undefined;
    if (fix.kind === 'fix' && this.#mayFollow(device, monotonicUs)) {
      this.#followed = device;
      this.#lastFixUs = monotonicUs;
    }
    return this.#followed === undefined || this.#followed === device ? fix : undefined;
  }

  #mayFollow(device: string, monotonicUs: number): boolean {
    return this.#followed === undefined || this.#followed === device || monotonicUs - this.#lastFixUs > GIVE_UP_US;
  }
}
