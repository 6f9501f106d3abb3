/** Exit codes of every command: 0 done, 1 the input or the check is bad, 2 usage. */
import { setMaxListeners } from 'node:events';

export const DONE = 0;
export const BAD = 1;
export const USAGE = 2;

/** Aborted by Ctrl-C or a service manager's SIGTERM; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  // Every device and port of a process waits for it.
  setMaxListeners(0, controller.signal);
  let asked = false;
  const stop = () => {
    if (asked) process.exit(BAD);
    asked = true;
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** An error that was foreseen carries a code; its message is enough. Anything else is a bug and shows where. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${error.message} (${code})` : (error.stack ?? error.message);
}
