/** Profiles of the fleet: saved in versions, compared, checked before they are saved. */
import type { FastifyInstance } from 'fastify';
import { formatSettings } from '../../../protocols/fleet/check-settings.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { ProfileVersion } from '../../fleet/model.ts';
import { querystringOfParameters } from '../openapi.ts';
import { CHECK_BODY, DIFF_PARAMETERS, PROFILE_BODY, PROFILE_ID_PARAMS, PROFILE_PARAMETERS } from '../openapi-fleet.ts';
import { whoOf } from '../who.ts';

/** A profile with a thousand rules, written by hand. */
export const BODY_LIMIT = 1024 * 1024;

interface One {
  Params: { id: string };
}

interface Written {
  name: string;
  selector: unknown;
  settings: unknown;
  reason: string;
  baseVersion?: number;
  allowEmpty?: boolean;
}

export function fleetProfileRoutes(app: FastifyInstance, { profiles }: Fleet): void {
  app.get<{ Querystring: { limit: number; after?: string } }>(
    '/v1/fleet/profiles',
    { schema: { querystring: querystringOfParameters(PROFILE_PARAMETERS) } },
    async ({ query }) => {
      const page = await profiles.list(query);
      return { ...page, profiles: page.profiles.map(asWritten) };
    },
  );

  app.get<One>('/v1/fleet/profiles/:id', async ({ params: { id } }) => asWritten(await profiles.show(id)));

  app.get<One>('/v1/fleet/profiles/:id/versions', async ({ params: { id } }) => ({
    versions: (await profiles.versions(id)).map(asWritten),
  }));

  app.get<One & { Querystring: { from: number; to: number } }>(
    '/v1/fleet/profiles/:id/diff',
    { schema: { querystring: { ...querystringOfParameters(DIFF_PARAMETERS), required: ['from', 'to'] } } },
    async ({ params: { id }, query: { from, to } }) => profiles.diff(id, from, to),
  );

  app.put<One & { Body: Written }>(
    '/v1/fleet/profiles/:id',
    { schema: { params: PROFILE_ID_PARAMS, body: PROFILE_BODY }, bodyLimit: BODY_LIMIT },
    async (request) =>
      asWritten(await profiles.save({ ...request.body, profileId: request.params.id, who: whoOf(request) })),
  );

  app.post<One & { Body: { selector: unknown; settings: unknown; allowEmpty?: boolean } }>(
    '/v1/fleet/profiles/:id/check',
    { schema: { params: PROFILE_ID_PARAMS, body: CHECK_BODY }, bodyLimit: BODY_LIMIT },
    async ({ params: { id }, body }) => profiles.check({ ...body, profileId: id }),
  );
}

/** `written`: the settings as people write them, with units; saving takes either form. */
function asWritten<T extends ProfileVersion>(version: T): T & { written: Record<string, unknown> } {
  return { ...version, written: formatSettings(version.settings) };
}
