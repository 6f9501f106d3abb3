/** NMEA 0183 sentence text → value. */
import { CodecError } from '../base/codec-error.ts';
import { type EnvelopeOptions, openEnvelope } from './envelope.ts';
import { EAST_WEST, Fields } from './fields.ts';
import type { Coordinates, Gga, GgaQuality, Gll, Gns, Gsa, Gsv, NmeaSentence, Rmc, Vtg, Zda } from './sentence.ts';
import { tagBlockLength } from './tag-block.ts';

/** Decodes exactly one sentence, with or without CR LF; a TAG block in front of it is checked and skipped. */
export function decodeNmea(input: string | Uint8Array, options: EnvelopeOptions = {}): NmeaSentence {
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  const start = tagBlockLength(text);
  if (start === 0) return decodeSentence(text, options);
  try {
    return decodeSentence(text.slice(start), options);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new CodecError({
      code: error.code,
      message: error.message,
      offset: start + error.offset,
      cause: error,
    });
  }
}

function decodeSentence(text: string, options: EnvelopeOptions): NmeaSentence {
  const { ends, encapsulated } = openEnvelope(text, options);
  const fields = new Fields(text, ends);
  const { address } = fields;
  const isAddress = isUpperAlphanumeric(address);
  if (isAddress && address.length >= 4 && address[0] === 'P' && !encapsulated) {
    return { kind: 'proprietary', address, fields: fields.all };
  }
  if (!isAddress || address.length !== 5) {
    throw new CodecError({
      code: 'nmea-address',
      message: `address '${address}': a talker of two letters and a formatter of three were expected`,
      offset: 1,
    });
  }
  const talker = address.slice(0, 2);
  const formatter = address.slice(2);
  const decode = encapsulated ? undefined : DECODERS.get(formatter);
  if (decode !== undefined) return decode(talker, fields);
  return { kind: 'other', talker, formatter, encapsulated, fields: fields.all };
}

function isUpperAlphanumeric(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39))) return false;
  }
  return true;
}

const DECODERS: ReadonlyMap<string, (talker: string, fields: Fields) => NmeaSentence> = new Map([
  ['GGA', gga],
  ['RMC', rmc],
  ['GLL', gll],
  ['VTG', vtg],
  ['GSA', gsa],
  ['GSV', gsv],
  ['ZDA', zda],
  ['HDT', hdt],
  ['GNS', gns],
] as [string, (talker: string, fields: Fields) => NmeaSentence][]);

/** Optional properties must be absent, not undefined. */
type Loose<T> = { [K in keyof T]: T[K] | undefined };

/**
 * A copy without them rather than `delete`, which would make the object a slow one for whoever reads it. The sentences that come every
 * second (GGA, RMC, GSA) are built property by property, which is quicker still.
 */
function compact<T extends object>(value: Loose<T>): T {
  const result: Partial<T> = {};
  for (const key in value) {
    const property = value[key];
    if (property !== undefined) result[key] = property;
  }
  return result as T;
}

function gga(talker: string, fields: Fields): Gga {
  const quality = (fields.whole(5) ?? 0) as GgaQuality;
  if (quality < 0 || quality > 9) throw fields.fault(5, '0–9');
  const sentence: Gga = { kind: 'gga', talker, quality };
  const timeOfDayMs = fields.timeOfDayMs(0);
  if (timeOfDayMs !== undefined) sentence.timeOfDayMs = timeOfDayMs;
  const position = unlessVoid(fields.coordinates(1), quality !== 0);
  if (position !== undefined) sentence.position = position;
  const satellites = fields.whole(6);
  if (satellites !== undefined) sentence.satellites = satellites;
  const hdop = fields.number(7);
  if (hdop !== undefined) sentence.hdop = hdop;
  const altitudeMeters = fields.number(8);
  if (altitudeMeters !== undefined) sentence.altitudeMeters = altitudeMeters;
  const geoidSeparationMeters = fields.number(10);
  if (geoidSeparationMeters !== undefined) sentence.geoidSeparationMeters = geoidSeparationMeters;
  const differentialAgeSeconds = fields.number(12);
  if (differentialAgeSeconds !== undefined) sentence.differentialAgeSeconds = differentialAgeSeconds;
  const differentialStation = fields.text(13);
  if (differentialStation !== undefined) sentence.differentialStation = differentialStation;
  return sentence;
}

function rmc(talker: string, fields: Fields): Rmc {
  const mode = fields.text(11);
  const valid = isValid(fields, 1, mode);
  const variation = fields.number(9);
  const westward = fields.letter(10, EAST_WEST) === 'W';
  const sentence: Rmc = { kind: 'rmc', talker, valid };
  const timeOfDayMs = fields.timeOfDayMs(0);
  if (timeOfDayMs !== undefined) sentence.timeOfDayMs = timeOfDayMs;
  const position = unlessVoid(fields.coordinates(2), valid);
  if (position !== undefined) sentence.position = position;
  const speedKnots = fields.number(6);
  if (speedKnots !== undefined) sentence.speedKnots = speedKnots;
  const courseDegrees = fields.number(7);
  if (courseDegrees !== undefined) sentence.courseDegrees = courseDegrees;
  const date = fields.dateDdmmyy(8);
  if (date !== undefined) sentence.date = date;
  if (variation !== undefined) sentence.magneticVariationDegrees = westward ? -variation : variation;
  if (mode !== undefined) sentence.mode = mode;
  const navigationStatus = fields.text(12);
  if (navigationStatus !== undefined) sentence.navigationStatus = navigationStatus;
  return sentence;
}

function gll(talker: string, fields: Fields): Gll {
  const mode = fields.text(6);
  // Before V2 there was no status field: a position that is there counts.
  const valid = fields.count <= 5 ? fields.text(0) !== undefined : isValid(fields, 5, mode);
  return compact<Gll>({
    kind: 'gll',
    talker,
    position: unlessVoid(fields.coordinates(0), valid),
    timeOfDayMs: fields.timeOfDayMs(4),
    valid,
    mode,
  });
}

function vtg(talker: string, fields: Fields): Vtg {
  // Before V2.3 the four numbers stood without their unit letters.
  if (fields.count <= 4 && fields.text(1) !== 'T') {
    return compact<Vtg>({
      kind: 'vtg',
      talker,
      courseTrueDegrees: fields.number(0),
      courseMagneticDegrees: fields.number(1),
      speedKnots: fields.number(2),
      speedKilometersPerHour: fields.number(3),
      mode: undefined,
    });
  }
  return compact<Vtg>({
    kind: 'vtg',
    talker,
    courseTrueDegrees: fields.number(0),
    courseMagneticDegrees: fields.number(2),
    speedKnots: fields.number(4),
    speedKilometersPerHour: fields.number(6),
    mode: fields.text(8),
  });
}

function gsa(talker: string, fields: Fields): Gsa {
  const fix = fields.whole(1) ?? 1;
  if (fix !== 1 && fix !== 2 && fix !== 3) throw fields.fault(1, '1, 2 or 3');
  const satelliteIds: number[] = [];
  for (let i = 0; i < 12; i++) {
    const id = fields.whole(2 + i);
    if (id !== undefined) satelliteIds.push(id);
  }
  const sentence: Gsa = { kind: 'gsa', talker, fix, satelliteIds };
  const selection = fields.text(0);
  if (selection !== undefined) sentence.selection = selection;
  const pdop = fields.number(14);
  if (pdop !== undefined) sentence.pdop = pdop;
  const hdop = fields.number(15);
  if (hdop !== undefined) sentence.hdop = hdop;
  const vdop = fields.number(16);
  if (vdop !== undefined) sentence.vdop = vdop;
  const systemId = fields.text(17);
  if (systemId !== undefined) sentence.systemId = systemId;
  return sentence;
}

function gsv(talker: string, fields: Fields): Gsv {
  // Groups of four after three numbers; a single field left over is the signal id of V4.10.
  const groups = Math.floor((fields.count - 3) / 4);
  const satellites: Gsv['satellites'][number][] = [];
  for (let group = 0; group < groups; group++) {
    const at = 3 + 4 * group;
    const id = fields.whole(at);
    if (id === undefined) continue;
    satellites.push(
      compact<Gsv['satellites'][number]>({
        id,
        elevationDegrees: fields.number(at + 1),
        azimuthDegrees: fields.number(at + 2),
        signalDb: fields.number(at + 3),
      }),
    );
  }
  return compact<Gsv>({
    kind: 'gsv',
    talker,
    messages: fields.whole(0) ?? 1,
    message: fields.whole(1) ?? 1,
    inView: fields.whole(2) ?? 0,
    satellites,
    signalId: (fields.count - 3) % 4 === 1 ? fields.text(fields.count - 1) : undefined,
  });
}

function zda(talker: string, fields: Fields): Zda {
  return compact<Zda>({
    kind: 'zda',
    talker,
    timeOfDayMs: fields.timeOfDayMs(0),
    date: fields.dateOfFields(1),
    zoneHours: fields.whole(4),
    zoneMinutes: fields.whole(5),
  });
}

function hdt(talker: string, fields: Fields): NmeaSentence {
  const heading = fields.number(0);
  return heading === undefined ? { kind: 'hdt', talker } : { kind: 'hdt', talker, headingTrueDegrees: heading };
}

function gns(talker: string, fields: Fields): Gns {
  const mode = fields.text(5) ?? 'N';
  return compact<Gns>({
    kind: 'gns',
    talker,
    timeOfDayMs: fields.timeOfDayMs(0),
    position: unlessVoid(fields.coordinates(1), /[^N]/.test(mode)),
    mode,
    satellites: fields.whole(6),
    hdop: fields.number(7),
    altitudeMeters: fields.number(8),
    geoidSeparationMeters: fields.number(9),
    differentialAgeSeconds: fields.number(10),
    differentialStation: fields.text(11),
    navigationStatus: fields.text(12),
  });
}

const STATUS = ['A', 'V'] as const;

/** Status A, and a mode other than N where there is one. */
function isValid(fields: Fields, statusAt: number, mode: string | undefined): boolean {
  return fields.letter(statusAt, STATUS) === 'A' && mode !== 'N';
}

function unlessVoid(position: Coordinates | undefined, valid: boolean): Coordinates | undefined {
  return valid ? position : undefined;
}
