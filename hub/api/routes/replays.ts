/** Replays of the `uplink` log. For operators: a proxy in front of the API says who may. */
import type { FastifyInstance } from 'fastify';
import { isoTimeMs } from '../../../protocols/base/iso-time.ts';
import { ReplayBusyError, type ReplayJobs, type ReplayReport } from '../../replay/jobs.ts';
import { REPLAY_TARGETS, type ReplayRange, type ReplayTarget } from '../../replay/replay.ts';
import { ApiError, invalidParameter } from '../errors.ts';

/** A time (ISO 8601) or an offset in each partition. */
const position = {
  anyOf: [
    { type: 'string', minLength: 1, maxLength: 40 },
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
    const { into = ['timeseries', 'state'] } = asked;
    const report = await started(replays, rangeOf(asked), into);
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
  if (/^\d{1,15}$/.test(String(value))) return { offset: Number(value) };
  const timeMs = isoTimeMs(String(value));
  if (timeMs !== undefined && timeMs >= 0) return { timeMs };
  throw invalidParameter(
    `${name} is ${JSON.stringify(value)}: a time such as 2026-11-23T06:00:00Z, or an offset, was expected`,
  );
}

/** A range that can only be empty was meant otherwise. */
function rangeOf({ from, to }: Asked): ReplayRange {
  const first = positionOf(from, 'from');
  if (to === undefined) return { from: first };
  const last = positionOf(to, 'to');
  const isEmpty =
    ('timeMs' in first && 'timeMs' in last && last.timeMs <= first.timeMs) ||
    ('offset' in first && 'offset' in last && last.offset <= first.offset);
  if (isEmpty) throw invalidParameter(`to (${to}) is not after from (${from}): there is nothing between them`);
  return { from: first, to: last };
}

function unknown(id: string): never {
  const message = `no replay ${JSON.stringify(id.slice(0, 60))} is known to this process; a replay ends with it`;
  throw new ApiError({ code: 'replay-unknown', status: 404, message });
}
