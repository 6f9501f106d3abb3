import { expect, it } from 'vitest';
import { isoTimeMs } from './iso-time.ts';

// RFC 3339, section 5.8, and what Date.parse makes of texts that are no time.
it.each([
  ['1985-04-12T23:20:50.52Z', Date.UTC(1985, 3, 12, 23, 20, 50, 520)],
  ['1996-12-19T16:39:57-08:00', Date.UTC(1996, 11, 20, 0, 39, 57)],
  ['1996-12-19t16:39:57z', Date.UTC(1996, 11, 19, 16, 39, 57)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2026-02-29T00:00:00Z', undefined],
  ['2026-02-30T00:00:00Z', undefined],
  ['2026-04-31T00:00:00+01:00', undefined],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-01-00T00:00:00Z', undefined],
  ['2026-11-23T25:00:00Z', undefined],
  ['2026-11-23T06:00:00', undefined],
  ['2026-11-23', undefined],
  ['-5', undefined],
  ['yesterday 5', undefined],
  ['', undefined],
])('%j is %s', (text, ms) => {
  expect(isoTimeMs(text)).toBe(ms);
});
