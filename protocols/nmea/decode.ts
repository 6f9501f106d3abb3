/** NMEA 0183 sentence text → value. */
import { CodecError } from '../base/codec-error.ts';
import { type EnvelopeOptions, openEnvelope } from './envelope.ts';
import { Fields } from './fields.ts';
import type { Coordinates, Gga, GgaQuality, Gll, Gns, Gsa, Gsv, NmeaSentence, Rmc, Vtg, Zda } from './sentence.ts';

/** Decodes exactly one sentence, with or without CR LF. */
export function decodeNmea(input: string | Uint8Array, options: EnvelopeOptions = {}): NmeaSentence {
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  const { body, encapsulated } = openEnvelope(text, options);
  const comma = body.indexOf(',');
  const address = comma < 0 ? body : body.slice(0, comma);
  const fields = new Fields(body);
  if (/^P[A-Z0-9]{3,}$/.test(address) && !encapsulated) return { kind: 'proprietary', address, fields: fields.all };
  if (!/^[A-Z0-9]{5}$/.test(address)) {
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

function compact<T extends object>(value: Loose<T>): T {
  for (const key of Object.keys(value) as (keyof T)[]) if (value[key] === undefined) delete value[key];
  return value as T;
}

function gga(talker: string, fields: Fields): Gga {
  const quality = (fields.whole(5) ?? 0) as GgaQuality;
  if (quality < 0 || quality > 9) throw fields.fault(5, '0–9');
  return compact<Gga>({
    kind: 'gga',
    talker,
    timeOfDayMs: fields.timeOfDayMs(0),
    position: unlessVoid(fields.coordinates(1), quality !== 0),
    quality,
    satellites: fields.whole(6),
    hdop: fields.number(7),
    altitudeMeters: fields.number(8),
    geoidSeparationMeters: fields.number(10),
    differentialAgeSeconds: fields.number(12),
    differentialStation: fields.text(13),
  });
}

function rmc(talker: string, fields: Fields): Rmc {
  const mode = fields.text(11);
  const valid = isValid(fields, 1, mode);
  const variation = fields.number(9);
  const westward = fields.letter(10, ['E', 'W']) === 'W';
  return compact<Rmc>({
    kind: 'rmc',
    talker,
    timeOfDayMs: fields.timeOfDayMs(0),
    valid,
    position: unlessVoid(fields.coordinates(2), valid),
    speedKnots: fields.number(6),
    courseDegrees: fields.number(7),
    date: fields.dateDdmmyy(8),
    magneticVariationDegrees: variation === undefined || !westward ? variation : -variation,
    mode,
    navigationStatus: fields.text(12),
  });
}

function gll(talker: string, fields: Fields): Gll {
  const mode = fields.text(6);
  // Before V2 there was no status field: a position that is there counts.
  const valid = fields.all.length <= 5 ? fields.text(0) !== undefined : isValid(fields, 5, mode);
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
  if (fields.all.length <= 4 && fields.text(1) !== 'T') {
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
  const ids = Array.from({ length: 12 }, (_, i) => fields.whole(2 + i));
  return compact<Gsa>({
    kind: 'gsa',
    talker,
    selection: fields.text(0),
    fix,
    satelliteIds: ids.filter((id) => id !== undefined),
    pdop: fields.number(14),
    hdop: fields.number(15),
    vdop: fields.number(16),
    systemId: fields.text(17),
  });
}

function gsv(talker: string, fields: Fields): Gsv {
  // Groups of four after three numbers; a single field left over is the signal id of V4.10.
  const groups = Math.floor((fields.all.length - 3) / 4);
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
    signalId: (fields.all.length - 3) % 4 === 1 ? fields.text(fields.all.length - 1) : undefined,
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

/** Status A, and a mode other than N where there is one. */
function isValid(fields: Fields, statusAt: number, mode: string | undefined): boolean {
  return fields.letter(statusAt, ['A', 'V']) === 'A' && mode !== 'N';
}

function unlessVoid(position: Coordinates | undefined, valid: boolean): Coordinates | undefined {
  return valid ? position : undefined;
}
