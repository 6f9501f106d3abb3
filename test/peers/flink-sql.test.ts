/** deploy/kafka/flink-package-events.sql is Flink SQL, by a grammar that is not ours. That its names are right is hub/log/kafka/contract.test.ts's. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const script = readFileSync(join(ROOT, 'deploy/kafka/flink-package-events.sql'), 'utf8');

async function parse(sql: string): Promise<{ faults: string[]; statements: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/peers/flink-parse.ts'], {
    cwd: ROOT,
    // The grammar's own listener complains there, too.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.end(sql);
  return JSON.parse(await text(child.stdout));
}

it('Flink’s grammar takes the example, and not one with a mistake', async () => {
  const [good, bad] = await Promise.all([parse(script), parse(script.replace('`limit` DOUBLE', 'limit DOUBLE'))]);
  expect(good).toEqual({ faults: [], statements: 5 });
  expect(bad.faults).not.toEqual([]);
});
