import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Change } from './changes.ts';
import { changesOf, payloadsOf } from './notified-changes.ts';

it('changes come back as they were told, in payloads that PostgreSQL takes', () => {
  const change = fc.oneof(
    fc.record({ kind: fc.constant<'package'>('package'), packageId: fc.string({ unit: 'grapheme', maxLength: 300 }) }),
    fc.record({ kind: fc.constant<'alert'>('alert'), alertId: fc.uuid() }),
    fc.record({ kind: fc.constant<'gateway'>('gateway'), gatewayId: fc.string({ maxLength: 60 }) }),
    fc.record({ kind: fc.constant<'incident'>('incident'), incidentId: fc.uuid() }),
    fc.record({ kind: fc.constant<'rollout'>('rollout'), rolloutId: fc.uuid() }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const payloads = payloadsOf(changes);
      for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
      const nameOf = (each: Change) => JSON.stringify(each);
      expect(payloads.flatMap(changesOf).map(nameOf).sort()).toEqual(changes.map(nameOf).sort());
    }),
    { seed: 20261123, numRuns: 100 },
  );
});

it('fills payloads, so that a thousand packages are a handful', () => {
  const changes = Array.from({ length: 1000 }, (_, index) => ({
    kind: 'package' as const,
    packageId: `sscc:00${String(index).padStart(18, '0')}`,
  }));
  expect(payloadsOf(changes)).toHaveLength(4);
});

it('says only that much has changed where it cannot be told, or not understood', () => {
  const many = [{ kind: 'many' }];
  expect(payloadsOf([{ kind: 'package', packageId: 'x'.repeat(9_000) }]).flatMap(changesOf)).toEqual(many);
  expect(payloadsOf(Array(3_000).fill({ kind: 'alert', alertId: 'x' })).flatMap(changesOf)).toEqual(many);
  expect(payloadsOf([{ kind: 'many' }]).flatMap(changesOf)).toEqual(many);
  for (const payload of ['', '{', '[]', 'null', '{}', '{"p":[1],"a":[]}', '{"p":["x"],"z":["y"]}'])
    expect(changesOf(payload)).toEqual(many);
});
