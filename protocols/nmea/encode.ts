/**
 * Value → NMEA 0183 sentence with checksum and CR LF, for simulators. Speeds, angles and times have the digits that
 * receivers send; positions have five digits of a minute (2 cm).
 */
import { closeEnvelope } from './envelope.ts';
import type { CalendarDate, Coordinates, NmeaSentence } from './sentence.ts';

const MINUTE_DIGITS = 5;

export function encodeNmea(sentence: NmeaSentence): string {
  if (sentence.kind === 'proprietary') return closeEnvelope([sentence.address, ...sentence.fields].join(','));
  if (sentence.kind === 'other') {
    const body = [sentence.talker + sentence.formatter, ...sentence.fields].join(',');
    return closeEnvelope(body, sentence.encapsulated ? '!' : '$');
  }
  return closeEnvelope([sentence.talker + sentence.kind.toUpperCase(), ...fieldsOf(sentence)].join(','));
}

type Known = Exclude<NmeaSentence, { kind: 'other' | 'proprietary' }>;

function fieldsOf(sentence: Known): string[] {
  switch (sentence.kind) {
    case 'gga':
      return [
        time(sentence.timeOfDayMs),
        ...place(sentence.position),
        String(sentence.quality),
        padded(sentence.satellites, 2),
        fixed(sentence.hdop, 2),
        ...[fixed(sentence.altitudeMeters, 1), 'M'],
        ...[fixed(sentence.geoidSeparationMeters, 1), 'M'],
        fixed(sentence.differentialAgeSeconds, 1),
        sentence.differentialStation ?? '',
      ];
    case 'rmc': {
      const variation = sentence.magneticVariationDegrees;
      return [
        time(sentence.timeOfDayMs),
        sentence.valid ? 'A' : 'V',
        ...place(sentence.position),
        fixed(sentence.speedKnots, 3),
        fixed(sentence.courseDegrees, 2),
        sentence.date === undefined ? '' : ddmmyy(sentence.date),
        variation === undefined ? '' : fixed(Math.abs(variation), 1),
        variation === undefined ? '' : variation < 0 ? 'W' : 'E',
        ...trailing(sentence.mode, sentence.navigationStatus),
      ];
    }
    case 'gll':
      return [
        ...place(sentence.position),
        time(sentence.timeOfDayMs),
        sentence.valid ? 'A' : 'V',
        ...trailing(sentence.mode),
      ];
    case 'vtg':
      return [
        ...[fixed(sentence.courseTrueDegrees, 2), 'T'],
        ...[fixed(sentence.courseMagneticDegrees, 2), 'M'],
        ...[fixed(sentence.speedKnots, 3), 'N'],
        ...[fixed(sentence.speedKilometersPerHour, 3), 'K'],
        ...trailing(sentence.mode),
      ];
    case 'gsa':
      return [
        sentence.selection ?? 'A',
        String(sentence.fix),
        ...Array.from({ length: 12 }, (_, i) => padded(sentence.satelliteIds[i], 2)),
        fixed(sentence.pdop, 2),
        fixed(sentence.hdop, 2),
        fixed(sentence.vdop, 2),
        ...trailing(sentence.systemId),
      ];
    case 'gsv':
      return [
        String(sentence.messages),
        String(sentence.message),
        padded(sentence.inView, 2),
        ...sentence.satellites.flatMap((satellite) => [
          padded(satellite.id, 2),
          padded(satellite.elevationDegrees, 2),
          padded(satellite.azimuthDegrees, 3),
          padded(satellite.signalDb, 2),
        ]),
        ...trailing(sentence.signalId),
      ];
    case 'zda': {
      const { date } = sentence;
      const day =
        date === undefined ? ['', '', ''] : [padded(date.day, 2), padded(date.month, 2), padded(date.year, 4)];
      return [time(sentence.timeOfDayMs), ...day, padded(sentence.zoneHours, 2), padded(sentence.zoneMinutes, 2)];
    }
    case 'hdt':
      return [fixed(sentence.headingTrueDegrees, 2), 'T'];
    case 'gns':
      return [
        time(sentence.timeOfDayMs),
        ...place(sentence.position),
        sentence.mode,
        padded(sentence.satellites, 2),
        fixed(sentence.hdop, 2),
        fixed(sentence.altitudeMeters, 1),
        fixed(sentence.geoidSeparationMeters, 1),
        fixed(sentence.differentialAgeSeconds, 1),
        sentence.differentialStation ?? '',
        ...trailing(sentence.navigationStatus),
      ];
  }
}

function place(position: Coordinates | undefined): string[] {
  if (position === undefined) return ['', '', '', ''];
  const { latitude, longitude } = position;
  return [angle(latitude, 2), latitude < 0 ? 'S' : 'N', angle(longitude, 3), longitude < 0 ? 'W' : 'E'];
}

/** Counted in the smallest unit, so that 59.999999 minutes become the next degree and not 60 minutes. */
function angle(value: number, degreeDigits: number): string {
  const perMinute = 10 ** MINUTE_DIGITS;
  const units = Math.round(Math.abs(value) * 60 * perMinute);
  const degrees = Math.floor(units / (60 * perMinute));
  const minutes = (units - degrees * 60 * perMinute) / perMinute;
  return padded(degrees, degreeDigits) + minutes.toFixed(MINUTE_DIGITS).padStart(3 + MINUTE_DIGITS, '0');
}

function time(timeOfDayMs: number | undefined): string {
  if (timeOfDayMs === undefined) return '';
  const hundredths = Math.floor(timeOfDayMs / 10);
  const seconds = Math.floor(hundredths / 100);
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${clock.map((part) => padded(part, 2)).join('')}.${padded(hundredths % 100, 2)}`;
}

function ddmmyy(date: CalendarDate): string {
  return padded(date.day, 2) + padded(date.month, 2) + padded(date.year % 100, 2);
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '' : value.toFixed(digits);
}

function padded(value: number | undefined, digits: number): string {
  if (value === undefined) return '';
  return (value < 0 ? '-' : '') + String(Math.abs(value)).padStart(digits, '0');
}

/** Fields that older versions of the standard lack: left out from the first one that is absent. */
function trailing(...values: (string | undefined)[]): string[] {
  const end = values.indexOf(undefined);
  return values.slice(0, end < 0 ? values.length : end).map((value) => value ?? '');
}
