/** The writer (writer.ts) as the run sees it: started, told to be quiet, its book read. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Emission } from './judge.ts';
import type { WriterOptions } from './writer.ts';

export interface Writer {
  /** What was handed over so far. */
  readonly emissions: readonly Emission[];
  /** Ends the scans; resolves when the last one is in the book and the thermometers are off. */
  quiet(): Promise<void>;
  stop(): Promise<void>;
}

const READY_MS = 60_000;

export async function startWriter(options: WriterOptions): Promise<Writer> {
  const script = join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const emissions: Emission[] = [];
  const heard = { ready: () => {}, quiet: () => {} };
  const ready = new Promise<void>((resolve) => {
    heard.ready = resolve;
  });
  const quiet = new Promise<void>((resolve) => {
    heard.quiet = resolve;
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Emission | { ready: true } | { quiet: true };
    if ('text' in line) emissions.push(line);
    else if ('ready' in line) heard.ready();
    else heard.quiet();
  });
  const ended = exited.then(() => Promise.reject(new Error(`the writer ended with ${child.exitCode}`)));
  ended.catch(() => {});
  const late = AbortSignal.timeout(READY_MS);
  const tooLate = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('the writer does not get ready')));
  });
  tooLate.catch(() => {});
  await Promise.race([ready, ended, tooLate]);
  return {
    emissions,
    async quiet() {
      child.stdin.write('quiet\n');
      await Promise.race([quiet, ended]);
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
