/** Subscriptions and what was delivered to them. */
import type { FastifyInstance } from 'fastify';
import type { DeliveryDesk, DeliveryList } from '../../alerts/delivery-desk.ts';
import type { NewSubscription, Subscriptions } from '../../alerts/subscriptions.ts';
import { invalidParameter } from '../errors.ts';
import { querystringOfParameters } from '../openapi.ts';
import { ALERT_BODIES, ALERT_PARAMETERS } from '../openapi-alerts.ts';
import { whoOf } from '../who.ts';

interface One {
  Params: { subscriptionId: string };
}

const BODY_BYTES = 64 * 1024;
const SUBSCRIPTION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function subscriptionRoutes(
  app: FastifyInstance,
  { subscriptions, deliveries }: { subscriptions: Subscriptions; deliveries: DeliveryDesk },
): void {
  app.get<{ Querystring: { owner?: string } }>(
    '/v1/subscriptions',
    { schema: { querystring: querystringOfParameters(ALERT_PARAMETERS.subscriptions) } },
    async ({ query: { owner } }) => ({ items: await subscriptions.list(owner) }),
  );

  app.get<One>('/v1/subscriptions/:subscriptionId', async ({ params }) => subscriptions.show(params.subscriptionId));

  app.put<One & { Body: NewSubscription & { owner?: string } }>(
    '/v1/subscriptions/:subscriptionId',
    { bodyLimit: BODY_BYTES, schema: { body: ALERT_BODIES.subscription } },
    async (request) => {
      const { subscriptionId } = request.params;
      if (!SUBSCRIPTION_ID.test(subscriptionId)) {
        const message = 'a subscription is called by 1 to 63 letters, digits, dots, dashes or underscores';
        throw invalidParameter(message);
      }
      const { owner = whoOf(request), ...wanted } = request.body;
      return subscriptions.put(subscriptionId, owner, wanted);
    },
  );

  app.delete<One>('/v1/subscriptions/:subscriptionId', async ({ params }, reply) => {
    await subscriptions.remove(params.subscriptionId);
    return reply.status(204).send();
  });

  app.post<One>('/v1/subscriptions/:subscriptionId/test', async ({ params }, reply) => {
    const { subscriptionId } = await subscriptions.show(params.subscriptionId);
    return reply.status(202).send(await deliveries.test(subscriptionId));
  });

  app.get<{ Querystring: DeliveryList }>(
    '/v1/deliveries',
    { schema: { querystring: querystringOfParameters(ALERT_PARAMETERS.deliveries) } },
    async ({ query }) => deliveries.list(query),
  );
}
