/**
 * `npm run build`: dist/ from nothing. Compiles with tsc and copies beside the compiled files what the program reads at
 * run time: every file of the source folders that is neither TypeScript, documentation nor test material.
 *
 * dist/.built is written last: a dist/ without it, or older than a source, is not finished (scripts/demo.sh).
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const SOURCES = ['protocols', 'edge', 'hub', 'simulators', 'cli'];
const TEST_FOLDERS = new Set(['fixtures', 'golden', 'node_modules']);
/** The pages' own TypeScript, where there is some, compiles for the browser by its own settings. */
const PAGES = 'hub/web/app/tsconfig.json';

process.chdir(join(import.meta.dirname, '..'));
rmSync('dist', { recursive: true, force: true });
compile('tsconfig.build.json');
if (existsSync(PAGES)) compile(PAGES);
for (const folder of SOURCES.filter((name) => existsSync(name))) {
  cpSync(folder, join('dist', folder), { recursive: true, filter: isAsset });
}
if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
removeEmptyFolders('dist');
writeFileSync('dist/.built', '');

function compile(project) {
  const { status, error } = spawnSync('node_modules/.bin/tsc', ['-p', project], { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}

function isAsset(path) {
  const name = basename(path);
  if (statSync(path).isDirectory()) return !TEST_FOLDERS.has(name);
  return !/\.(ts|md)$/.test(name) && !/^tsconfig.*\.json$/.test(name);
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name));
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}
