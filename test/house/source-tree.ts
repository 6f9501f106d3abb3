/** The files that the house rules look at, as values: the rules themselves touch no disk. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  /** From the project's root, with `/`. */
  path: string;
  source: string;
}

export interface Fault {
  path: string;
  line?: number;
  message: string;
}

const FOLDERS = ['protocols', 'edge', 'hub', 'simulators', 'cli', 'test', 'bench', 'scripts'];
/** Material, not code: captured bytes, expected output, what a build or a run has left. */
const SKIPPED = new Set(['fixtures', 'golden', 'node_modules', 'dist']);
const MADE = new Set(['node_modules', 'dist']);
const TEXT = /\.(ts|mjs|js|sh|py|css|html|sql|proto|yaml|json|md)$/;

export const ROOT = join(import.meta.dirname, '..', '..');

export function readTree(root = ROOT): SourceFile[] {
  return FOLDERS.flatMap((folder) => filesIn(root, folder)).map((path) => ({
    path,
    source: TEXT.test(path) ? readFileSync(join(root, path), 'utf8') : '',
  }));
}

/** Every file and folder of the project, material included; not what tools keep or make. */
export function readPaths(root = ROOT, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || MADE.has(entry.name)) return [];
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? [path, ...readPaths(root, path)] : [path];
  });
}

/** Tests and what only tests use; the rest is the product. */
export function isTestCode(path: string): boolean {
  return /^(test|bench)\/|\.(test|test-support|contract)\.ts$|\/testing\//.test(path);
}

/** One line per fault, for an assertion that shows them all. */
export function inWords(faults: readonly Fault[]): string[] {
  return faults.map(({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}: ${message}`);
}

function filesIn(root: string, folder: string): string[] {
  let entries: { name: string; isDirectory(): boolean }[];
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesIn(root, path);
    return [path];
  });
}
