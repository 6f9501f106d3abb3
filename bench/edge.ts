/**
 * Throughput of the gateway, beside what one would write and beside the limit of the disk, in one run.
 *
 *   npm run bench -- edge [--only gateway,outbox] [--events 400000] [--turns 3] [--folder PATH] [--profile FOLDER] [--json]
 *
 * Everything is compiled first and run by plain Node.js with the daemon's own options: the TypeScript loader costs memory, and time for each
 * closure. The hub is another process that acknowledges at once. `--folder` decides which disk is measured; the default is the
 * temporary folder's. `--profile` writes a CPU profile of each gateway into a folder.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const built = join(root, '.cache/bench-edge');

rmSync(built, { recursive: true, force: true });
const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'bench/edge'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status === 0) {
  const program = join(built, 'bench/edge/main.js');
  const { status } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else process.exitCode = 1;
