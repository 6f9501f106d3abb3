/** Payloads as released versions wrote them: each stays readable for ever, and is written the same today. Entries are added, never changed. */
import { expect, it } from 'vitest';
import golden from './golden/payloads-v1.json' with { type: 'json' };
import type { Payload } from './model.ts';
import { decodePayload, encodePayload } from './payload-codec.ts';

it.each(golden)('$name', ({ hex, payload }) => {
  expect(decodePayload(Buffer.from(hex, 'hex'))).toEqual(payload);
  expect(encodePayload(payload as Payload).toString('hex')).toBe(hex);
});

it('holds every kind', () => {
  expect(new Set(golden.map(({ payload }) => payload.kind)).size).toBe(12);
});
