/** The part of the fleet's API that looks at stored telemetry. OpenAPI 3.1, and what the routes validate with. */
import { QUANTITIES } from '../../protocols/rules/quantities.ts';
import type { JsonSchema, Parameter } from './openapi.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const number: JsonSchema = { type: 'number' };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const object = (properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const query = (name: string, description: string, schema: JsonSchema, required = false): Parameter => ({
  name,
  in: 'query',
  ...(required && { required }),
  description,
  schema,
});
const json = (description: string, schema: JsonSchema) => ({
  description,
  content: { 'application/json': { schema } },
});
const failure = (description: string) => json(description, { $ref: '#/components/schemas/Error' });
const id: Parameter = { name: 'id', in: 'path', required: true, description: 'As the list has it.', schema: text };

export const PREVIEW_BODY: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['selector', 'settings'],
  properties: {
    // Checked by hand: their problems come with a place and a proposal.
    selector: {},
    settings: {},
    days: {
      type: 'integer',
      minimum: 1,
      maximum: 90,
      default: 7,
      description: 'So far back, as far as raw telemetry is kept.',
    },
  },
};

export const SERIES_PARAMETERS: readonly Parameter[] = [
  query('device', 'As the gateway calls it.', { type: 'string', minLength: 1, maxLength: 200 }, true),
  query('quantity', 'What it measures.', { type: 'string', enum: Object.keys(QUANTITIES) }, true),
  query('from', 'Not before this time; by default a day before `to`.', time),
  query('to', 'Not after this time; by default now.', time),
  query('points', 'At most so many; more are thinned out, extremes kept.', {
    type: 'integer',
    minimum: 2,
    maximum: 5000,
    default: 600,
  }),
];

const rule = object({
  ruleId: text,
  gateways: { ...count, description: 'Where it had something to look at.' },
  alarms: count,
  gatewaysWithAlarms: count,
  current: { ...count, description: 'Alerts of this rule that these gateways really raised in this time.' },
  perDay: list(object({ day: { type: 'string', format: 'date' }, alarms: count })),
  examples: list(object({ gatewayId: text, deviceId: text, at: time, value: number })),
});

const previewPaths = {
  '/v1/fleet/profiles/{id}/preview': {
    post: {
      summary: 'How often these settings would have alarmed on stored telemetry',
      description: 'Replayed with the evaluators of the gateways. Nothing is saved; the profile need not exist.',
      parameters: [id],
      requestBody: { required: true, content: { 'application/json': { schema: PREVIEW_BODY } } },
      responses: {
        200: json(
          'Rule by rule.',
          object({
            rules: list(rule),
            removed: list(object({ ruleId: text, current: count })),
            samples: { ...count, description: 'Readings that were replayed.' },
            from: time,
            to: time,
            gateways: object({ matching: count, replayed: count }),
            complete: { type: 'boolean', description: 'False: numbers are of the gateways replayed, not of all.' },
            problems: { ...list({ $ref: '#/components/schemas/Problem' }), description: 'What saving would refuse.' },
          }),
        ),
        422: failure('Settings or selector are not valid: `problems` says where, what, why, and what would be right.'),
        429: failure('Others are under way.'),
        503: failure('The database or the time series are away; try again.'),
      },
    },
  },
  '/v1/fleet/gateways/{id}/series': {
    get: {
      summary: 'What a sensor of a gateway measured, and the limits that hold for it',
      parameters: [id, ...SERIES_PARAMETERS],
      responses: {
        200: json(
          'Points and limits.',
          object({
            device: text,
            quantity: text,
            unit: text,
            from: time,
            to: time,
            points: list(object({ at: time, value: number })),
            bands: list(
              object({ ruleId: text, low: number, high: number, severity: text, inForce: { type: 'boolean' } }, [
                'low',
                'high',
              ]),
            ),
          }),
        ),
        400: failure('A parameter is not valid.'),
        404: failure('No such gateway has been heard.'),
        503: failure('The database or the time series are away; try again.'),
      },
    },
  },
};

/** The document with previews and curves in it. */
export function withPreview<T extends { paths: object }>(document: T) {
  return { ...document, paths: { ...document.paths, ...previewPaths } };
}
