/** Packages: their list, and of one of them the state, the timeline, the sensors and the alerts. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { journeyOf, positionOf } from '../../tracking/journey.ts';
import type { TrackingReader } from '../../tracking/reader.ts';
import type { PackageState } from '../../tracking/state.ts';
import type { PackageStatus } from '../../tracking/status.ts';
import type { RouteContext } from '../app.ts';
import { ApiError, invalidParameter } from '../errors.ts';
import { querystringOf, routeOf } from '../openapi.ts';

interface OnePackage {
  Params: { packageId: string };
}

interface Paged {
  limit: number;
  after?: string;
}

export function packageRoutes(app: FastifyInstance, { reader, timeSeries, clock, log }: RouteContext): void {
  app.get<{ Querystring: Paged & { status?: PackageStatus; q?: string } }>(
    '/v1/packages',
    { schema: { querystring: querystringOf('/v1/packages') } },
    async ({ query: { limit, after, status, q } }) => reader.packages({ limit, after, status, search: q }),
  );

  app.get<OnePackage>(routeOf('/v1/packages/{packageId}'), async ({ params }, reply) => {
    const state = await requirePackage(reader, params.packageId);
    sayCanonical(reply, params.packageId, state);
    return packageAnswer(state, { timeSeries, clock, log });
  });

  app.get<OnePackage & { Querystring: Paged }>(
    routeOf('/v1/packages/{packageId}/events'),
    { schema: { querystring: querystringOf('/v1/packages/{packageId}/events') } },
    async ({ params, query }) => {
      const { packageId } = await requirePackage(reader, params.packageId);
      return reader.events(packageId, query);
    },
  );

  app.get<OnePackage & { Querystring: { from?: string; to?: string; maxPoints: number } }>(
    routeOf('/v1/packages/{packageId}/sensors'),
    { schema: { querystring: querystringOf('/v1/packages/{packageId}/sensors') } },
    async ({ params, query: { from, to, maxPoints } }) => {
      const state = await requirePackage(reader, params.packageId);
      const fromMs = Date.parse(from ?? state.firstAt);
      const toMs = to === undefined ? Math.floor(clock.wall().wallMs) : Date.parse(to);
      if (from !== undefined && to !== undefined && fromMs > toMs) {
        throw invalidParameter('from is later than to');
      }
      const journey = await journeyOf(state, timeSeries, { fromMs, toMs: Math.max(fromMs, toMs), maxPoints });
      return { packageId: state.packageId, ...journey };
    },
  );

  app.get<OnePackage & { Querystring: Paged }>(
    routeOf('/v1/packages/{packageId}/alerts'),
    { schema: { querystring: querystringOf('/v1/packages/{packageId}/alerts') } },
    async ({ params, query }) => {
      const { stays } = await requirePackage(reader, params.packageId);
      return reader.alerts({ ...query, stays });
    },
  );
}

/** The state of the package that a path names, or the answer that says why there is none. */
export async function requirePackage(reader: TrackingReader, name: string): Promise<PackageState> {
  const found = await reader.find(name);
  if (found?.state) return found.state;
  const shown = JSON.stringify(name.slice(0, 200));
  if (found) throw ambiguousName(name, found.candidates);
  const message = `no package ${shown} has been seen; GET /v1/packages?q=… finds packages by the beginning of a name (a package's id stands percent-encoded in the path)`;
  throw new ApiError({ code: 'package-unknown', status: 404, message });
}

export function ambiguousName(name: string, candidates: readonly string[]): ApiError {
  const message = `${JSON.stringify(name.slice(0, 200))} is a name of ${candidates.length} packages; ask for one of the candidates`;
  return new ApiError({ code: 'package-ambiguous', status: 409, message, candidates });
}

/** A package's state with its position. A time series that is away costs the vehicle's position, not the answer. */
export async function packageAnswer(
  state: PackageState,
  { timeSeries, clock, log }: Pick<RouteContext, 'timeSeries' | 'clock' | 'log'>,
): Promise<object> {
  const { position: told, ...rest } = state;
  const position = await positionOf(state, timeSeries, Math.floor(clock.wall().wallMs)).catch((error: Error) => {
    log.warn({ packageId: state.packageId, error: error.message }, 'position of the vehicle not known');
    return told && { ...told, source: 'event' };
  });
  return { ...rest, ...(position && { position }) };
}

function sayCanonical(reply: FastifyReply, name: string, { packageId }: PackageState): void {
  if (name !== packageId) void reply.header('content-location', `/v1/packages/${encodeURIComponent(packageId)}`);
}
