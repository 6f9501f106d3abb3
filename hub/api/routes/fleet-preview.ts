/** What limits would have done on stored telemetry, and the curves that they are drawn into. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { QUANTITIES } from '../../../protocols/rules/quantities.ts';
import { FleetError } from '../../fleet/errors.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { type PreviewAnswer, preview } from '../../fleet/preview/preview.ts';
import { bandsOf, rulesInForce, seriesOf } from '../../fleet/preview/series.ts';
import { checkWritten } from '../../fleet/profile-checks.ts';
import { invalidProfile } from '../../fleet/profile-desk.ts';
import type { RouteContext } from '../app.ts';
import { ApiError, invalidParameter } from '../errors.ts';
import { querystringOfParameters } from '../openapi.ts';
import { PREVIEW_BODY, SERIES_PARAMETERS } from '../openapi-preview.ts';
import { BODY_LIMIT } from './fleet-profiles.ts';

interface One {
  Params: { id: string };
}

interface AskedSeries {
  device: string;
  quantity: string;
  from?: string;
  to?: string;
  points: number;
}

/** Each keeps the time series busy for as long as it takes. */
const MAX_AT_ONCE = 2;
const DAY_MS = 86_400_000;

export function fleetPreviewRoutes(
  app: FastifyInstance,
  { fleet, store, timeSeries, clock }: Pick<RouteContext, 'store' | 'timeSeries' | 'clock'> & { fleet: Fleet },
): void {
  let underWay = 0;

  app.post<One & { Body: { selector: unknown; settings: unknown; days: number } }>(
    '/v1/fleet/profiles/:id/preview',
    { schema: { body: PREVIEW_BODY }, bodyLimit: BODY_LIMIT },
    async ({ params: { id }, body: { days, ...written } }, reply): Promise<PreviewAnswer> => {
      const { selector, settings, problems } = checkWritten(written);
      if (!selector || !settings) throw invalidProfile(id, problems);
      if (underWay >= MAX_AT_ONCE) {
        const message = `${underWay} previews are under way; try again when one of them is done`;
        throw new ApiError({ code: 'preview-busy', status: 429, message });
      }
      const toMs = Math.floor(clock.wall().wallMs);
      underWay++;
      try {
        const answer = await preview({
          sql: store,
          timeSeries,
          clock,
          selector,
          rules: settings.rules,
          currentRuleIds: await currentRules(fleet, id),
          fromMs: toMs - days * DAY_MS,
          toMs,
          signal: gone(reply.raw),
        });
        return { ...answer, problems: await fleet.profiles.problems({ ...written, profileId: id }) };
      } finally {
        underWay--;
      }
    },
  );

  app.get<One & { Querystring: AskedSeries }>(
    '/v1/fleet/gateways/:id/series',
    { schema: { querystring: { ...querystringOfParameters(SERIES_PARAMETERS), required: ['device', 'quantity'] } } },
    async ({ params: { id: gatewayId }, query: { device, quantity, from, to, points: maxPoints } }) => {
      const gateway = await fleet.gateway(gatewayId);
      const toMs = to === undefined ? Math.floor(clock.wall().wallMs) : Date.parse(to);
      const fromMs = from === undefined ? toMs - DAY_MS : Date.parse(from);
      if (fromMs > toMs) {
        throw invalidParameter('from is later than to');
      }
      const points = await seriesOf(timeSeries, { gatewayId, device, quantity, fromMs, toMs, maxPoints });
      const inForce = await rulesInForce(store, gatewayId);
      return {
        device,
        quantity,
        unit: QUANTITIES[quantity]?.unit ?? '',
        from: new Date(fromMs).toISOString(),
        to: new Date(toMs).toISOString(),
        points,
        bands: bandsOf(gateway, { device, quantity, inForce }),
      };
    },
  );
}

/** Of the version that gateways have; a profile that is only being made has none. */
async function currentRules({ profiles }: Fleet, profileId: string): Promise<string[]> {
  try {
    const { releasedVersion } = await profiles.show(profileId);
    if (releasedVersion === undefined) return [];
    const { settings } = await profiles.version(profileId, releasedVersion);
    return settings.rules.map(({ id }) => id);
  } catch (error) {
    if (error instanceof FleetError && error.code === 'profile-unknown') return [];
    throw error;
  }
}

/** Aborted when the client goes away before its answer. */
function gone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}
