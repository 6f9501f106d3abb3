import { expect, it } from 'vitest';
import { answerOf } from './hub-call.ts';

const url = 'http://hub.example/v1/replays';

it('an answer is what the hub said', async () => {
  expect(await answerOf(Response.json({ id: 'r' }), url)).toEqual({ id: 'r' });
  const refused = Response.json({ error: { code: 'replay-running', message: 'wait for it' } }, { status: 409 });
  await expect(answerOf(refused, url)).rejects.toMatchObject({ code: 'replay-running', message: 'wait for it' });
});

it.each([
  ['a proxy’s page', new Response('<html>', { status: 502, statusText: 'Bad Gateway' }), '502 Bad Gateway'],
  ['another program', new Response('hello', { status: 200, statusText: 'OK' }), '200 OK'],
])('%s is no hub, and is told with where it was looked for', async (_, response, status) => {
  await expect(answerOf(response, url)).rejects.toMatchObject({
    code: 'hub-unreachable',
    message: `what answers at ${url} is no hub (${status}); say where it is with --hub URL`,
  });
});
