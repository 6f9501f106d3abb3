/** Maintenance silences: made, listed, ended. */
import type { FastifyInstance } from 'fastify';
import type { NewSilence, Silences } from '../../alerts/silences.ts';
import { querystringOfParameters } from '../openapi.ts';
import { ALERT_BODIES, ALERT_PARAMETERS } from '../openapi-alerts.ts';
import { whoOf } from '../who.ts';

const BODY_BYTES = 64 * 1024;

export function silenceRoutes(app: FastifyInstance, { silences }: { silences: Silences }): void {
  app.get<{ Querystring: { state: 'active' | 'all'; limit: number } }>(
    '/v1/silences',
    { schema: { querystring: querystringOfParameters(ALERT_PARAMETERS.silences) } },
    async ({ query }) => ({ items: await silences.list(query) }),
  );

  app.post<{ Body: Omit<NewSilence, 'author'> }>(
    '/v1/silences',
    { bodyLimit: BODY_BYTES, schema: { body: ALERT_BODIES.silence } },
    async (request, reply) => reply.status(201).send(await silences.make({ ...request.body, author: whoOf(request) })),
  );

  app.delete<{ Params: { silenceId: string } }>('/v1/silences/:silenceId', async (request) =>
    silences.end(request.params.silenceId, whoOf(request)),
  );
}
