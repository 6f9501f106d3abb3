/**
 * Exits 0 when node_modules is what package-lock.json asks for, going by the lockfile that npm leaves inside
 * node_modules after each installation; 1 otherwise. Optional packages (other platforms' binaries) may be absent.
 */
import { existsSync, readFileSync } from 'node:fs';

function packagesOf(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');

const matches =
  installed !== undefined &&
  Object.entries(wanted).every(([folder, entry]) => {
    if (folder === '') return true;
    const found = installed[folder];
    if (found === undefined) return entry.optional === true || entry.peer === true;
    return found.version === entry.version && existsSync(folder);
  });

process.exit(matches ? 0 : 1);
