import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { lazyValidators } from './lazy-validators.ts';

it('compiles a schema with the first request, says of each what is wrong, and keeps a broken schema to its route', async () => {
  const app = Fastify({ schemaController: lazyValidators() });
  const count = { type: 'object', properties: { count: { type: 'integer', maximum: 9 } }, required: ['count'] };
  app.get('/counts', { schema: { querystring: count } }, async ({ query }) => query);
  app.get('/broken', { schema: { querystring: { type: 'no such type' } } }, async () => ({}));
  await app.ready();
  const get = async (url: string) => {
    const answer = await app.inject({ method: 'GET', url });
    return [answer.statusCode, answer.json().message ?? answer.json()];
  };
  expect(await get('/counts?count=3')).toEqual([200, { count: 3 }]);
  expect(await get('/counts?count=10')).toEqual([400, 'querystring/count must be <= 9']);
  expect(await get('/counts')).toEqual([400, "querystring must have required property 'count'"]);
  expect(await get('/counts?count=4')).toEqual([200, { count: 4 }]);
  expect((await get('/broken'))[0]).toBe(500);
  expect(await get('/counts?count=5')).toEqual([200, { count: 5 }]);
});
