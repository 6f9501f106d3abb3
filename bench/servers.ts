/** Servers of the benchmarks, set as one would for this work. */
import { startPostgres } from '../test/servers/postgres.ts';
import type { Server } from '../test/servers/server-process.ts';

/** The tests' 32 MB would have PostgreSQL read pages again all the time; its manual suggests a quarter of the memory (section 19.4.1). */
export function startBenchPostgres(): Promise<Server> {
  return startPostgres({ settings: { shared_buffers: '1GB' } });
}
