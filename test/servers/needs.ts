/**
 * How a test says which servers and programs it needs.
 *
 * @example
 * describeWith(['kafka', 'kcat'], 'EventLog over Kafka', ({ kafka }) => {
 *   it('keeps the order within a key', async () => { … kafka.url … });
 * });
 *
 * Where something is missing the body is not called, the group stands as skipped, and its title is printed as not run
 * at the end, with the reason. With MILEPOST_REQUIRE a missing server fails the run instead (global-setup.ts).
 */
import { describe, inject, it } from 'vitest';
import type { Need, ServerName } from './machine.ts';
import { recordNotRun } from './not-run.ts';

/** A shared server, started by global-setup.ts; tests keep apart by topics, databases, buckets and prefixes. */
export interface ServerAddress {
  host: string;
  port: number;
  url: string;
}

export type Servers<Names extends Need> = { [Name in Extract<Names, ServerName>]: ServerAddress };

declare module 'vitest' {
  export interface ProvidedContext {
    servers: Partial<Record<ServerName, ServerAddress>>;
    missing: Partial<Record<Need, string>>;
    notRunFile: string;
  }
}

export function describeWith<const Names extends Need>(
  needs: readonly Names[],
  title: string,
  body: (servers: Servers<Names>) => void,
): void {
  const reason = reasonNotToRun(needs);
  if (reason === undefined) {
    describe(title, () => body(addresses(needs)));
    return;
  }
  recordNotRun(inject('notRunFile'), `${title} (${reason})`);
  describe.skipIf(true)(title, () => {
    it(`needs ${reason}`, () => undefined);
  });
}

function reasonNotToRun(needs: readonly Need[]): string | undefined {
  const missing = inject('missing');
  if (missing === undefined) throw new Error('describeWith is for the project `real` (vitest --project real)');
  const reasons = needs.flatMap((need) => (missing[need] === undefined ? [] : [`${need}: ${missing[need]}`]));
  return reasons.length === 0 ? undefined : reasons.join(', ');
}

function addresses<Names extends Need>(needs: readonly Names[]): Servers<Names> {
  const servers = inject('servers');
  const entries = needs.flatMap((need) => {
    const address = (servers as Partial<Record<Need, ServerAddress>>)[need];
    return address === undefined ? [] : [[need, address] as const];
  });
  return Object.fromEntries(entries) as Servers<Names>;
}
