/**
 * What could not be tested here, one line each, for the end of the test run: said by name, never silently skipped.
 *
 * The lines go through a file because they come from several processes; scripts/test.sh names it in MILEPOST_NOT_RUN and
 * prints it, a bare `vitest` run gets one from global-setup.ts.
 */
import { appendFileSync, readFileSync } from 'node:fs';

export function recordNotRun(file: string, line: string): void {
  if (!notRunLines(file).includes(line)) appendFileSync(file, `${line}\n`);
}

export function notRunLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
