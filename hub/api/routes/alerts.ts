/** Alerts of all places, and the counts that the overview shows. */
import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../app.ts';
import { querystringOf } from '../openapi.ts';

export function alertRoutes(app: FastifyInstance, { reader, clock }: RouteContext): void {
  app.get<{ Querystring: { limit: number; after?: string; state: 'open' | 'all' } }>(
    '/v1/alerts',
    { schema: { querystring: querystringOf('/v1/alerts') } },
    async ({ query }) => reader.alerts(query),
  );

  app.get<{ Querystring: { hours: number } }>(
    '/v1/overview',
    { schema: { querystring: querystringOf('/v1/overview') } },
    async ({ query: { hours } }) => {
      const since = new Date(clock.wall().wallMs - hours * 3_600_000).toISOString();
      return { since, ...(await reader.overview(since)) };
    },
  );
}
