/** How values come out of both PostgreSQL clients (see store.ts): one table by type OID (pg_type.dat). */
const BYTEA = 17;
const INT8 = 20;
const DATE = 1082;
/** node-postgres parses arrays by the array's own type, PGlite by the element's. */
export const INT8_ARRAY = 1016;
const TIMESTAMP = 1114;

export const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [BYTEA]: (text) => Buffer.from(text.slice(2), 'hex'),
  [INT8]: wholeNumber,
  // Without a zone these name no moment, and the two clients would guess different ones.
  [DATE]: (text) => text,
  [TIMESTAMP]: (text) => text,
};

/** PGlite's own way to write bytes builds an array of digits first: ten times slower, and most of what a log appends is bytes. */
export const serializers: Readonly<Record<number, (value: Uint8Array) => string>> = {
  [BYTEA]: (bytes) => `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`,
};

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`${text} does not fit a number without loss: select it as text`);
  return value;
}
