/**
 * The API as it is published under /openapi.json (OpenAPI 3.1). Kept by hand, and the only place that says what parameters
 * a route takes: routes validate with `querystringOf`, and a test holds routes and answers against this document.
 */
import { EXCEPTION_KINDS } from '../../protocols/uplink/tracking-event.ts';
import { PACKAGE_STATUSES } from '../tracking/status.ts';

export interface JsonSchema {
  [keyword: string]: unknown;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required?: boolean;
  description: string;
  schema: JsonSchema;
}

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const list = (items: JsonSchema, more: JsonSchema = {}): JsonSchema => ({ type: 'array', items, ...more });
const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const number: JsonSchema = { type: 'number' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const object = (properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const packageId: Parameter = {
  name: 'packageId',
  in: 'path',
  required: true,
  description:
    'Id of the package, percent-encoded (`sscc%3A00340123450000000018`), or another name of it: the bare number on its label, in any case.',
  schema: { type: 'string', minLength: 1, maxLength: 512 },
};
const limit = (most: number, usual: number): Parameter => ({
  name: 'limit',
  in: 'query',
  description: 'At most so many in one answer.',
  schema: { type: 'integer', minimum: 1, maximum: most, default: usual },
});
const after: Parameter = {
  name: 'after',
  in: 'query',
  description: 'The `next` of the answer before: goes on where that one ended.',
  schema: { type: 'string', maxLength: 2000 },
};

const answer = (description: string, schema: JsonSchema, type = 'application/json') => ({
  description,
  content: { [type]: { schema } },
});
const failure = (description: string) => answer(description, ref('Error'));
const badRequest = failure('A parameter is not valid.');
const unknown = failure('No such package has been seen.');
const ambiguous = failure('The name fits several packages; `candidates` lists their ids.');
const away = failure('The database or the time series are away; try again.');

const page = (items: JsonSchema) => object({ items: list(items), next: text }, ['next']);

export const openapi = {
  openapi: '3.1.0',
  info: {
    title: 'Milepost tracking API',
    version: '1',
    description: 'Where packages are, what they went through, and what was wrong on the way. Reads only.',
  },
  paths: {
    '/v1/packages': {
      get: {
        summary: 'Packages, the last seen first',
        parameters: [
          limit(500, 50),
          after,
          {
            name: 'status',
            in: 'query',
            description: 'Only packages in this status.',
            schema: { type: 'string', enum: [...PACKAGE_STATUSES] },
          },
          {
            name: 'q',
            in: 'query',
            description: 'Only packages one of whose names begins so, in any case.',
            schema: { type: 'string', minLength: 1, maxLength: 256 },
          },
        ] satisfies Parameter[],
        responses: { 200: answer('A page of packages.', page(ref('PackageSummary'))), 400: badRequest, 503: away },
      },
    },
    '/v1/packages/{packageId}': {
      get: {
        summary: 'The state of a package and where it is now',
        parameters: [packageId],
        responses: { 200: answer('The state.', ref('Package')), 404: unknown, 409: ambiguous, 503: away },
      },
    },
    '/v1/packages/{packageId}/events': {
      get: {
        summary: 'The timeline of a package, oldest first',
        parameters: [packageId, limit(2000, 500), after],
        responses: {
          200: answer('A page of events.', page(ref('TrackingEvent'))),
          400: badRequest,
          404: unknown,
          409: ambiguous,
          503: away,
        },
      },
    },
    '/v1/packages/{packageId}/sensors': {
      get: {
        summary: 'What the sensors measured that the package travelled with',
        parameters: [
          packageId,
          { name: 'from', in: 'query', description: 'Not before this time; by default the first event.', schema: time },
          { name: 'to', in: 'query', description: 'Not after this time; by default now.', schema: time },
          {
            name: 'maxPoints',
            in: 'query',
            description: 'At most so many points per curve; more are thinned out, extremes kept.',
            schema: { type: 'integer', minimum: 2, maximum: 5000, default: 600 },
          },
        ] satisfies Parameter[],
        responses: {
          200: answer('Stays, curves and the track.', ref('Journey')),
          400: badRequest,
          404: unknown,
          409: ambiguous,
          503: away,
        },
      },
    },
    '/v1/packages/{packageId}/alerts': {
      get: {
        summary: 'Alerts of the places where the package was, while it was there; latest first',
        parameters: [packageId, limit(500, 100), after],
        responses: {
          200: answer('A page of alerts.', page(ref('Alert'))),
          400: badRequest,
          404: unknown,
          409: ambiguous,
          503: away,
        },
      },
    },
    '/v1/packages/{packageId}/stream': {
      get: {
        summary: 'Changes of a package as server-sent events',
        description:
          'Events: `package` (as in GET /v1/packages/{packageId}), first at once and then at each change; `alerts` (a list).',
        parameters: [packageId],
        responses: {
          200: answer('A stream without end.', text, 'text/event-stream'),
          404: unknown,
          409: ambiguous,
          503: away,
        },
      },
    },
    '/v1/alerts': {
      get: {
        summary: 'Alerts, the latest first',
        parameters: [
          limit(500, 100),
          after,
          {
            name: 'state',
            in: 'query',
            description: 'Only open ones, or all.',
            schema: { type: 'string', enum: ['open', 'all'], default: 'all' },
          },
        ] satisfies Parameter[],
        responses: { 200: answer('A page of alerts.', page(ref('Alert'))), 400: badRequest, 503: away },
      },
    },
    '/v1/overview': {
      get: {
        summary: 'How many packages are in which status',
        parameters: [
          {
            name: 'hours',
            in: 'query',
            description: 'Of packages seen within so many hours.',
            schema: { type: 'integer', minimum: 1, maximum: 720, default: 24 },
          },
        ] satisfies Parameter[],
        responses: { 200: answer('Counts.', ref('Overview')), 400: badRequest, 503: away },
      },
    },
    '/v1/stream': {
      get: {
        summary: 'Changes of all packages and alerts as server-sent events',
        description: 'Events: `packages` and `alerts`, each a list; `reset` when more changed than is told: load anew.',
        parameters: [] as Parameter[],
        responses: {
          200: answer('A stream without end.', text, 'text/event-stream'),
          503: failure('Too many streams are open.'),
        },
      },
    },
    '/healthz': {
      get: {
        summary: 'Whether everything that the hub stands on answers',
        parameters: [] as Parameter[],
        responses: {
          200: answer('All of it does.', ref('Health')),
          503: answer('Some of it does not; `checks` says which.', ref('Health')),
        },
      },
    },
    '/metrics': {
      get: {
        summary: 'Metrics for Prometheus',
        parameters: [] as Parameter[],
        responses: { 200: answer('Text exposition format.', text, 'text/plain') },
      },
    },
    '/openapi.json': {
      get: {
        summary: 'This document',
        parameters: [] as Parameter[],
        responses: { 200: answer('OpenAPI 3.1.', { type: 'object' }) },
      },
    },
  },
  components: {
    schemas: {
      Error: object({ error: object({ code: text, message: text, candidates: list(text) }, ['candidates']) }),
      Place: {
        ...object({ readPoint: text, facilityId: text, vehicleId: text, latitude: number, longitude: number }, [
          'readPoint',
          'facilityId',
          'vehicleId',
          'latitude',
          'longitude',
        ]),
        description: 'A read point of a facility, or a vehicle.',
      },
      Status: { type: 'string', enum: [...PACKAGE_STATUSES] },
      Clock: {
        ...object({
          state: { type: 'string', enum: ['unsynced', 'ntp', 'gps', 'hub'] },
          uncertaintyMs: number,
          corrected: { type: 'boolean' },
        }),
        description: 'How far the time of an event can be trusted.',
      },
      Source: object(
        {
          gatewayId: text,
          deviceId: text,
          epoch: text,
          lane: text,
          sequence: { type: 'integer' },
          clientEventId: text,
        },
        ['clientEventId'],
      ),
      LastEvent: object(
        {
          eventId: text,
          eventType: text,
          scanType: text,
          businessStep: text,
          occurredAt: time,
          clock: ref('Clock'),
          location: ref('Place'),
          vehicleId: text,
          employeeId: text,
          source: ref('Source'),
        },
        ['vehicleId', 'employeeId'],
      ),
      PackageSummary: object({
        packageId: text,
        status: ref('Status'),
        returning: { type: 'boolean' },
        firstAt: time,
        lastAt: time,
        lastEvent: ref('LastEvent'),
        eventCount: count,
        conflictCount: count,
        version: text,
      }),
      Package: object(
        {
          packageId: text,
          otherIds: list(text),
          status: ref('Status'),
          returning: { type: 'boolean', description: 'It is on its way back to its sender.' },
          firstAt: time,
          lastAt: time,
          lastEvent: ref('LastEvent'),
          position: {
            ...object({
              latitude: number,
              longitude: number,
              at: time,
              source: { type: 'string', enum: ['event', 'vehicle'] },
            }),
            description: 'Last known: told by an event, or by the vehicle that the package is on.',
          },
          stays: list(object({ place: ref('Place'), from: time, to: time }, ['to'])),
          conflicts: list(
            object({
              kind: { type: 'string', enum: ['too-far-apart', 'seen-after-delivery'] },
              eventIds: list(text, { minItems: 2, maxItems: 2 }),
              at: time,
              detail: text,
            }),
          ),
          exceptions: list(
            object(
              {
                exceptionId: text,
                kind: { type: 'string', enum: [...EXCEPTION_KINDS] },
                severity: { type: 'string', enum: ['info', 'warning', 'critical'] },
                quantity: text,
                value: number,
                limit: number,
                message: text,
                beganAt: time,
                endedAt: time,
                retracted: { const: true },
                inspectedAt: object({ eventId: text, at: time, readPoint: text }),
                knownAt: time,
                revision: count,
              },
              ['endedAt', 'retracted', 'inspectedAt'],
            ),
          ),
          inspection: {
            const: 'required',
            description: 'Somebody must look at it: until the next scan at a read point of a facility.',
          },
          dropped: object({ otherIds: count, stays: count, conflicts: count }),
          eventCount: count,
          version: { ...text, description: 'Names the set of events that this state was folded from.' },
        },
        ['position', 'exceptions', 'inspection'],
      ),
      TrackingEvent: object(
        {
          version: { const: 1 },
          eventId: text,
          packageId: text,
          otherIds: list(text),
          eventType: text,
          scanType: text,
          businessStep: text,
          occurredAt: time,
          recordedAt: time,
          clock: ref('Clock'),
          location: ref('Place'),
          vehicleId: text,
          employeeId: text,
          source: ref('Source'),
          data: { type: 'object' },
        },
        ['vehicleId', 'employeeId'],
      ),
      Journey: object({
        packageId: text,
        from: time,
        to: time,
        stays: list(object({ place: ref('Place'), from: time, to: time })),
        curves: list(
          object({
            quantity: { type: 'string', enum: ['temperature', 'humidity', 'shock'] },
            unit: text,
            gatewayId: text,
            deviceId: text,
            place: ref('Place'),
            near: { type: 'string', enum: ['read-point', 'facility', 'vehicle'] },
            stay: { ...count, description: 'Index into `stays`.' },
            points: list({ type: 'array', prefixItems: [time, number], minItems: 2, maxItems: 2 }),
          }),
        ),
        tracks: list(
          object({
            vehicleId: text,
            stay: count,
            points: list({ type: 'array', prefixItems: [time, number, number], minItems: 3, maxItems: 3 }),
          }),
        ),
        truncated: { type: 'boolean', description: 'There were more stays or curves than one answer holds.' },
      }),
      Alert: object(
        {
          alertId: text,
          state: { type: 'string', enum: ['raised', 'cleared', 'retracted'] },
          ruleId: text,
          severity: { type: 'string', enum: ['info', 'warning', 'critical'] },
          gatewayId: text,
          deviceId: text,
          location: ref('Place'),
          quantity: text,
          value: number,
          limit: number,
          message: text,
          raisedAt: time,
          endedAt: time,
          clearedValue: number,
        },
        ['raisedAt', 'endedAt', 'clearedValue'],
      ),
      Overview: object({ since: time, packages: { type: 'object', additionalProperties: count }, openAlerts: count }),
      Health: object({
        status: { type: 'string', enum: ['ok', 'degraded'] },
        roles: list(text),
        checks: { type: 'object', additionalProperties: object({ ok: { type: 'boolean' }, detail: text }) },
      }),
    },
  },
};

export type ApiPath = keyof typeof openapi.paths;

/** The query parameters of a path as a JSON Schema for the router; others than these are refused. */
export function querystringOf(path: ApiPath): JsonSchema {
  return querystringOfParameters(openapi.paths[path].get.parameters);
}

export function querystringOfParameters(parameters: readonly Parameter[]): JsonSchema {
  const query = parameters.filter((parameter) => parameter.in === 'query');
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(query.map(({ name, schema }) => [name, schema])),
  };
}

/** The path as the router writes it. */
export function routeOf(path: ApiPath): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
