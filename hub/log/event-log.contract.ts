/**
 * What every EventLog does, run by sql/sql.test.ts (PGlite), sql/sql.server.test.ts (PostgreSQL) and kafka/kafka.server.test.ts.
 *
 * Each test has topics of its own, so that a server can be shared. Tests wait for conditions, never for time.
 */
import { describe } from 'vitest';
import { appendContract } from './append.contract.ts';
import { followContract } from './follow.contract.ts';
import { contractBench, type LogBench } from './log-bench.test-support.ts';
import { transformContract } from './transform.contract.ts';

export function eventLogContract(makeBench: () => Promise<LogBench>): void {
  describe('contract of an EventLog', () => {
    const bench = contractBench(makeBench);
    appendContract(bench);
    followContract(bench);
    transformContract(bench);
  });
}
