/** For whoever runs the hub: is it well, and how is it doing. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../../protocols/base/clock.ts';
import type { OpsOptions } from '../app.ts';

export type HealthCheck = () => Promise<{ ok: boolean; detail: string }>;

/** A check that says nothing for so long is a check that failed. */
const CHECK_TIMEOUT_MS = 3000;

export function opsRoutes(app: FastifyInstance, { health, metrics, clock, roles }: OpsOptions): void {
  app.get('/healthz', async (_request, reply) => {
    const results = await Promise.all(
      Object.entries(health).map(async ([name, check]) => [name, await bounded(check, clock)] as const),
    );
    const down = results.filter(([, { ok }]) => !ok).map(([name]) => name);
    if (down.length > 0) void reply.status(503);
    return { status: down.length > 0 ? 'degraded' : 'ok', roles, checks: Object.fromEntries(results) };
  });

  app.get('/metrics', async (_request, reply) => {
    void reply.type('text/plain; version=0.0.4; charset=utf-8');
    return metrics();
  });
}

/** The check, or after a while that it says nothing. Never rejects. */
export async function bounded(check: HealthCheck, clock: Clock): ReturnType<HealthCheck> {
  let cancel = () => {};
  const timeout = new Promise<Awaited<ReturnType<HealthCheck>>>((resolve) => {
    cancel = clock.after(CHECK_TIMEOUT_MS, () => resolve({ ok: false, detail: `no answer in ${CHECK_TIMEOUT_MS} ms` }));
  });
  try {
    return await Promise.race([check(), timeout]);
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  } finally {
    cancel();
  }
}
