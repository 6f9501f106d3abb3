/** From what PostgreSQL, node-postgres and PGlite throw to a StoreError. SQLSTATE: PostgreSQL documentation, appendix A. */
import { StoreError, type StoreErrorCode } from './store.ts';

/** @param where What to call the database in messages: a host and database name, or a folder; never credentials. */
export function storeError(error: unknown, where: string): StoreError {
  if (error instanceof StoreError) return error;
  const sqlState = sqlStateOf(error);
  const code = sqlState === undefined ? codeOfLocalFault(error) : codeOfSqlState(sqlState);
  return new StoreError({ code, message: `${where}: ${messageOf(error)}`, sqlState, cause: error });
}

/** The five-character SQLSTATE of an error that the database itself reported. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  const severity = (error as { severity?: unknown } | null)?.severity;
  return typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** What did not come from the database: a value that has no PostgreSQL or JavaScript form, or a connection that broke. */
function codeOfLocalFault(error: unknown): StoreErrorCode {
  return error instanceof RangeError || error instanceof TypeError ? 'store-rejected' : 'store-unavailable';
}

function codeOfSqlState(state: string): StoreErrorCode {
  if (state.startsWith('40') || state === '55P03') return 'store-conflict';
  if (state.startsWith('28') || state === '3D000' || state === '42501') return 'store-denied';
  // 08 connection, 53 resources (disk full, too many connections), 57 operator intervention, 58 system, XX internal,
  // 25006 a standby that does not take writes.
  if (/^(08|53|57|58|XX)/.test(state) || state === '25006') return 'store-unavailable';
  return 'store-rejected';
}

/** A connection attempt that tried several addresses carries its reasons in `errors` and has no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
