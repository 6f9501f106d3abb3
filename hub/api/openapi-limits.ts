/** What the API takes of packages' own limits (docs/package-limits.md). OpenAPI 3.1; the routes validate with it. */
import type { JsonSchema, Parameter } from './openapi.ts';

const celsius: JsonSchema = { type: 'number', minimum: -273.15, maximum: 1000 };

export const LIMITS_BODY = {
  type: 'object',
  additionalProperties: false,
  properties: {
    temperatureCelsius: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: { low: celsius, high: celsius },
    },
    fragile: { type: 'boolean', description: 'The limit of shocks is 2 g, where maxShockG says no other.' },
    maxShockG: { type: 'number', exclusiveMinimum: 0, maximum: 1000 },
    maxTiltDegrees: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 180,
      description: 'Kept; no telemetry tells of it yet.',
    },
  },
} as const satisfies JsonSchema;

/** A line of many packages' limits. */
export const LIMITS_LINE = {
  ...LIMITS_BODY,
  required: ['packageId'],
  properties: { packageId: { type: 'string', minLength: 1, maxLength: 256 }, ...LIMITS_BODY.properties },
} as const satisfies JsonSchema;

const answer = (description: string, schema: JsonSchema) => ({
  description,
  content: { 'application/json': { schema } },
});
const failure = (description: string) => answer(description, { $ref: '#/components/schemas/Error' });
const shown: JsonSchema = {
  type: 'object',
  required: ['packageId', 'limits', 'notEvaluated'],
  properties: {
    packageId: { type: 'string' },
    limits: LIMITS_BODY,
    notEvaluated: { type: 'array', items: { type: 'string' }, description: 'Limits that nothing measures yet.' },
    setBy: { type: 'string' },
    setAt: { type: 'string', format: 'date-time' },
  },
};
const packageId: Parameter = {
  name: 'packageId',
  in: 'path',
  required: true,
  description: 'Id of the package, percent-encoded, or another name of it. It need not have been seen yet.',
  schema: { type: 'string', minLength: 1, maxLength: 512 },
};

const paths = {
  '/v1/packages/{packageId}/limits': {
    get: {
      summary: 'The limits of a package',
      parameters: [packageId],
      responses: { 200: answer('Its limits; none are empty.', shown), 409: failure('The name fits several packages.') },
    },
    put: {
      summary: 'Give a package its limits; empty ones take them away',
      parameters: [packageId],
      requestBody: { required: true, content: { 'application/json': { schema: LIMITS_BODY } } },
      responses: {
        200: answer('Its limits.', shown),
        400: failure('The body is not as it should be.'),
        409: failure('The name fits several packages.'),
        422: failure('The limits contradict each other.'),
      },
    },
  },
  '/v1/package-limits': {
    post: {
      summary: 'Give many packages their limits, one on each line; all of them or none',
      requestBody: { required: true, content: { 'application/x-ndjson': { schema: LIMITS_LINE } } },
      responses: {
        200: answer('How many.', { type: 'object', required: ['count'], properties: { count: { type: 'integer' } } }),
        400: failure('A line is not as it should be; the message says which.'),
        422: failure('Limits of a package contradict each other.'),
      },
    },
  },
};

/** The document with limits of packages. */
export function withLimitRoutes<T extends { paths: object }>(document: T): T {
  return { ...document, paths: { ...document.paths, ...paths } };
}
