import { describe, expect, it } from 'vitest';
import { MAX_LOST, SequencePage } from './sequence-page.ts';

const restored = (page: SequencePage) => SequencePage.restore(page.name, page.encode());

/** A gateway that skips `skipped` sequences at each of `starts` cold starts and sends one record after each. */
function coldStarts(starts: number, skipped: number): SequencePage {
  const page = new SequencePage('gw/epoch/tracking');
  let last = 0;
  for (let start = 0; start < starts; start++) {
    expect(page.see(++last)).toBe(true);
    expect(page.lose(last + 1, last + skipped)).toBe(skipped);
    last += skipped;
  }
  return page;
}

describe('a page of sequences', () => {
  it('stays small however often its gateway skips a range, and counts all of them', () => {
    const page = coldStarts(3_000, 1_048_576);
    const ledger = { highest: 3_000 * 1_048_577, seen: 3_000, lost: 3_000 * 1_048_576, missing: 0 };
    expect(page.ledger()).toEqual(ledger);
    expect(page.encode().length).toBeLessThan(3_000);
    expect(restored(page).ledger()).toEqual(ledger);
  });

  it('takes what was stated lost lately and comes after all as seen, once', () => {
    const page = restored(coldStarts(MAX_LOST + 2, 2));
    const before = page.ledger();
    const latest = before.highest;
    expect(page.see(latest)).toBe(true);
    expect(page.see(latest)).toBe(false);
    expect(page.ledger()).toEqual({ ...before, seen: before.seen + 1, lost: before.lost - 1 });
  });

  it('takes what was lost long ago for a duplicate, and hears no news in its statement', () => {
    const page = restored(coldStarts(MAX_LOST + 2, 2));
    const before = page.ledger();
    expect(page.see(2)).toBe(false);
    expect(page.lose(2, 3)).toBe(0);
    expect(page.ledger()).toEqual(before);
  });

  it('settles nothing that is missing', () => {
    const page = new SequencePage('gw/epoch/tracking');
    // 10 to 19 never came and were never stated.
    for (let sequence = 1; sequence < 10; sequence++) page.see(sequence);
    for (let n = 0; n < 2 * MAX_LOST; n++) page.lose(20 + 2 * n, 20 + 2 * n);
    expect(page.ledger()).toMatchObject({ seen: 9, lost: 2 * MAX_LOST, missing: 10 + 2 * MAX_LOST - 1 });
    expect(page.see(15)).toBe(true);
  });
});
