/** What the API takes beside the tracking API (openapi.ts), where the process has it: the open door, dead letters and replays. OpenAPI 3.1. */
import { doorEventSchema } from '../../protocols/door/door-event-schema.ts';
import { REPLAY_TARGETS } from '../replay/replay.ts';
import type { JsonSchema, Parameter } from './openapi.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const query = (name: string, description: string, schema: JsonSchema): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});

export const LETTER_PARAMETERS: readonly Parameter[] = [
  query('limit', 'At most so many in one answer.', { type: 'integer', minimum: 1, maximum: 500, default: 50 }),
  query('after', 'The `next` of the answer before: goes on where that one ended.', { type: 'string', maxLength: 2000 }),
  query('state', 'Only those in this state.', {
    type: 'string',
    enum: ['open', 'replayed', 'dropped', 'all'],
    default: 'open',
  }),
  query('code', 'Only those with this error code.', { type: 'string', maxLength: 100 }),
  query('gateway', 'Only those of this gateway or client.', { type: 'string', maxLength: 100 }),
  query('from', 'Not before this time.', time),
  query('to', 'Not after this time.', time),
];

const json = (description: string, schema: JsonSchema = { type: 'object' }) => ({
  description,
  content: { 'application/json': { schema } },
});
const failure = (description: string) => json(description, { $ref: '#/components/schemas/Error' });
const id: Parameter = { name: 'id', in: 'path', required: true, description: 'As the list has it.', schema: text };
const body = (schema: JsonSchema, type = 'application/json') => ({ required: true, content: { [type]: { schema } } });
const object = (properties: Record<string, JsonSchema>, required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
});
const secured = [{ bearer: [] }, { basic: [] }];
const position: JsonSchema = { type: ['string', 'integer'], description: 'A time, or an offset in each partition.' };

const doorPaths = {
  '/v1/events': {
    post: {
      summary: 'Events of a client without Milepost',
      description:
        'One, an array, or one on each line. The client names each event; what comes again under a name counts once.',
      security: secured,
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: { anyOf: [doorEventSchema, { type: 'array', items: { $ref: doorEventSchema.$id } }] },
          },
          'application/x-ndjson': { schema: text },
        },
      },
      responses: {
        202: json('The event log has all of them.'),
        400: failure('The body is not JSON.'),
        401: failure('Credentials are missing or wrong.'),
        413: failure('The body is too large.'),
        415: failure('Another media type.'),
        422: json('Some are not valid: `results` says which, line by line. The others are in the event log.'),
        503: failure('The event log is away; send it again.'),
      },
    },
  },
  '/epcis/v2/capture': {
    get: {
      summary: 'Capture jobs of the client, the latest first',
      security: secured,
      responses: { 200: json('Jobs.'), 401: failure('Credentials.') },
    },
    post: {
      summary: 'Capture an EPCIS 2.0 document',
      security: secured,
      requestBody: body({ type: 'object' }, 'application/ld+json'),
      responses: {
        202: { description: 'Taken; Location names the job.' },
        400: failure('No EPCIS 2.0 document.'),
        401: failure('Credentials are missing or wrong.'),
        503: failure('The event log is away; send it again.'),
      },
    },
  },
  '/epcis/v2/capture/{captureId}': {
    get: {
      summary: 'What became of a document',
      security: secured,
      parameters: [{ ...id, name: 'captureId', description: 'From the Location of the capture.' }],
      responses: {
        200: json('The job.'),
        401: failure('Credentials are missing or wrong.'),
        404: failure('No such job.'),
      },
    },
  },
};

const operatorPaths = {
  '/v1/dead-letters': {
    get: {
      summary: 'Dead letters, the latest first',
      parameters: LETTER_PARAMETERS,
      responses: { 200: json('A page of them.'), 400: failure('A parameter is not valid.') },
    },
  },
  '/v1/dead-letters/{id}': {
    get: {
      summary: 'One, with its headers and bytes',
      parameters: [id],
      responses: { 200: json('The letter.'), 404: failure('No such letter.') },
    },
  },
  '/v1/dead-letters/{id}/replay': {
    post: {
      summary: 'Try it again, with the identity it had',
      parameters: [id],
      requestBody: body(object({ by: text }, ['by'])),
      responses: {
        202: json('It is in the event log again.'),
        404: failure('No such letter.'),
        409: failure('It was settled already.'),
        422: failure('It would fail the same way; the message says how.'),
      },
    },
  },
  '/v1/dead-letters/{id}/drop': {
    post: {
      summary: 'Settle it without trying it again',
      parameters: [id],
      requestBody: body(object({ by: text, why: text }, ['by', 'why'])),
      responses: { 200: json('The letter.'), 404: failure('No such letter.'), 409: failure('It was settled already.') },
    },
  },
  '/v1/replays': {
    post: {
      summary: 'Process a part of the uplink log once more',
      requestBody: body(
        object(
          {
            from: position,
            to: position,
            into: { type: 'array', items: { enum: [...REPLAY_TARGETS] }, default: ['timeseries', 'state'] },
          },
          ['from'],
        ),
      ),
      responses: {
        202: json('It runs; Location names it.'),
        400: failure('A position is not valid.'),
        409: failure('Another one runs.'),
      },
    },
  },
  '/v1/replays/{id}': {
    get: {
      summary: 'How far it is',
      parameters: [id],
      responses: { 200: json('The replay.'), 404: failure('No such replay.') },
    },
    delete: {
      summary: 'End it',
      parameters: [id],
      responses: { 200: json('The replay.'), 404: failure('No such replay.') },
    },
  },
};

/** The document with what this process has besides. */
export function withOperators<T extends { paths: object; components: object }>(document: T): object {
  return {
    ...document,
    paths: { ...document.paths, ...doorPaths, ...operatorPaths },
    components: {
      ...document.components,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' }, basic: { type: 'http', scheme: 'basic' } },
    },
  };
}
