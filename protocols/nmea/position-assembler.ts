/**
 * Merges the sentences of one epoch (one solution of the receiver) into one fix.
 *
 * An epoch ends when a sentence has another time, when the same talker repeats a sentence that comes once per epoch, or when
 * the driver says that the line went quiet (idle(), about 100 ms: the receiver has said all it knows of this second).
 *
 * Invariants
 *  - One void sentence (status V, quality 0, mode N) makes the epoch void: `no-fix`, never a position.
 *  - The date comes from RMC or ZDA of a valid epoch. Epochs without one take the last, across midnight too; before
 *    the first there is no UTC. The receiver's clock is its word, not the truth: the caller verifies it.
 *  - State is one epoch and one date.
 */
import type { CalendarDate, Coordinates, NmeaSentence } from './sentence.ts';

const DAY_MS = 86_400_000;
const METERS_PER_SECOND_PER_KNOT = 1852 / 3600;

export type FixQuality =
  | 'unspecified'
  | 'autonomous'
  | 'differential'
  | 'precise'
  | 'rtk-fixed'
  | 'rtk-float'
  | 'estimated'
  | 'manual'
  | 'simulated';

export interface Fix extends Coordinates {
  kind: 'fix';
  altitudeMeters?: number;
  speedMetersPerSecond?: number;
  /** Over ground, true. Receivers leave it out at rest. */
  courseDegrees?: number;
  /** Where the vehicle points, true. */
  headingDegrees?: number;
  hdop?: number;
  satellites?: number;
  /** Without altitude (2) or with (3). */
  dimensions?: 2 | 3;
  /** Milliseconds since 1970. */
  utc?: { ms: number };
  quality: FixQuality;
}

export interface NoFix {
  kind: 'no-fix';
  satellites?: number;
}

interface Epoch {
  timeOfDayMs: number | undefined;
  date: CalendarDate | undefined;
  /** Talker and kind of the sentences that come once per epoch. */
  seen: Set<string>;
  void: boolean;
  /** Best position so far: of the kinds in POSITION_ORDER the earliest. */
  position: Coordinates | undefined;
  positionRank: number;
  altitudeMeters: number | undefined;
  speedMetersPerSecond: number | undefined;
  courseDegrees: number | undefined;
  headingDegrees: number | undefined;
  hdop: number | undefined;
  satellites: number | undefined;
  dimensions: 2 | 3 | undefined;
  quality: FixQuality | undefined;
}

/** GGA and GNS come with altitude and quality; GLL has the least. */
const POSITION_ORDER = ['gga', 'gns', 'rmc', 'gll'];

export class PositionAssembler {
  private epoch: Epoch | undefined;
  /** UTC of the last fix that had one: dates those that have none. */
  private lastUtcMs: number | undefined;

  /** Takes the next sentence; gives the epoch that ended with its arrival. */
  push(sentence: NmeaSentence): Fix | NoFix | undefined {
    if (!isRelevant(sentence)) return undefined;
    const ended = this.epoch !== undefined && startsNext(this.epoch, sentence) ? this.idle() : undefined;
    this.epoch ??= newEpoch();
    merge(this.epoch, sentence);
    return ended;
  }

  /** The line went quiet: gives the epoch as it stands. */
  idle(): Fix | NoFix | undefined {
    const { epoch } = this;
    this.epoch = undefined;
    // GSA, VTG and HDT alone say nothing about a position.
    return epoch === undefined || epoch.seen.size === 0 ? undefined : this.conclude(epoch);
  }

  /** Another receiver, or the same one after an unknown time: the date is not carried over. */
  reset(): void {
    this.epoch = undefined;
    this.lastUtcMs = undefined;
  }

  private conclude(epoch: Epoch): Fix | NoFix | undefined {
    const { position, satellites } = epoch;
    if (epoch.void) return { kind: 'no-fix', ...(satellites === undefined ? {} : { satellites }) };
    // ZDA alone: a time, neither a position nor the word that there is none.
    if (position === undefined) return undefined;
    const ms = this.utcOf(epoch);
    if (ms !== undefined) this.lastUtcMs = ms;
    const optional = {
      altitudeMeters: epoch.altitudeMeters,
      speedMetersPerSecond: epoch.speedMetersPerSecond,
      courseDegrees: epoch.courseDegrees,
      headingDegrees: epoch.headingDegrees,
      hdop: epoch.hdop,
      satellites,
      dimensions: epoch.dimensions,
      utc: ms === undefined ? undefined : { ms },
    };
    const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined));
    return { kind: 'fix', ...position, quality: epoch.quality ?? 'unspecified', ...given };
  }

  private utcOf(epoch: Epoch): number | undefined {
    const { timeOfDayMs, date } = epoch;
    if (timeOfDayMs === undefined) return undefined;
    if (date !== undefined) return Date.UTC(date.year, date.month - 1, date.day) + timeOfDayMs;
    if (this.lastUtcMs === undefined) return undefined;
    // The day that brings this time nearest to the last one.
    const sameDay = Math.floor(this.lastUtcMs / DAY_MS) * DAY_MS + timeOfDayMs;
    return sameDay + Math.round((this.lastUtcMs - sameDay) / DAY_MS) * DAY_MS;
  }
}

function newEpoch(): Epoch {
  return {
    timeOfDayMs: undefined,
    date: undefined,
    seen: new Set(),
    void: false,
    position: undefined,
    positionRank: POSITION_ORDER.length,
    altitudeMeters: undefined,
    speedMetersPerSecond: undefined,
    courseDegrees: undefined,
    headingDegrees: undefined,
    hdop: undefined,
    satellites: undefined,
    dimensions: undefined,
    quality: undefined,
  };
}

type Relevant = Exclude<NmeaSentence, { kind: 'gsv' | 'other' | 'proprietary' }>;

function isRelevant(sentence: NmeaSentence): sentence is Relevant {
  return sentence.kind !== 'gsv' && sentence.kind !== 'other' && sentence.kind !== 'proprietary';
}

function startsNext(epoch: Epoch, sentence: Relevant): boolean {
  if (!isOncePerEpoch(sentence)) return false;
  if (epoch.seen.has(keyOf(sentence))) return true;
  const time = 'timeOfDayMs' in sentence ? sentence.timeOfDayMs : undefined;
  return time !== undefined && epoch.timeOfDayMs !== undefined && time !== epoch.timeOfDayMs;
}

/** GSA comes once per satellite system and VTG may come twice; these do not. */
function isOncePerEpoch(sentence: Relevant): boolean {
  return sentence.kind === 'zda' || POSITION_ORDER.includes(sentence.kind);
}

function keyOf(sentence: Relevant): string {
  return sentence.talker + sentence.kind;
}

function merge(epoch: Epoch, sentence: Relevant): void {
  if (isOncePerEpoch(sentence)) epoch.seen.add(keyOf(sentence));
  if ('timeOfDayMs' in sentence) epoch.timeOfDayMs ??= sentence.timeOfDayMs;
  switch (sentence.kind) {
    case 'gga':
      if (sentence.quality === 0) epoch.void = true;
      else epoch.quality = GGA_QUALITY[sentence.quality] ?? 'unspecified';
      mergeSolution(epoch, sentence);
      return;
    case 'gns':
      if (!/[^N]/.test(sentence.mode)) epoch.void = true;
      else epoch.quality ??= bestMode(sentence.mode);
      mergeSolution(epoch, sentence);
      return;
    case 'rmc':
      if (!sentence.valid) epoch.void = true;
      epoch.date ??= sentence.date;
      epoch.quality ??= sentence.mode === undefined ? undefined : bestMode(sentence.mode);
      takePosition(epoch, sentence);
      if (sentence.speedKnots !== undefined) {
        epoch.speedMetersPerSecond ??= sentence.speedKnots * METERS_PER_SECOND_PER_KNOT;
      }
      epoch.courseDegrees ??= sentence.courseDegrees;
      return;
    case 'gll':
      if (!sentence.valid) epoch.void = true;
      takePosition(epoch, sentence);
      return;
    case 'vtg':
      if (sentence.mode === 'N') return;
      epoch.speedMetersPerSecond ??= vtgSpeed(sentence);
      epoch.courseDegrees ??= sentence.courseTrueDegrees;
      return;
    case 'gsa':
      // Of several systems one may contribute nothing: only a position decides, not this sentence alone.
      if (sentence.fix !== 1) epoch.dimensions = epoch.dimensions === 3 ? 3 : sentence.fix;
      epoch.hdop ??= sentence.fix === 1 ? undefined : sentence.hdop;
      return;
    case 'zda':
      epoch.date ??= sentence.date;
      return;
    case 'hdt':
      epoch.headingDegrees = sentence.headingTrueDegrees;
      return;
  }
}

type Solution = Extract<NmeaSentence, { kind: 'gga' | 'gns' }>;

function mergeSolution(epoch: Epoch, sentence: Solution): void {
  takePosition(epoch, sentence);
  epoch.altitudeMeters ??= sentence.altitudeMeters;
  epoch.hdop = sentence.hdop ?? epoch.hdop;
  epoch.satellites = sentence.satellites ?? epoch.satellites;
}

function takePosition(epoch: Epoch, sentence: { kind: string; position?: Coordinates }): void {
  const rank = POSITION_ORDER.indexOf(sentence.kind);
  if (sentence.position === undefined || rank >= epoch.positionRank) return;
  epoch.position = sentence.position;
  epoch.positionRank = rank;
}

function vtgSpeed(sentence: Extract<NmeaSentence, { kind: 'vtg' }>): number | undefined {
  if (sentence.speedKilometersPerHour !== undefined) return sentence.speedKilometersPerHour / 3.6;
  return sentence.speedKnots === undefined ? undefined : sentence.speedKnots * METERS_PER_SECOND_PER_KNOT;
}

const GGA_QUALITY: readonly FixQuality[] = [
  'unspecified',
  'autonomous',
  'differential',
  'precise',
  'rtk-fixed',
  'rtk-float',
  'estimated',
  'manual',
  'simulated',
  // Used by some receivers for satellite-based augmentation.
  'differential',
];

/** From best to worst; a GNS mode has one letter per satellite system. */
const MODE_QUALITY: readonly [string, FixQuality][] = [
  ['R', 'rtk-fixed'],
  ['F', 'rtk-float'],
  ['P', 'precise'],
  ['D', 'differential'],
  ['A', 'autonomous'],
  ['E', 'estimated'],
  ['M', 'manual'],
  ['S', 'simulated'],
];

function bestMode(mode: string): FixQuality {
  return MODE_QUALITY.find(([letter]) => mode.includes(letter))?.[1] ?? 'unspecified';
}
