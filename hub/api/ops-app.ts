/** /healthz and /metrics alone, for a process without the role `api`. */
import Fastify, { type FastifyInstance } from 'fastify';
import type { OpsOptions } from './app.ts';
import { installErrorAnswers } from './errors.ts';
import { opsRoutes } from './routes/ops.ts';

export async function createOps(options: OpsOptions): Promise<FastifyInstance> {
  const app = Fastify({ bodyLimit: 1024, requestTimeout: 30_000 });
  installErrorAnswers(app, options.log);
  opsRoutes(app, options);
  return app;
}
