/**
 * Server-sent events (HTML Standard, 9.2): what changes, while it changes.
 *
 * A client that reads too slowly is cut off when MAX_BUFFERED_BYTES wait for it; its browser reconnects and loads anew.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { concerns } from '../../tracking/reader.ts';
import type { RouteContext } from '../app.ts';
import { ApiError } from '../errors.ts';
import { type LiveFeed, MAX_WATCHERS, type Watcher } from '../live-feed.ts';
import { routeOf } from '../openapi.ts';
import { packageAnswer, requirePackage } from './packages.ts';

const MAX_BUFFERED_BYTES = 1_000_000;
/** Proxies close connections on which nothing is said. */
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;

export function streamRoutes(app: FastifyInstance, context: RouteContext): void {
  const { reader, live, log } = context;

  app.get('/v1/stream', async (_request, reply) => {
    refuseWhenFull(live);
    const stream = openStream(reply, context);
    stream.watch({
      update({ packages, alerts, others, reset }) {
        if (reset) stream.say('reset', {});
        if (packages.length > 0) stream.say('packages', packages);
        if (alerts.length > 0) stream.say('alerts', alerts);
        for (const { event, items } of others) if (items.length > 0) stream.say(event, items);
      },
      end: stream.end,
    });
  });

  app.get<{ Params: { packageId: string } }>(routeOf('/v1/packages/{packageId}/stream'), async ({ params }, reply) => {
    refuseWhenFull(live);
    let state = await requirePackage(reader, params.packageId);
    const first = await packageAnswer(state, context);
    const stream = openStream(reply, context);
    stream.say('package', first);

    const follow = async (): Promise<void> => {
      state = await requirePackage(reader, state.packageId);
      stream.say('package', await packageAnswer(state, context));
    };
    stream.watch({
      update({ packages, alerts, reset }) {
        const here = alerts.filter((alert) => concerns(alert, state.stays));
        if (here.length > 0) stream.say('alerts', here);
        if (!reset && !packages.some(({ packageId }) => packageId === state.packageId)) return;
        follow().catch((error: Error) => {
          log.warn({ packageId: state.packageId, error: error.message }, 'stream ended: the package could not be read');
          stream.end();
        });
      },
      end: stream.end,
    });
  });
}

function refuseWhenFull(live: LiveFeed): void {
  if (!live.full) return;
  const message = `${MAX_WATCHERS} streams are open already; try again later or poll`;
  throw new ApiError({ code: 'too-many-streams', status: 503, message });
}

function openStream(reply: FastifyReply, { live, clock }: RouteContext) {
  reply.hijack();
  const response: ServerResponse = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) response.setHeader(name, value);
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
  response.write(`retry: ${RETRY_MS}\n\n`);

  let cancelHeartbeat = () => {};
  let unwatch = () => {};
  const write = (text: string) => {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
    else response.write(text);
  };
  const beat = () => {
    cancelHeartbeat = clock.after(HEARTBEAT_MS, () => {
      write(':\n\n');
      beat();
    });
  };
  beat();
  response.on('close', () => {
    cancelHeartbeat();
    unwatch();
  });
  return {
    say: (event: string, data: unknown) => write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    end: () => void response.end(),
    watch: (watcher: Watcher) => {
      unwatch = live.watch(watcher);
      if (response.destroyed) unwatch();
    },
  };
}
