/**
 * For whoever works on the web pages: `npx tsx test/e2e/web-data/serve.ts [port]`. Every second a package goes one stage on,
 * and the vehicles move.
 */

import { telemetry } from './seed.ts';
import { startSampleHub } from './start.ts';

const hub = await startSampleHub({ port: Number(process.argv[2] ?? 0) });
console.log(hub.url);

const abort = new AbortController();
process.once('SIGINT', () => abort.abort());
process.once('SIGTERM', () => abort.abort());

const moving = new Map<string, number>();
for (let round = 1; !abort.signal.aborted; round++) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const nowMs = Date.now();
  if (round % 4 === 1) moving.set(`sscc:0034012346${String(round).padStart(8, '0')}`, 0);
  const [packageId, steps] = [...moving][round % moving.size] ?? [];
  const event =
    packageId !== undefined && steps !== undefined ? hub.network.nextEvent(packageId, steps, nowMs) : undefined;
  if (packageId !== undefined && steps !== undefined && event) {
    moving.set(packageId, steps + 1);
    hub.changes.publish(await hub.network.project([event]));
  } else if (packageId !== undefined) moving.delete(packageId);
  await hub.timeSeries.write(telemetry(nowMs - 1000, nowMs));
}
await hub.close();
