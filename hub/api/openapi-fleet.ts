/** The fleet's part of the API, where the process has it. OpenAPI 3.1, and what the routes validate with. */
import { GATEWAY_FILTERS } from '../fleet/gateway-reader.ts';
import { CONFIG_STATES, ROLLOUT_STATES } from '../fleet/model.ts';
import { PROFILE_ID } from '../fleet/profile-desk.ts';
import type { JsonSchema, Parameter } from './openapi.ts';

const text: JsonSchema = { type: 'string' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const flag: JsonSchema = { type: 'boolean' };
const number: JsonSchema = { type: 'number' };
const map = (values: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: values });
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const object = (properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const query = (name: string, description: string, schema: JsonSchema): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});
const limit = (most: number, usual: number): Parameter =>
  query('limit', 'At most so many in one answer.', { type: 'integer', minimum: 1, maximum: most, default: usual });
const after = query('after', 'The `next` of the answer before: goes on where that one ended.', {
  type: 'string',
  maxLength: 100,
});
const id: Parameter = { name: 'id', in: 'path', required: true, description: 'As the list has it.', schema: text };

export const GATEWAY_PARAMETERS: readonly Parameter[] = [
  limit(1000, 200),
  after,
  query('label', 'Only with this label, `name:value`; again for another one, of the same name for another value.', {
    anyOf: [
      { type: 'array', items: { type: 'string', maxLength: 200 }, maxItems: 50 },
      { type: 'string', maxLength: 200 },
    ],
  }),
  query(
    'state',
    'Only those: `rejected` also for what went back by itself, `behind` for what has not its version yet.',
    {
      type: 'string',
      enum: [...GATEWAY_FILTERS],
    },
  ),
  query('q', 'Only with this in their id.', { type: 'string', minLength: 1, maxLength: 63 }),
];
export const PROFILE_PARAMETERS: readonly Parameter[] = [limit(500, 200), after];
export const DIFF_PARAMETERS: readonly Parameter[] = [
  { ...query('from', 'A version.', { type: 'integer', minimum: 1 }), required: true },
  { ...query('to', 'Another one.', { type: 'integer', minimum: 1 }), required: true },
];
export const ROLLOUT_PARAMETERS: readonly Parameter[] = [
  limit(500, 50),
  query('state', 'Only those in this state.', { type: 'string', enum: [...ROLLOUT_STATES] }),
  query('profile', 'Only of this profile.', { type: 'string', maxLength: 63 }),
];
const ROLLOUT_GATEWAY_STATES = ['waiting', ...CONFIG_STATES.filter((state) => state !== 'none')];
export const ROLLOUT_GATEWAY_PARAMETERS: readonly Parameter[] = [
  limit(5000, 1000),
  after,
  query('state', 'Only gateways in this state.', { type: 'string', enum: ROLLOUT_GATEWAY_STATES }),
];
export const HISTORY_PARAMETERS: readonly Parameter[] = [
  limit(500, 100),
  query('subject', '`gateway/ID`, `profile/ID` or `rollout/ID`.', { type: 'string', maxLength: 200 }),
  query('before', 'Only entries older than the one with this id.', { type: 'integer', minimum: 1 }),
];

const reason: JsonSchema = { type: 'string', minLength: 1, maxLength: 500, description: 'For the history.' };
const closed = (properties: Record<string, JsonSchema>, required: readonly string[]): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
});

/** What is inside selector and settings is checked by hand: its problems come with a place and a proposal. */
const anything: JsonSchema = {};
export const LABELS_BODY = closed({ labels: map({ type: ['string', 'null'] }), reason }, ['labels']);
export const PROFILE_ID_PARAMS: JsonSchema = object({ id: { type: 'string', pattern: PROFILE_ID.source } });
export const PROFILE_BODY = closed(
  {
    name: { type: 'string', minLength: 1, maxLength: 128 },
    selector: anything,
    settings: anything,
    reason,
    baseVersion: {
      ...count,
      description: 'The version that was edited: refused when there is a newer one; 0 for a new profile.',
    },
    allowEmpty: { ...flag, description: 'For gateways that are still to come: the selector may fit none.' },
  },
  ['name', 'selector', 'settings', 'reason'],
);
export const CHECK_BODY = closed({ selector: anything, settings: anything, allowEmpty: flag }, [
  'selector',
  'settings',
]);
export const ROLLOUT_BODY = closed(
  {
    profileId: { type: 'string', maxLength: 63 },
    version: { type: 'integer', minimum: 1 },
    canaryPercent: { type: 'number', minimum: 0, maximum: 100, default: 5, description: '0: all at once.' },
    canaryMinutes: { type: 'number', minimum: 0, maximum: 43_200, default: 10 },
    maxRejectedPercent: { type: 'number', minimum: 0, maximum: 100, default: 10 },
    maxAlertRateFactor: { type: 'number', minimum: 1, maximum: 1_000_000, default: 3 },
    reason,
  },
  ['profileId', 'version', 'reason'],
);
export const ORDER_BODY = closed({ reason }, ['reason']);

const json = (description: string, schema: JsonSchema) => ({
  description,
  content: { 'application/json': { schema } },
});
const failure = (description: string) => json(description, { $ref: '#/components/schemas/Error' });
const body = (schema: JsonSchema) => ({ required: true, content: { 'application/json': { schema } } });
const away = failure('The database is away; try again.');
const badRequest = failure('A parameter is not valid.');
const noGateway = failure('No such gateway has been heard.');
const noProfile = failure('No such profile, or version.');
const noRollout = failure('No such rollout.');
const refused = failure('Refused: `problems` says where, what, why, and what would be right.');

const order = (summary: string) => ({
  post: {
    summary,
    parameters: [id],
    requestBody: body(ORDER_BODY),
    responses: {
      200: json('The rollout.', ref('Rollout')),
      404: noRollout,
      409: failure('It is not in a state in which that can be done.'),
    },
  },
});

const fleetPaths = {
  '/v1/fleet/gateways': {
    get: {
      summary: 'Gateways: health, lag, which configuration is in force',
      parameters: GATEWAY_PARAMETERS,
      responses: {
        200: json(
          'A page, in the order of ids.',
          object({ gateways: list(ref('FleetGateway')), total: count, next: text }, ['next']),
        ),
        400: badRequest,
        503: away,
      },
    },
  },
  '/v1/fleet/gateways/{id}': {
    get: {
      summary: 'One, with what it shall have, what it reported, its profiles and its history',
      parameters: [id],
      responses: { 200: json('The gateway.', ref('FleetGateway')), 404: noGateway },
    },
    patch: {
      summary: 'Set labels instead of those in its own file; null takes that back',
      parameters: [id],
      requestBody: body(LABELS_BODY),
      responses: { 200: json('The gateway.', ref('FleetGateway')), 404: noGateway, 422: refused },
    },
  },
  '/v1/fleet/profiles': {
    get: {
      summary: 'Profiles, the latest version of each',
      parameters: PROFILE_PARAMETERS,
      responses: { 200: json('A page.', object({ profiles: list(ref('Profile')), next: text }, ['next'])) },
    },
  },
  '/v1/fleet/profiles/{id}': {
    get: {
      summary: 'The latest version',
      parameters: [id],
      responses: { 200: json('The profile.', ref('Profile')), 404: noProfile },
    },
    put: {
      summary: 'Save as a new version; it is in force nowhere until a rollout',
      parameters: [id],
      requestBody: body(PROFILE_BODY),
      responses: {
        200: json('The profile.', ref('Profile')),
        409: failure('Somebody has saved another version since `baseVersion`.'),
        422: refused,
      },
    },
  },
  '/v1/fleet/profiles/{id}/check': {
    post: {
      summary: 'What would be refused, without saving',
      parameters: [id],
      requestBody: body(CHECK_BODY),
      responses: {
        200: json(
          'Problems; none: it can be saved.',
          object({ problems: list(ref('Problem')), warnings: list(ref('Problem')) }),
        ),
      },
    },
  },
  '/v1/fleet/profiles/{id}/versions': {
    get: {
      summary: 'All versions, the latest first',
      parameters: [id],
      responses: { 200: json('Versions.', object({ versions: list(ref('Profile')) })), 404: noProfile },
    },
  },
  '/v1/fleet/profiles/{id}/diff': {
    get: {
      summary: 'What is different between two versions, key by key',
      parameters: [id, ...DIFF_PARAMETERS],
      responses: {
        200: json(
          'Changes.',
          object({
            from: count,
            to: count,
            changes: list(
              object({ key: text, change: { enum: ['added', 'removed', 'changed'] }, from: {}, to: {} }, [
                'from',
                'to',
              ]),
            ),
          }),
        ),
        404: noProfile,
      },
    },
  },
  '/v1/fleet/rollouts': {
    get: {
      summary: 'Rollouts, the latest first',
      parameters: ROLLOUT_PARAMETERS,
      responses: { 200: json('Rollouts.', object({ rollouts: list(ref('Rollout')) })), 400: badRequest },
    },
    post: {
      summary: 'Bring a version of a profile to its gateways: canaries first, then the rest',
      requestBody: body(ROLLOUT_BODY),
      responses: {
        201: json('It has begun; Location names it.', ref('Rollout')),
        404: noProfile,
        409: failure('Another rollout of this profile is not over.'),
        422: refused,
      },
    },
  },
  '/v1/fleet/rollouts/{id}': {
    get: {
      summary: 'How far it is, gateway by gateway',
      parameters: [id, ...ROLLOUT_GATEWAY_PARAMETERS],
      responses: { 200: json('The rollout.', ref('Rollout')), 404: noRollout },
    },
  },
  '/v1/fleet/rollouts/{id}/stop': order('Move no further gateway'),
  '/v1/fleet/rollouts/{id}/resume': order('Go on with a stopped one'),
  '/v1/fleet/rollouts/{id}/rollback': order('Give all gateways the version back that they had before'),
  '/v1/fleet/history': {
    get: {
      summary: 'Who changed what, when and why; the latest first',
      parameters: HISTORY_PARAMETERS,
      responses: { 200: json('Entries.', object({ history: list(ref('FleetDeed')) })), 400: badRequest },
    },
  },
};

const problem = object({ path: list({ type: ['string', 'integer'] }), code: text, message: text, proposal: text }, [
  'proposal',
]);
const keyReason = object({ key: text, code: text, reason: text });

const fleetSchemas = {
  Problem: problem,
  FleetGateway: object(
    {
      gatewayId: text,
      online: flag,
      heardAt: time,
      software: text,
      labels: map(text),
      lag: { ...map(count), description: 'Records that wait on the gateway, by lane.' },
      clock: { type: 'object' },
      outboxMode: text,
      devices: list(object({ id: text, driver: text, state: text, code: text, message: text })),
      inForceVersion: count,
      desiredVersion: count,
      configState: { enum: [...CONFIG_STATES] },
      trying: { ...flag, description: 'In force, but not yet proven.' },
      reasons: list(keyReason),
      ownLabels: map(text),
      setLabels: map(text),
      desired: { type: 'object' },
      reported: { type: 'object' },
      reportedAt: time,
      profiles: list(object({ profileId: text, name: text, version: count })),
      history: list(ref('FleetDeed')),
    },
    [
      'heardAt',
      'software',
      'lag',
      'clock',
      'outboxMode',
      'ownLabels',
      'setLabels',
      'desired',
      'reported',
      'reportedAt',
      'profiles',
      'history',
    ],
  ),
  Profile: object(
    {
      profileId: text,
      version: count,
      name: text,
      selector: { ...map({ anyOf: [text, list(text)] }), description: 'All labels must fit; {} fits every gateway.' },
      settings: { type: 'object' },
      written: { type: 'object', description: 'The settings as people write them, with units.' },
      author: text,
      reason: text,
      createdAt: time,
      releasedVersion: { ...count, description: 'What gateways get that no rollout has moved.' },
      gateways: { ...count, description: 'Known gateways that fit the selector.' },
      openRollout: text,
      warnings: {
        ...list(ref('Problem')),
        description: 'After saving: what gateways would refuse, by what they said is there.',
      },
    },
    ['releasedVersion', 'gateways', 'openRollout', 'warnings'],
  ),
  Rollout: object(
    {
      rolloutId: text,
      profileId: text,
      fromVersion: count,
      version: count,
      state: { enum: [...ROLLOUT_STATES] },
      canaryPercent: number,
      canaryMinutes: number,
      maxRejectedPercent: number,
      maxAlertRateFactor: number,
      author: text,
      reason: text,
      createdAt: time,
      stateAt: time,
      why: text,
      counts: object({
        total: count,
        waiting: count,
        inForce: count,
        pending: count,
        rejected: count,
        rolledBack: count,
        offline: count,
      }),
      back: {
        ...object({ total: count, inForce: count, pending: count, rejected: count, rolledBack: count, offline: count }),
        description: 'Of one that was rolled back: how its gateways stand with what they had before.',
      },
      gateways: list(
        object(
          {
            gatewayId: text,
            canary: flag,
            state: { enum: ROLLOUT_GATEWAY_STATES },
            movedAt: time,
            reasons: list(keyReason),
          },
          ['movedAt'],
        ),
      ),
      next: text,
    },
    ['fromVersion', 'why', 'back', 'gateways', 'next'],
  ),
  FleetDeed: object({
    id: count,
    at: time,
    who: text,
    what: text,
    why: text,
    subject: text,
    detail: { type: 'object' },
  }),
};

/** The document with the fleet in it. */
export function withFleet<T extends { paths: object; components: { schemas: object } }>(document: T) {
  return {
    ...document,
    paths: { ...document.paths, ...fleetPaths },
    components: { ...document.components, schemas: { ...document.components.schemas, ...fleetSchemas } },
  };
}
