/** One thing that was looked at, and what to do about it. */
export type Level = 'ok' | 'warn' | 'fail';

export interface CheckResult {
  /** What was looked at: `config`, `disk`, `device scanner-1`. */
  check: string;
  level: Level;
  message: string;
  /** What to do; for `warn` and `fail`. */
  advice?: string;
}

export function ok(check: string, message: string): CheckResult {
  return { check, level: 'ok', message };
}

export function warn(check: string, message: string, advice: string): CheckResult {
  return { check, level: 'warn', message, advice };
}

export function fail(check: string, message: string, advice: string): CheckResult {
  return { check, level: 'fail', message, advice };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
