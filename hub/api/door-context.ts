/** What the routes of the open door have in common: who sends, what a body may be, and the bound that is raised for them alone. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Admission } from '../broker/admission.ts';
import type { Credentials } from '../door/credentials.ts';
import type { Door } from '../door/door.ts';
import { parseJson, textOf } from '../door/validate.ts';
import { ApiError, invalidParameter } from './errors.ts';

export interface DoorContext {
  door: Door;
  credentials: Credentials;
  /** Bytes of a request's body. */
  maxBody: number;
  /** Bounds the bodies in hands: those beyond are not read before there is room. */
  hands: Admission;
}

/** Routes inside `routes` want credentials, and take their bodies as UTF-8 texts of these media types. */
export function doorScope(
  app: FastifyInstance,
  { credentials, maxBody, hands }: DoorContext,
  mediaTypes: readonly string[],
  routes: (scope: FastifyInstance) => void,
): void {
  const inHands = new WeakMap<FastifyRequest, number>();
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...mediaTypes], { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
      const text = textOf(body);
      if (text === undefined) done(invalidParameter('the body is not UTF-8: nothing of it was taken'));
      else done(null, text);
    });
    scope.addContentTypeParser('*', (request, _payload, done) => {
      const given = JSON.stringify(request.headers['content-type'] ?? '');
      done(invalidParameter(`content-type ${given} is not taken here: ${mediaTypes.join(' or ')} was expected`, 415));
    });
    scope.addHook('onRequest', async (request, reply) => {
      if (clientOf(request, credentials) === undefined) {
        void reply.header('www-authenticate', 'Bearer realm="milepost", Basic realm="milepost"');
        const message = credentials.isEmpty
          ? 'nobody may send events yet: give clients tokens in the configuration of the hub (door.tokens)'
          : 'credentials are missing or wrong: send Authorization: Bearer TOKEN (door.tokens in the configuration of the hub)';
        throw new ApiError({ code: 'credentials-missing', status: 401, message });
      }
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding.toLowerCase() !== 'identity') {
        void reply.header('accept-encoding', 'identity');
        throw invalidParameter(
          `content-encoding ${JSON.stringify(encoding)} is not taken here: send the body as it is`,
          415,
        );
      }
      // What nobody states may be as large as any. A larger one is refused before it is read.
      const bytes = Number(request.headers['content-length'] ?? maxBody);
      if (request.method !== 'POST' || !(bytes <= maxBody)) return;
      await new Promise<void>((resolve) => hands.enter(bytes, resolve));
      if (request.raw.destroyed) {
        // It went while it waited: nothing will ever come of it.
        hands.leave(bytes);
        reply.hijack();
      } else inHands.set(request, bytes);
    });
    // Every request that was admitted comes through here once, also one that breaks off or fails.
    scope.addHook('onSend', async (request) => {
      const bytes = inHands.get(request);
      if (bytes !== undefined && inHands.delete(request)) hands.leave(bytes);
    });
    routes(scope);
  });
}

/** The whole of a body. @throws ApiError `invalid-parameter` */
export function jsonOf(text: string): unknown {
  const parsed = parseJson(text);
  if (parsed.fault) throw invalidParameter(`the body is ${parsed.fault.reason}`);
  return parsed.value;
}

export function clientOf(request: FastifyRequest, credentials: Credentials): string | undefined {
  return credentials.clientOf(request.headers.authorization);
}
