/**
 * The one error type of every decoder under protocols/.
 *
 * Decoders are total: any input gives a value or a `CodecError`; nothing else is ever thrown for bad input.
 * `code` is stable, kebab-case and documented in docs/errors.md; `offset` is the byte offset in the input at
 * which the fault was found.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code: string;
  readonly offset: number;

  /** @param fault `code` kebab-case; `message` says what, where and what was expected; `offset` in bytes. */
  constructor(fault: { code: string; message: string; offset?: number; cause?: unknown }) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause });
    this.code = fault.code;
    this.offset = fault.offset ?? 0;
  }
}

export function isCodecError(error: unknown): error is CodecError {
  return error instanceof CodecError;
}

/** What `milepost decode` prints for input that is not valid. */
export function codecErrorToJson(error: CodecError): { error: { code: string; message: string; offset: number } } {
  return { error: { code: error.code, message: error.message, offset: error.offset } };
}
