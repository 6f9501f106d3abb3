/**
 * What the drivers of satellite receivers (nmea, gpsd) share: fixes → position readings, at most one per interval; no fix is no position,
 * a status says so once, and again when there is one.
 */
import type { Fix, NoFix } from '../protocols/nmea/index.ts';
import type { Reading } from './driver.ts';
import { FaultLog } from './transport/fault-log.ts';

/** A receiver of one position a second is not late by a few milliseconds. */
const INTERVAL_TOLERANCE = 0.9;

/** Lets positions through, not more often than the interval, and says when there is no fix. */
export class PositionGate {
  readonly #intervalUs: number;
  readonly #said = new FaultLog();
  #lastUs = Number.NEGATIVE_INFINITY;
  #isVoid = false;
  #saidVoid = false;

  constructor(intervalMs: number) {
    this.#intervalUs = intervalMs * 1000 * INTERVAL_TOLERANCE;
  }

  *pass(epoch: Fix | NoFix, monotonicUs: number): Iterable<Reading> {
    if (epoch.kind === 'no-fix') {
      if (!this.#isVoid) yield* this.#lose(epoch, monotonicUs);
      this.#isVoid = true;
      return;
    }
    this.#isVoid = false;
    if (this.#saidVoid) {
      this.#saidVoid = false;
      yield { kind: 'status', code: 'position-recovered', message: 'the receiver has a fix again', monotonicUs };
    }
    if (monotonicUs - this.#lastUs < this.#intervalUs) return;
    this.#lastUs = monotonicUs;
    yield positionReading(epoch, monotonicUs);
  }

  /** A van in a city loses and finds its fix all day: that is not worth a message each time. */
  *#lose(epoch: NoFix, monotonicUs: number): Iterable<Reading> {
    if (this.#said.admit('position-void', monotonicUs) === undefined) return;
    this.#saidVoid = true;
    const seen = epoch.satellites === undefined ? '' : ` (${epoch.satellites} satellites used)`;
    const message = `the receiver has no fix${seen}: does its antenna see the sky?`;
    yield { kind: 'status', code: 'position-void', message, monotonicUs };
  }
}

function positionReading(fix: Fix, monotonicUs: number): Reading {
  const { latitude, longitude, altitudeMeters, speedMetersPerSecond, courseDegrees, hdop, satellites, utc } = fix;
  return {
    kind: 'position',
    monotonicUs,
    latitude,
    longitude,
    ...(altitudeMeters !== undefined && { altitudeMeters }),
    ...(speedMetersPerSecond !== undefined && { speedMetersPerSecond }),
    ...(courseDegrees !== undefined && { courseDegrees }),
    ...(hdop !== undefined && { hdop }),
    ...(satellites !== undefined && { satellites }),
    ...(utc !== undefined && { utcMs: utc.ms }),
  };
}
