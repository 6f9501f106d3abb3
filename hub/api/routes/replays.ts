/** Replays of the `uplink` log. For operators: a proxy in front of the API says who may. */
import type { FastifyInstance } from 'fastify';
import { ReplayBusyError, type ReplayJobs, type ReplayReport } from '../../replay/jobs.ts';
import { REPLAY_TARGETS, type ReplayRange, type ReplayTarget } from '../../replay/replay.ts';
import { ApiError } from '../errors.ts';

/** A time (ISO 8601) or an offset in each partition. */
const position = {
  anyOf: [
    { type: 'string', minLength: 4, maxLength: 40 },
    { type: 'integer', minimum: 0 },
  ],
};
const body = {
  type: 'object',
  additionalProperties: false,
  required: ['from'],
  properties: {
    from: position,
    to: position,
    into: { type: 'array', minItems: 1, items: { enum: [...REPLAY_TARGETS] } },
  },
};

interface Asked {
  from: string | number;
  to?: string | number;
  into?: ReplayTarget[];
}

interface One {
  Params: { id: string };
}

export function replayRoutes(app: FastifyInstance, { replays }: { replays: ReplayJobs }): void {
  app.post<{ Body: Asked }>('/v1/replays', { schema: { body } }, async ({ body: asked }, reply) => {
    const { from, to, into = ['timeseries', 'state'] } = asked;
    const range: ReplayRange = {
      from: positionOf(from, 'from'),
      ...(to === undefined ? {} : { to: positionOf(to, 'to') }),
    };
    const report = await started(replays, range, into);
    return reply.status(202).header('location', `/v1/replays/${report.id}`).send(report);
  });
  app.get<One>('/v1/replays/:id', async ({ params: { id } }) => replays.get(id) ?? unknown(id));
  app.delete<One>('/v1/replays/:id', async ({ params: { id } }) => (await replays.stop(id)) ?? unknown(id));
}

async function started(replays: ReplayJobs, range: ReplayRange, into: readonly ReplayTarget[]): Promise<ReplayReport> {
  try {
    return await replays.start(range, [...new Set(into)]);
  } catch (error) {
    if (!(error instanceof ReplayBusyError)) throw error;
    const message = `${error.message}; wait for it, or end it with DELETE /v1/replays/{id}`;
    throw new ApiError({ code: 'replay-running', status: 409, message });
  }
}

/** The router turns a text of digits into a number where both are allowed, and the other way round. */
function positionOf(value: string | number, name: string): ReplayRange['from'] {
  if (/^\d+$/.test(String(value))) return { offset: Number(value) };
  const timeMs = Date.parse(String(value));
  if (!Number.isNaN(timeMs)) return { timeMs };
  const message = `${name} is ${JSON.stringify(value)}: a time such as 2026-11-23T06:00:00Z or an offset was expected`;
  throw new ApiError({ code: 'invalid-parameter', status: 400, message });
}

function unknown(id: string): never {
  const message = `no replay ${JSON.stringify(id.slice(0, 60))} is known to this process; a replay ends with it`;
  throw new ApiError({ code: 'replay-unknown', status: 404, message });
}
