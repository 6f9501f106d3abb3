/** Dead letters: found, looked at, tried again, dropped. For operators: a proxy in front of the API says who may. */
import type { FastifyInstance } from 'fastify';
import { type DeadLetterDesk, LetterError, type LetterFilter } from '../../dead-letters/desk.ts';
import { ApiError } from '../errors.ts';
import { querystringOfParameters } from '../openapi.ts';
import { LETTER_PARAMETERS } from '../openapi-operators.ts';

const who = { type: 'string', minLength: 1, maxLength: 128 };
const ID = {
  type: 'object',
  properties: { id: { type: 'string' } },
  required: ['id'],
};

interface One {
  Params: { id: string };
}

export function deadLetterRoutes(app: FastifyInstance, { deadLetters }: { deadLetters: DeadLetterDesk }): void {
  app.get<{ Querystring: LetterFilter }>(
    '/v1/dead-letters',
    { schema: { querystring: querystringOfParameters(LETTER_PARAMETERS) } },
    async ({ query }) => deadLetters.list(query),
  );

  app.get<One>('/v1/dead-letters/:id', { schema: { params: ID } }, async ({ params: { id } }) =>
    told(deadLetters.show(id)),
  );

  app.post<One & { Body: { by: string } }>(
    '/v1/dead-letters/:id/replay',
    {
      schema: {
        params: ID,
        body: { type: 'object', additionalProperties: false, required: ['by'], properties: { by: who } },
      },
    },
    async ({ params: { id }, body: { by } }, reply) => reply.status(202).send(await told(deadLetters.replay(id, by))),
  );

  app.post<One & { Body: { by: string; why: string } }>(
    '/v1/dead-letters/:id/drop',
    {
      schema: {
        params: ID,
        body: {
          type: 'object',
          additionalProperties: false,
          required: ['by', 'why'],
          properties: { by: who, why: { type: 'string', minLength: 1, maxLength: 500 } },
        },
      },
    },
    async ({ params: { id }, body: { by, why } }) => told(deadLetters.drop(id, by, why)),
  );
}

const STATUS = { 'letter-unknown': 404, 'letter-settled': 409, 'letter-not-replayable': 422 } as const;

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof LetterError)) throw error;
    throw new ApiError({ code: error.code, status: STATUS[error.code], message: error.message });
  }
}
