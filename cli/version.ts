/** Milepost's version, from package.json, which stands above cli/ in the sources and above dist/cli/ when built. */
import { readFileSync } from 'node:fs';

export const VERSION: string = read();

function read(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name: string;
        version: string;
      };
      if (name === 'milepost') return version;
    } catch {
      // The other place.
    }
  }
  return 'unknown';
}
