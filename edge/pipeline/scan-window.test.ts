import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ScanWindow, type Sighting } from './scan-window.ts';

const MOST = 8;

interface Entry {
  key: string;
  untilUs: number;
  sighting: Sighting;
}

it('knows what a list of the last observations would know', () => {
  const text = fc.oneof(
    fc.integer({ min: 0, max: 12 }).map((n) => `label-${n}`),
    // Some are so long that a few of them fill what there is for texts.
    fc.integer({ min: 1, max: 3 }).map((n) => `${n}`.repeat(n * 2_500)),
    fc.string({ maxLength: 3, unit: 'binary' }),
  );
  const step = fc.record({
    scope: fc.integer({ min: 1, max: 2 }),
    text,
    afterUs: fc.integer({ min: 0, max: 400 }),
    outcome: fc.constantFrom('stored', 'refused', 'open'),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 120 }), (steps) => {
      const window = new ScanWindow(MOST);
      let kept: Entry[] = [];
      let atUs = 0;
      for (const { scope, text, afterUs, outcome } of steps) {
        atUs += afterUs;
        const key = `${scope} ${text}`;
        const found = window.find(scope, text, atUs);
        const wanted = kept.findLast((entry) => entry.key === key);
        const isKnown = wanted !== undefined && atUs < wanted.untilUs;
        expect(found !== undefined).toBe(isKnown);
        if (isKnown) {
          if (wanted.sighting.isStored === undefined) expect(found).toBe(wanted.sighting);
          else expect(found?.isStored).toBe(true);
          continue;
        }
        const entry: Entry = { key, untilUs: atUs + 1_000, sighting: { isStored: undefined, waiting: undefined } };
        const name = window.remember({ scope, text, untilUs: entry.untilUs, sighting: entry.sighting });
        // How many of the oldest had to go is the window's business; that they are the oldest is not.
        kept = [...kept, entry].slice(-window.size);
        expect(window.size).toBeGreaterThan(0);
        expect(window.size).toBeLessThanOrEqual(MOST);
        if (outcome === 'open') continue;
        entry.sighting.isStored = outcome === 'stored';
        window.settle(name, outcome === 'stored');
        if (outcome === 'refused') entry.untilUs = Number.NEGATIVE_INFINITY;
      }
    }),
    { seed: 20261123, numRuns: 500 },
  );
});

it('keeps as many labels as it may', () => {
  const window = new ScanWindow(1_000);
  const sighting: Sighting = { isStored: true, waiting: undefined };
  for (let n = 0; n < 5_000; n++) {
    window.remember({ scope: 1, text: `00340123450000${n}`, untilUs: 1e9, sighting });
  }
  expect(window.size).toBe(1_000);
  const known = Array.from({ length: 5_000 }, (_, n) => window.find(1, `00340123450000${n}`, 0) !== undefined);
  expect(known.lastIndexOf(false)).toBe(3_999);
});

it('never takes a text of no label for a repetition', () => {
  const window = new ScanWindow(10);
  const text = 'x'.repeat(9_000);
  window.remember({ scope: 1, text, untilUs: 1e9, sighting: { isStored: true, waiting: undefined } });
  expect(window.find(1, text, 0)).toBeUndefined();
});
