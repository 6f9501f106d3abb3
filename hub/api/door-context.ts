/** What the routes of the open door have in common: who sends, what a body may be, and the bound that is raised for them alone. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Credentials } from '../door/credentials.ts';
import type { Door } from '../door/door.ts';
import { ApiError } from './errors.ts';

export interface DoorContext {
  door: Door;
  credentials: Credentials;
  /** Bytes of a request's body. */
  maxBody: number;
}

/** Routes inside `routes` want credentials, and take their bodies as bytes of these media types. */
export function doorScope(
  app: FastifyInstance,
  { credentials }: DoorContext,
  mediaTypes: readonly string[],
  routes: (scope: FastifyInstance) => void,
): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...mediaTypes], { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.addHook('onRequest', async (request, reply) => {
      if (clientOf(request, credentials) !== undefined) return;
      void reply.header('www-authenticate', 'Bearer realm="milepost", Basic realm="milepost"');
      const message = credentials.isEmpty
        ? 'nobody may send events yet: give clients tokens in the configuration of the hub (door.tokens)'
        : 'credentials are missing or wrong: send Authorization: Bearer TOKEN (door.tokens in the configuration of the hub)';
      throw new ApiError({ code: 'credentials-missing', status: 401, message });
    });
    routes(scope);
  });
}

export function clientOf(request: FastifyRequest, credentials: Credentials): string | undefined {
  return credentials.clientOf(request.headers.authorization);
}
