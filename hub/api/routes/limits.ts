/** Packages' own limits: of one package, or of many at once. */
import type { FastifyInstance } from 'fastify';
import type { GivenLimits, LimitDesk, ShownLimits } from '../../limits/limit-desk.ts';
import type { PackageLimits } from '../../limits/limits.ts';
import type { TrackingReader } from '../../tracking/reader.ts';
import { invalidParameter } from '../errors.ts';
import { LIMITS_BODY, LIMITS_LINE } from '../openapi-limits.ts';
import { whoOf } from '../who.ts';
import { ambiguousName } from './packages.ts';

interface One {
  Params: { packageId: string };
}

const MAX_LINES = 1_000;
const BULK_BYTES = 1024 * 1024;
/** An id that names something: no control characters, as everywhere (tracking/parse.ts). */
const PRINTABLE = /^[^\p{Cc}\p{Cs}]{1,256}$/u;

export function limitRoutes(app: FastifyInstance, { limits, reader }: { limits: LimitDesk; reader: TrackingReader }) {
  app.get<One>(
    '/v1/packages/:packageId/limits',
    async ({ params }): Promise<ShownLimits> => limits.show(await canonical(reader, params.packageId)),
  );

  app.put<One & { Body: PackageLimits }>(
    '/v1/packages/:packageId/limits',
    { schema: { body: LIMITS_BODY } },
    async (request): Promise<ShownLimits> => {
      const packageId = await canonical(reader, request.params.packageId);
      await limits.set([{ packageId, limits: request.body }], whoOf(request));
      return limits.show(packageId);
    },
  );

  void app.register(async (scope) => {
    scope.addContentTypeParser('application/x-ndjson', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    scope.post<{ Body: string }>('/v1/package-limits', { bodyLimit: BULK_BYTES }, async (request) => {
      const validate = request.compileValidationSchema(LIMITS_LINE);
      const given: GivenLimits[] = [];
      for (const [index, line] of linesOf(request.body).entries()) {
        const value = parsed(line);
        if (!validate(value)) {
          const [fault] = validate.errors ?? [];
          throw invalidParameter(
            `line ${index + 1}: ${fault?.instancePath ?? ''} ${fault?.message ?? 'is no JSON object'}`,
          );
        }
        const { packageId, ...rest } = value as PackageLimits & { packageId: string };
        given.push({ packageId: await canonical(reader, packageId), limits: rest });
      }
      await limits.set(given, whoOf(request));
      return { count: given.length };
    });
  });
}

/** The id of a package that was seen; the name itself of one that was not. */
async function canonical(reader: TrackingReader, name: string): Promise<string> {
  const found = await reader.find(name);
  if (found?.state) return found.state.packageId;
  if (found) throw ambiguousName(name, found.candidates);
  if (!PRINTABLE.test(name)) throw invalidParameter('a package id is 1 to 256 printable characters');
  return name;
}

function linesOf(body: unknown): string[] {
  if (typeof body !== 'string') throw invalidParameter('send application/x-ndjson: one JSON object on each line');
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > MAX_LINES) throw invalidParameter(`${lines.length} lines: at most ${MAX_LINES} at once`);
  return lines;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
