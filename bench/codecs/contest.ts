/** One codec of ours beside another library's, on the same vectors. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export interface Contest {
  name: string;
  /** Library and version. */
  peer: string;
  vectors: ContestVector[];
}

export interface ContestVector {
  name: string;
  /** Decodes it once; may throw where the vector is not valid. */
  ours(): unknown;
  peer(): unknown;
  /** Whether what comes out is what the vector says. */
  oursRight(): boolean;
  peerRight(): boolean;
  /** Valid input, so worth timing. */
  timed: boolean;
}

const require = createRequire(import.meta.url);

/** A library that has no types of its own, or not for modules. */
export function load<T>(name: string): T {
  return require(name) as T;
}

export function versionOf(name: string): string {
  const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return `${name} ${version}`;
}

export function fixture<T>(path: string): T[] {
  return JSON.parse(readFileSync(new URL(`../../protocols/${path}`, import.meta.url), 'utf8')) as T[];
}

/** The value, or `undefined` when it throws. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
