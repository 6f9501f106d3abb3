/**
 * NMEA 0183 sentences: text to values, beside gps. Right is the type, the position, and that a sentence whose checksum is wrong or missing
 * is refused (gps marks it as not valid).
 */
import { decodeNmea } from '../../protocols/nmea/index.ts';
import { attempt, type Contest, fixture, load, versionOf } from './contest.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    checksumOk?: boolean;
    checksumPresent?: boolean;
    type?: string;
    lat?: number | null;
    lon?: number | null;
  };
}

interface Gps {
  Parse(line: string): false | { type: string; valid: boolean; lat?: number | null; lon?: number | null };
}

const gps = load<Gps>('gps');

export const nmea: Contest = {
  name: 'nmea',
  peer: versionOf('gps'),
  vectors: fixture<Vector>('nmea/fixtures/nmea.json')
    // Sentences without a checksum are a matter of configuration.
    .filter(({ expected }) => expected.checksumPresent !== false)
    .map(({ name, input, expected }) => {
      const valid = expected.checksumOk === true;
      return {
        name,
        ours: () => decodeNmea(input),
        peer: () => gps.Parse(input),
        oursRight() {
          const found = attempt(() => decodeNmea(input));
          if (!valid || found === undefined) return !valid && found === undefined;
          const type = found.kind === 'other' ? found.formatter : found.kind.toUpperCase();
          const place = 'position' in found ? found.position : undefined;
          return type === expected.type && near(place?.latitude, expected.lat) && near(place?.longitude, expected.lon);
        },
        peerRight() {
          const found = attempt(() => gps.Parse(input));
          const isValid = found !== undefined && found !== false && found.valid;
          if (!valid || !isValid) return !valid && !isValid;
          return found.type === expected.type && near(found.lat, expected.lat) && near(found.lon, expected.lon);
        },
        timed: valid,
      };
    }),
};

function near(value: number | null | undefined, expected: number | null | undefined): boolean {
  if (expected === undefined) return true;
  if (expected === null) return value === null || value === undefined;
  return typeof value === 'number' && Math.abs(value - expected) < 1e-6;
}
