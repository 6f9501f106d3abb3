import { describe, expect, it } from 'vitest';
import { isJump, nextStep, type RolloutFacts, type Standing, WATCH_MS } from './rollout-machine.ts';

const none: Standing = { waiting: 0, inForce: 0, pending: 0, rejected: 0, rolledBack: 0, offline: 0, contradicted: 0 };
const quiet = { after: 0, afterMs: 60_000, before: 0, beforeMs: 86_400_000 };
const facts = (more: Partial<RolloutFacts>): RolloutFacts => ({
  state: 'canary',
  stateAtMs: 0,
  canaryMs: 60_000,
  maxRejectedPercent: 10,
  maxAlertRateFactor: 3,
  canaries: none,
  all: none,
  alerts: quiet,
  ...more,
});
const standing = (more: Partial<Standing>): Standing => ({ ...none, ...more });

describe('a rollout', () => {
  it.each<[string, Partial<RolloutFacts>, number, object]>([
    ['moves its canaries', { canaries: standing({ waiting: 2 }) }, 0, { kind: 'move', which: 'canaries' }],
    ['waits for an answer', { canaries: standing({ inForce: 1, pending: 1 }) }, 120_000, { kind: 'wait' }],
    ['waits as long as was asked', { canaries: standing({ inForce: 2 }) }, 59_999, { kind: 'wait' }],
    [
      'goes on after that',
      { canaries: standing({ inForce: 2, offline: 1 }) },
      60_000,
      { kind: 'to', state: 'rolling' },
    ],
    ['goes on without anybody there', { canaries: standing({ offline: 1 }) }, 60_000, { kind: 'to', state: 'rolling' }],
    [
      'moves the rest',
      { state: 'rolling', all: standing({ waiting: 9, inForce: 1 }) },
      0,
      { kind: 'move', which: 'all' },
    ],
    [
      'waits for all that are there',
      { state: 'rolling', all: standing({ inForce: 9, pending: 1 }) },
      1e9,
      { kind: 'wait' },
    ],
    [
      'is done without those that are not',
      { state: 'rolling', all: standing({ offline: 9 }) },
      0,
      { kind: 'to', state: 'done' },
    ],
    [
      'is done with a few refusals',
      { state: 'rolling', all: standing({ inForce: 9, rejected: 1 }) },
      0,
      { kind: 'to', state: 'done' },
    ],
    [
      'is not, with more',
      { state: 'rolling', all: standing({ inForce: 8, rejected: 1 }) },
      0,
      { kind: 'to', state: 'rolled-back' },
    ],
    [
      'counts those that went back',
      { all: standing({ inForce: 8, rolledBack: 1 }) },
      0,
      { kind: 'to', state: 'rolled-back' },
    ],
    [
      'does not count who cannot answer',
      { all: standing({ inForce: 8, rejected: 1, offline: 99 }) },
      0,
      { kind: 'to', state: 'rolled-back' },
    ],
    [
      'is watched when it is done',
      { state: 'done', all: standing({ rolledBack: 1 }) },
      WATCH_MS,
      { kind: 'to', state: 'rolled-back' },
    ],
    ['and not for ever', { state: 'done', all: standing({ rolledBack: 1 }) }, WATCH_MS + 1, { kind: 'wait' }],
    [
      'is not judged by contradictions',
      { state: 'rolling', all: standing({ inForce: 1, contradicted: 9 }) },
      0,
      { kind: 'to', state: 'done' },
    ],
    ['does nothing while it is stopped', { state: 'stopped', all: standing({ rejected: 9 }) }, 1e9, { kind: 'wait' }],
    ['does nothing when it is over', { state: 'rolled-back', all: standing({ rejected: 9 }) }, 0, { kind: 'wait' }],
    [
      'is not held up by refusals where they are allowed',
      { state: 'rolling', maxRejectedPercent: 100, all: standing({ rejected: 3 }) },
      0,
      { kind: 'to', state: 'done' },
    ],
    ['is taken back when alerts jump', { alerts: { ...quiet, after: 5 } }, 0, { kind: 'to', state: 'rolled-back' }],
  ])('%s', (_, more, nowMs, step) => {
    expect(nextStep(facts(more), nowMs)).toMatchObject(step);
  });

  it('says what it saw', () => {
    const step = nextStep(facts({ all: standing({ inForce: 5, rejected: 1, rolledBack: 1 }) }), 0);
    expect(step).toMatchObject({ why: '2 of 7 gateways rejected it or went back (28.6 %), at most 10 % are allowed' });
  });
});

describe('a jump in the rate of alerts', () => {
  const HOUR_MS = 3_600_000;
  const day = (gateways: number) => gateways * 24 * HOUR_MS;
  it.each([
    ['one alert where there was none', { after: 1, afterMs: HOUR_MS, before: 0, beforeMs: day(1) }, false],
    ['two on one gateway in a minute', { after: 2, afterMs: 60_000, before: 0, beforeMs: day(1) }, false],
    ['three', { after: 3, afterMs: 60_000, before: 0, beforeMs: day(1) }, true],
    [
      'what chance brings to many gateways',
      { after: 3, afterMs: 10_000 * 1_000, before: 10_000, beforeMs: day(10_000) },
      false,
    ],
    ['the same rate as before', { after: 100, afterMs: day(10), before: 100, beforeMs: day(10) }, false],
    ['three times as many', { after: 300, afterMs: day(10), before: 100, beforeMs: day(10) }, false],
    ['four times as many', { after: 400, afterMs: day(10), before: 100, beforeMs: day(10) }, true],
    ['nothing moved yet', { after: 0, afterMs: 0, before: 0, beforeMs: 0 }, false],
  ])('%s', (_, rates, expected) => {
    expect(isJump(rates, 3)).toBe(expected);
  });
});
