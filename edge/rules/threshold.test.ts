import { describe, expect, it } from 'vitest';
import { type Threshold, ThresholdRule } from './threshold.ts';

const SECOND_US = 1_000_000;
const cold: Threshold = {
  id: 'cold-chain',
  deviceId: 'thermometer-1',
  quantity: 'temperatureCelsius',
  low: 2,
  high: 8,
  hysteresis: 0.5,
  dwellMs: 10_000,
  severity: 'critical',
};

function rule(overrides: Partial<Threshold> = {}) {
  let ids = 0;
  return new ThresholdRule({ ...cold, ...overrides }, () => `alert-${++ids}`);
}

/** The phases that a series of values, one a second, brings about: `second:phase:alertId`. */
function phases(subject: ThresholdRule, values: readonly number[]): string[] {
  return values.flatMap((value, second) => {
    const outcome = subject.evaluate(value, second * SECOND_US);
    return outcome ? [`${second}:${outcome.phase}:${outcome.alertId}`] : [];
  });
}

describe('ThresholdRule', () => {
  it('raises only after the dwell without interruption, and clears with the same id', () => {
    const beyond = Array.from({ length: 11 }, () => 9);
    expect(phases(rule(), [...beyond.slice(1), 5, ...beyond, 7])).toEqual(['21:raised:alert-1', '22:cleared:alert-1']);
  });

  it('gives one raise and one clear however the value trembles at the limit', () => {
    const trembling = Array.from({ length: 50 }, (_, n) => (n % 2 ? 7.6 : 8.4));
    expect(phases(rule({ dwellMs: 0 }), [...trembling, 7.5])).toEqual(['0:raised:alert-1', '50:cleared:alert-1']);
  });

  it('takes a value at the limit itself as inside', () => {
    expect(phases(rule({ dwellMs: 0 }), [8, 2])).toEqual([]);
  });

  it('begins the dwell anew when the value goes from one limit straight to the other', () => {
    const high = Array.from({ length: 9 }, () => 9);
    const low = Array.from({ length: 11 }, () => 1);
    const subject = rule();
    expect(phases(subject, [...high, ...low])).toEqual(['19:raised:alert-1']);
    expect(subject.evaluate(2.4, 20 * SECOND_US)).toBeUndefined();
    expect(subject.evaluate(2.5, 21 * SECOND_US)).toMatchObject({ phase: 'cleared', limit: 2 });
  });

  it('does not evaluate what is older than the last reading or not a number', () => {
    const subject = rule({ dwellMs: 0 });
    subject.evaluate(5, 10 * SECOND_US);
    expect(subject.evaluate(20, 9 * SECOND_US)).toBeUndefined();
    expect(subject.evaluate(Number.NaN, 11 * SECOND_US)).toBeUndefined();
    expect(subject.evaluate(20, 11 * SECOND_US)?.message).toBe(
      'temperatureCelsius of thermometer-1 is 20, above the limit of 8',
    );
  });

  it('ends an excursion for readings that are events, once', () => {
    const subject = rule({ dwellMs: 0 });
    subject.evaluate(20, 0);
    expect(subject.end(0)).toMatchObject({ phase: 'cleared', alertId: 'alert-1' });
    expect(subject.end(0)).toBeUndefined();
    expect(subject.evaluate(20, SECOND_US)).toMatchObject({ phase: 'raised', alertId: 'alert-2' });
  });
});
