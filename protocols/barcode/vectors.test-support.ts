/** How tests read the vectors of this folder. */
import { readFileSync } from 'node:fs';

export interface Vector<Expected> {
  name: string;
  input: string;
  expected: Expected;
  source: string;
}

export function loadVectors<Expected>(file: string): Vector<Expected>[] {
  return JSON.parse(readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8')) as Vector<Expected>[];
}
