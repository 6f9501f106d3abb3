/** Incidents: found, taken on, written about. */
import type { FastifyInstance } from 'fastify';
import type { IncidentDesk, IncidentList } from '../../alerts/incident-desk.ts';
import { querystringOfParameters } from '../openapi.ts';
import { ALERT_BODIES, ALERT_PARAMETERS } from '../openapi-alerts.ts';
import { whoOf } from '../who.ts';

interface One {
  Params: { incidentId: string };
}

/** Notes of 2,000 characters, escaped. */
const BODY_BYTES = 16 * 1024;

export function incidentRoutes(app: FastifyInstance, { incidents }: { incidents: IncidentDesk }): void {
  app.get<{ Querystring: IncidentList }>(
    '/v1/incidents',
    { schema: { querystring: querystringOfParameters(ALERT_PARAMETERS.incidents) } },
    async ({ query }) => incidents.list(query),
  );

  app.get<One>('/v1/incidents/:incidentId', async ({ params: { incidentId } }) => incidents.show(incidentId));

  app.post<One & { Body: { note: string } }>(
    '/v1/incidents/:incidentId/acknowledge',
    { bodyLimit: BODY_BYTES, schema: { body: ALERT_BODIES.acknowledge } },
    async (request) =>
      incidents.acknowledge(request.params.incidentId, { who: whoOf(request), text: request.body.note }),
  );

  app.post<One & { Body: { text: string } }>(
    '/v1/incidents/:incidentId/notes',
    { bodyLimit: BODY_BYTES, schema: { body: ALERT_BODIES.note } },
    async (request) => incidents.note(request.params.incidentId, { who: whoOf(request), text: request.body.text }),
  );
}
