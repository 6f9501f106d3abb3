/** For whoever works on the console: `npx tsx test/e2e/console-data/serve.ts [port]`. */
import { startSampleFleet } from './start.ts';

const sample = await startSampleFleet({ port: Number(process.argv[2] ?? 0) });
console.log(sample.url);
await new Promise((resolve) => {
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
});
await sample.close();
