/** A context for one simulator under test: manual clock, memory lines, ledger as an array. */
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../random.ts';
import type { LedgerEntry, SimulatorContext } from '../simulator.ts';
import { memoryLines } from './memory-line.ts';

/** When a test's shift begins. */
export const START_MS = Date.UTC(2026, 10, 23, 8);

export function testContext(seed: number | string = 1) {
  const clock = new ManualClock(START_MS);
  const { open, line, lines } = memoryLines();
  const ledger: LedgerEntry[] = [];
  const context: SimulatorContext = {
    clock,
    wireClock: clock,
    random: seededRandom(seed),
    log: silentLog,
    emit: (entry) => ledger.push(entry),
    runDir: '/run-dir-of-the-test',
    openLine: open,
  };
  return { clock, line, lines, ledger, context };
}
