import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertPhases, alertOf, mergeAlert } from './alert-state.ts';
import { sampleAlert } from './sample-event.ts';

const raised = sampleAlert({ sequence: 1 });
const cleared = sampleAlert({ sequence: 5, phase: 'cleared', value: 7.5 });
const raisedAgain = sampleAlert({ sequence: 9, value: 10 });
const merge = (messages: (typeof raised)[]) => messages.reduce<AlertPhases>(mergeAlert, {});

describe('an alert', () => {
  it('is raised, cleared and raised again under one id', () => {
    expect(alertOf({})).toBeUndefined();
    expect(alertOf(merge([raised]))).toMatchObject({ state: 'raised', value: 9.4, raisedAt: raised.occurredAt });
    expect(alertOf(merge([raised, cleared]))).toMatchObject({
      state: 'cleared',
      value: 9.4,
      clearedValue: 7.5,
      raisedAt: raised.occurredAt,
      endedAt: cleared.occurredAt,
    });
    const open = alertOf(merge([raised, cleared, raisedAgain]));
    expect(open).toMatchObject({ state: 'raised', value: 10, raisedAt: raisedAgain.occurredAt });
    expect(open).not.toHaveProperty('endedAt');
  });

  it('is told by its clear alone when the raise is late', () => {
    expect(alertOf(merge([cleared]))).toMatchObject({ state: 'cleared', endedAt: cleared.occurredAt });
  });

  it('is the same whatever the order of arrival', () => {
    const messages = [raised, cleared, raisedAgain, sampleAlert({ sequence: 12, phase: 'retracted' })];
    fc.assert(
      fc.property(fc.shuffledSubarray([...messages, ...messages], { minLength: 8 }), (arrival) => {
        expect(merge(arrival)).toEqual(merge(messages));
      }),
      { seed: 7, numRuns: 100 },
    );
    expect(alertOf(merge(messages))?.state).toBe('retracted');
  });
});
