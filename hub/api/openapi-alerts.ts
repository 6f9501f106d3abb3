/** What the API takes of incidents, silences, subscriptions and deliveries (docs/alerts.md). OpenAPI 3.1; routes validate with it. */
import { DELIVERY_STATES } from '../alerts/delivery-desk.ts';
import { PHASES } from '../alerts/told.ts';
import type { JsonSchema, Parameter } from './openapi.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const severity: JsonSchema = { type: 'string', enum: ['info', 'warning', 'critical'] };
const name: JsonSchema = { type: 'string', minLength: 1, maxLength: 128 };
const ref = (schema: string): JsonSchema => ({ $ref: `#/components/schemas/${schema}` });
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const object = (properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((property) => !optional.includes(property)),
});
const closed = (properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema => ({
  ...object(properties, optional),
  additionalProperties: false,
});
const page = (items: JsonSchema): JsonSchema => object({ items: list(items), next: text }, ['next']);
const query = (parameter: string, description: string, schema: JsonSchema): Parameter => ({
  name: parameter,
  in: 'query',
  description,
  schema,
});
const inPath = (
  parameter: string,
  schema: JsonSchema = { type: 'string', minLength: 1, maxLength: 80 },
): Parameter => ({
  name: parameter,
  in: 'path',
  required: true,
  description: 'As the list has it.',
  schema,
});
const limit = query('limit', 'At most so many in one answer.', {
  type: 'integer',
  minimum: 1,
  maximum: 500,
  default: 100,
});
const after = query('after', 'The `next` of the answer before: goes on where that one ended.', {
  type: 'string',
  maxLength: 2000,
});

const answer = (description: string, schema: JsonSchema) => ({
  description,
  content: { 'application/json': { schema } },
});
const failure = (description: string) => answer(description, ref('Error'));
const body = (schema: JsonSchema) => ({ required: true, content: { 'application/json': { schema } } });
const badRequest = failure('A parameter is not valid.');

/** Query parameters by route, as the routes validate them. */
export const ALERT_PARAMETERS = {
  incidents: [
    limit,
    after,
    query('state', 'Only those in this state.', {
      type: 'string',
      enum: ['open', 'acknowledged', 'cleared', 'all'],
      default: 'all',
    }),
    query('severity', 'Only those of this severity or a higher one.', severity),
    query('subject', 'Only those of this subject, such as `vehicle/VAN-7`.', { type: 'string', maxLength: 600 }),
    query('gateway', 'Only those with alerts of this gateway.', { type: 'string', maxLength: 63 }),
  ],
  silences: [
    limit,
    query('state', 'Those that are not over, or all.', { type: 'string', enum: ['active', 'all'], default: 'active' }),
  ],
  subscriptions: [query('owner', 'Only those of this person.', name)],
  deliveries: [
    limit,
    after,
    query('subscription', 'Only those of this subscription.', { type: 'string', maxLength: 80 }),
    query('incident', 'Only those of this incident.', { type: 'string', maxLength: 80 }),
    query('state', 'Only those in this state.', {
      type: 'string',
      enum: [...DELIVERY_STATES, 'all'],
      default: 'all',
    }),
  ],
} as const satisfies Record<string, readonly Parameter[]>;

const wanted: JsonSchema = {
  description: 'A value or a list of values; `*` stands for any characters.',
  anyOf: [
    { type: 'string', minLength: 1, maxLength: 256 },
    { type: 'array', minItems: 1, maxItems: 100, items: { type: 'string', minLength: 1, maxLength: 256 } },
  ],
};
const matcher: JsonSchema = {
  ...closed(
    {
      gateway: wanted,
      vehicle: wanted,
      facility: wanted,
      readPoint: wanted,
      rule: wanted,
      labels: { type: 'object', maxProperties: 20, additionalProperties: wanted },
    },
    ['gateway', 'vehicle', 'facility', 'readPoint', 'rule', 'labels'],
  ),
  description: 'Each key that is given must fit; of a list, one entry must.',
};

/** Bodies of requests, as the routes validate them. */
export const ALERT_BODIES = {
  acknowledge: closed({ note: { type: 'string', maxLength: 2000, default: '' } }, ['note']),
  note: closed({ text: { type: 'string', minLength: 1, maxLength: 2000 } }),
  silence: closed({ matcher, from: time, to: time, reason: { type: 'string', minLength: 1, maxLength: 500 } }, [
    'from',
  ]),
  subscription: closed(
    {
      channel: {
        oneOf: [
          closed(
            {
              kind: { const: 'webhook' },
              url: { type: 'string', minLength: 8, maxLength: 2000 },
              secret: { type: 'string', minLength: 16, maxLength: 256 },
            },
            ['secret'],
          ),
          closed({
            kind: { const: 'email' },
            address: { type: 'string', maxLength: 254, pattern: '^[^\\s@<>,;"]+@[^\\s@<>,;"]+$' },
          }),
        ],
      },
      owner: name,
      minSeverity: { ...severity, default: 'warning' },
      matcher,
      phases: {
        type: 'array',
        minItems: 1,
        uniqueItems: true,
        items: { type: 'string', enum: [...PHASES] },
        default: [...PHASES],
      },
      enabled: { type: 'boolean', default: true },
    },
    ['owner', 'minSeverity', 'matcher', 'phases', 'enabled'],
  ),
} as const;

const lead = object({
  alertId: text,
  ruleId: text,
  gatewayId: text,
  deviceId: text,
  quantity: text,
  value: { type: 'number' },
  limit: { type: 'number' },
  message: text,
  location: ref('Place'),
});
const summary: Record<string, JsonSchema> = {
  incidentId: text,
  subject: { ...text, description: '`vehicle/ID`, `facility/ID/READ POINT`, `facility/ID` or `gateway/ID`.' },
  cause: { ...text, description: 'The family of the value that is watched, or `rule:ID`.' },
  title: text,
  state: { type: 'string', enum: ['open', 'acknowledged', 'cleared'] },
  withdrawn: { type: 'boolean', description: 'All its alerts were retracted.' },
  severity,
  openedAt: time,
  lastBeganAt: time,
  clearedAt: time,
  reopenedAt: time,
  reopened: { ...count, description: 'How often it had been cleared and was open again.' },
  count: { ...count, description: 'Alerts that count; `alertIds` holds the first hundred.' },
  alertIds: list(text),
  retracted: { ...list(text), description: 'Alerts that turned out not to have been.' },
  lead: { ...lead, description: 'The first of its alerts with the highest severity.' },
  acknowledgedBy: text,
  acknowledgedAt: time,
  silencedBy: { ...list(text), description: 'Silences that cover it now.' },
  gateways: list(text),
};
const maybe = ['clearedAt', 'reopenedAt', 'acknowledgedBy', 'acknowledgedAt'];

const schemas = {
  IncidentSummary: object(summary, maybe),
  Incident: object(
    {
      ...summary,
      notes: list(object({ kind: { type: 'string', enum: ['note', 'acknowledged'] }, who: text, at: time, text })),
      alerts: list(ref('Alert')),
    },
    maybe,
  ),
  Silence: object(
    {
      silenceId: text,
      matcher,
      from: time,
      to: time,
      reason: text,
      author: text,
      madeAt: time,
      state: { type: 'string', enum: ['pending', 'active', 'over'] },
      endedBy: text,
    },
    ['endedBy'],
  ),
  Subscription: object(
    {
      subscriptionId: text,
      owner: text,
      channel: {
        oneOf: [
          object({ kind: { const: 'webhook' }, url: text, hasSecret: { const: true } }),
          object({ kind: { const: 'email' }, address: text }),
        ],
      },
      minSeverity: severity,
      matcher,
      phases: list({ type: 'string', enum: [...PHASES] }),
      enabled: { type: 'boolean' },
      disabledWhy: { ...text, description: 'Why the hub switched it off.' },
      updatedAt: time,
    },
    ['disabledWhy'],
  ),
  Delivery: object(
    {
      deliveryId: text,
      subscriptionId: text,
      subject: text,
      incidentId: text,
      title: text,
      phase: { type: 'string', enum: [...PHASES, 'test'] },
      state: { type: 'string', enum: [...DELIVERY_STATES] },
      attempts: count,
      madeAt: time,
      nextAt: time,
      expiresAt: time,
      doneAt: time,
      fault: text,
    },
    ['incidentId', 'title', 'nextAt', 'doneAt', 'fault'],
  ),
};

const incidentId = inPath('incidentId');
const subscriptionId = inPath('subscriptionId');
const noIncident = failure('No such incident.');
const noSubscription = failure('No such subscription.');

const paths = {
  '/v1/incidents': {
    get: {
      summary: 'Incidents, the latest first',
      parameters: ALERT_PARAMETERS.incidents,
      responses: { 200: answer('A page of them.', page(ref('IncidentSummary'))), 400: badRequest },
    },
  },
  '/v1/incidents/{incidentId}': {
    get: {
      summary: 'An incident with its notes and alerts, by an id that it has or had',
      parameters: [incidentId],
      responses: { 200: answer('The incident.', ref('Incident')), 404: noIncident },
    },
  },
  '/v1/incidents/{incidentId}/acknowledge': {
    post: {
      summary: 'Take it on',
      parameters: [incidentId],
      requestBody: body(ALERT_BODIES.acknowledge),
      responses: {
        200: answer('The incident.', ref('Incident')),
        404: noIncident,
        409: failure('It was cleared already.'),
      },
    },
  },
  '/v1/incidents/{incidentId}/notes': {
    post: {
      summary: 'Write something about it',
      parameters: [incidentId],
      requestBody: body(ALERT_BODIES.note),
      responses: { 200: answer('The incident.', ref('Incident')), 404: noIncident },
    },
  },
  '/v1/silences': {
    get: {
      summary: 'Maintenance silences',
      parameters: ALERT_PARAMETERS.silences,
      responses: { 200: answer('Silences.', object({ items: list(ref('Silence')) })), 400: badRequest },
    },
    post: {
      summary: 'Tell nobody of what fits, for a while',
      requestBody: body(ALERT_BODIES.silence),
      responses: {
        201: answer('The silence.', ref('Silence')),
        422: failure('It would silence everything, or never.'),
      },
    },
  },
  '/v1/silences/{silenceId}': {
    delete: {
      summary: 'End it now',
      parameters: [inPath('silenceId')],
      responses: {
        200: answer('The silence.', ref('Silence')),
        404: failure('No such silence.'),
        409: failure('It is over.'),
      },
    },
  },
  '/v1/subscriptions': {
    get: {
      summary: 'Who is told what, and where',
      parameters: ALERT_PARAMETERS.subscriptions,
      responses: { 200: answer('Subscriptions.', object({ items: list(ref('Subscription')) })), 400: badRequest },
    },
  },
  '/v1/subscriptions/{subscriptionId}': {
    get: {
      summary: 'A subscription',
      parameters: [subscriptionId],
      responses: { 200: answer('The subscription.', ref('Subscription')), 404: noSubscription },
    },
    put: {
      summary: 'Write a subscription',
      description: 'The secret of a web hook is never given back; of one that exists it may be left out.',
      parameters: [subscriptionId],
      requestBody: body(ALERT_BODIES.subscription),
      responses: {
        200: answer('The subscription.', ref('Subscription')),
        422: failure('The address may not be called, the secret is missing, or this hub sends no mail.'),
      },
    },
    delete: {
      summary: 'Delete it, with what waits for it',
      parameters: [subscriptionId],
      responses: { 204: { description: 'It is gone.' }, 404: noSubscription },
    },
  },
  '/v1/subscriptions/{subscriptionId}/test': {
    post: {
      summary: 'Send something to see that it arrives',
      parameters: [subscriptionId],
      responses: { 202: answer('The delivery.', ref('Delivery')), 404: noSubscription },
    },
  },
  '/v1/deliveries': {
    get: {
      summary: 'What was sent, what waits and what expired; the latest first',
      parameters: ALERT_PARAMETERS.deliveries,
      responses: { 200: answer('A page of them.', page(ref('Delivery'))), 400: badRequest },
    },
  },
};

type Document = { paths: object; components: { schemas: object } };

/** The document with alert handling. */
export function withAlerting<T extends Document>(document: T): T {
  return {
    ...document,
    paths: { ...document.paths, ...paths },
    components: { ...document.components, schemas: { ...document.components.schemas, ...schemas } },
  };
}
