import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { contentDigest, doorIdentity } from './door-event.ts';
import { doorEventSchema } from './door-event-schema.ts';

it('the published schema is the one that is used', () => {
  const published = readFileSync(new URL('./door-event.schema.json', import.meta.url), 'utf8');
  expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(doorEventSchema)));
});

it('identity: the same for the same client and id, another for another of either', () => {
  const one = doorIdentity('app', 'e-1', 'tracking');
  expect(doorIdentity('app', 'e-1', 'tracking')).toEqual(one);
  // Computed by sha256sum over "app\ne-1": once given out it never changes, or what came before counts again.
  expect(one).toEqual({ gatewayId: 'app', epoch: '956c73f3448796d8', lane: 'tracking', sequence: 104239137976756 });
  const others = [doorIdentity('app', 'e-2', 'tracking'), doorIdentity('app2', 'e-1', 'tracking')];
  expect(new Set([one, ...others].map(({ epoch }) => epoch)).size).toBe(3);
  expect(Number.isSafeInteger(one.sequence) && one.sequence >= 1).toBe(true);
});

it('content: the order of properties says nothing, their values do', () => {
  const digest = (event: object) => contentDigest(event).toString('hex');
  expect(digest({ a: 1, b: { c: [1, 2], d: 'x' } })).toBe(digest({ b: { d: 'x', c: [1, 2] }, a: 1 }));
  expect(digest({ a: 1 })).not.toBe(digest({ a: '1' }));
  expect(digest({ a: [1, 2] })).not.toBe(digest({ a: [2, 1] }));
});
