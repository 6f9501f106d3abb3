/** The fleet: gateways and their labels, rollouts, history. Profiles: fleet-profiles.ts. For fleet engineers: a proxy in front of the API says who may. */
import type { FastifyInstance } from 'fastify';
import type { Fleet } from '../../fleet/fleet.ts';
import type { GatewayFilter } from '../../fleet/gateway-reader.ts';
import type { Selector } from '../../fleet/labels.ts';
import type { RolloutGatewayState, RolloutState } from '../../fleet/model.ts';
import { invalidParameter } from '../errors.ts';
import { querystringOfParameters } from '../openapi.ts';
import {
  GATEWAY_PARAMETERS,
  HISTORY_PARAMETERS,
  LABELS_BODY,
  ORDER_BODY,
  ROLLOUT_BODY,
  ROLLOUT_GATEWAY_PARAMETERS,
  ROLLOUT_PARAMETERS,
} from '../openapi-fleet.ts';
import { whoOf } from '../who.ts';
import { fleetProfileRoutes } from './fleet-profiles.ts';

const SMALL_BODY = 64 * 1024;

interface One {
  Params: { id: string };
}

export function fleetRoutes(app: FastifyInstance, { fleet }: { fleet: Fleet }): void {
  app.get<{
    Querystring: { label?: string | string[]; state?: GatewayFilter; q?: string; limit: number; after?: string };
  }>(
    '/v1/fleet/gateways',
    { schema: { querystring: querystringOfParameters(GATEWAY_PARAMETERS) } },
    async ({ query: { label, ...list } }) => fleet.gateways({ ...list, selector: selectorOf([label ?? []].flat()) }),
  );

  app.get<One>('/v1/fleet/gateways/:id', async ({ params: { id } }) => fleet.gateway(id));

  app.patch<One & { Body: { labels: Record<string, string | null>; reason?: string } }>(
    '/v1/fleet/gateways/:id',
    { schema: { body: LABELS_BODY }, bodyLimit: SMALL_BODY },
    async (request) => {
      const { labels, reason = '' } = request.body;
      return fleet.setLabels({ gatewayId: request.params.id, labels, reason, who: whoOf(request) });
    },
  );

  fleetProfileRoutes(app, fleet);
  rolloutRoutes(app, fleet);

  app.get<{ Querystring: { subject?: string; limit: number; before?: number } }>(
    '/v1/fleet/history',
    { schema: { querystring: querystringOfParameters(HISTORY_PARAMETERS) } },
    async ({ query }) => ({ history: await fleet.history(query) }),
  );
}

interface AskedRollout {
  profileId: string;
  version: number;
  canaryPercent: number;
  canaryMinutes: number;
  maxRejectedPercent: number;
  maxAlertRateFactor: number;
  reason: string;
}

function rolloutRoutes(app: FastifyInstance, fleet: Fleet): void {
  app.get<{ Querystring: { state?: RolloutState; profile?: string; limit: number } }>(
    '/v1/fleet/rollouts',
    { schema: { querystring: querystringOfParameters(ROLLOUT_PARAMETERS) } },
    async ({ query }) => ({ rollouts: await fleet.rollouts(query) }),
  );

  app.post<{ Body: AskedRollout }>(
    '/v1/fleet/rollouts',
    { schema: { body: ROLLOUT_BODY }, bodyLimit: SMALL_BODY },
    async (request, reply) => {
      const rollout = await fleet.startRollout({ ...request.body, who: whoOf(request) });
      return reply.status(201).header('location', `/v1/fleet/rollouts/${rollout.rolloutId}`).send(rollout);
    },
  );

  app.get<One & { Querystring: { state?: RolloutGatewayState; limit: number; after?: string } }>(
    '/v1/fleet/rollouts/:id',
    { schema: { querystring: querystringOfParameters(ROLLOUT_GATEWAY_PARAMETERS) } },
    async ({ params: { id }, query }) => fleet.rollout(id, query),
  );

  const orders = { stop: 'stop', resume: 'resume', rollback: 'rollBack' } as const;
  for (const [path, order] of Object.entries(orders)) {
    app.post<One & { Body: { reason: string } }>(
      `/v1/fleet/rollouts/:id/${path}`,
      { schema: { body: ORDER_BODY }, bodyLimit: SMALL_BODY },
      async (request) =>
        fleet[order]({ rolloutId: request.params.id, reason: request.body.reason, who: whoOf(request) }),
    );
  }
}

/** `label=name:value`, several of one name: any of the values. */
function selectorOf(labels: readonly string[]): Selector {
  const selector: Record<string, string[]> = {};
  for (const label of labels) {
    const colon = label.indexOf(':');
    if (colon <= 0) {
      const message = `label is ${JSON.stringify(label)}: name:value was expected, for example vehicle-type:van`;
      throw invalidParameter(message);
    }
    const name = label.slice(0, colon);
    selector[name] = [...(selector[name] ?? []), label.slice(colon + 1)];
  }
  return selector;
}
