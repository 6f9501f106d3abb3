import { errorCode } from './disk.ts';

/** `ok`, or why the Outbox takes no records at present. */
export type OutboxMode = 'ok' | 'disk-full' | 'read-only' | 'io-error';

/** An append that was not accepted: nothing of it is on disk. `code` stands in docs/errors.md. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: Exclude<OutboxMode, 'ok'> | 'record-too-large' | 'outbox-closed' | 'outbox-busy';

  constructor(fault: { code: OutboxError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}

/** The mode that a failed disk operation means. */
export function modeOf(error: unknown): Exclude<OutboxMode, 'ok'> {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'disk-full';
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return 'read-only';
  return 'io-error';
}
