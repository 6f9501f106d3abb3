/**
 * Carriers' tracking numbers: text to carrier and number, beside ts-tracking-number. Both derive from jkeen/tracking_number_data, whose test
 * numbers are the vectors; right is the carrier, and that a number with a wrong check digit is not that carrier's. A number that several carriers
 * could have given is right when the vector's is among those found, and ts-tracking-number finds one.
 */
import { matchTracking } from '../../protocols/barcode/carriers/tracking-number.ts';
import { type Contest, fixture, load, versionOf } from './contest.ts';

interface Vector {
  name: string;
  input: string;
  expected: { courier: string; reason?: string; valid: boolean };
}

const { getTracking } = load<{ getTracking(text: string): { courier: { code: string } } | undefined }>(
  'ts-tracking-number',
);

export const tracking: Contest = {
  name: 'tracking',
  peer: versionOf('ts-tracking-number'),
  // A number that has not the shape of one of a carrier's formats may have that of another: nothing follows from it for the carrier.
  vectors: fixture<Vector>('barcode/fixtures/tracking-numbers.json')
    .filter(({ expected }) => expected.reason !== 'format')
    .map(({ name, input, expected }) => {
      const { courier, valid } = expected;
      return {
        name: `${name} ${input}`,
        ours: () => matchTracking(input),
        peer: () => getTracking(input),
        oursRight: () => matchTracking(input).some((match) => match.courier === courier) === valid,
        peerRight: () => (getTracking(input)?.courier.code === courier) === valid,
        timed: valid,
      };
    }),
};
