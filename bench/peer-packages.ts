/** Libraries that only benchmarks stand beside: installed into the cache when they are first wanted, never into the project. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const INSTALL_MS = 300_000;

/** The module, or why it is not there. */
export async function peerPackage<T>(name: string, version: string): Promise<T | string> {
  const cache = process.env.MILEPOST_CACHE ?? join(homedir(), '.cache', 'milepost');
  const folder = join(cache, 'peers', `${name}-${version}`);
  try {
    if (!existsSync(join(folder, 'node_modules', name))) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'package.json'), '{"private":true}\n');
      // Libraries with native parts build or fetch them in a script, which the project's own settings forbid.
      const args = ['install', '--ignore-scripts=false', '--no-audit', '--no-fund', `${name}@${version}`];
      await promisify(execFile)('npm', args, { timeout: INSTALL_MS, cwd: folder });
    }
    return createRequire(join(folder, 'package.json'))(name) as T;
  } catch (error) {
    // Half of it would pass for all of it the next time.
    await rm(folder, { recursive: true, force: true });
    return `not run: ${(error as Error).message.split('\n')[0]}`;
  }
}
