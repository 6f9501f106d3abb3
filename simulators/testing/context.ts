/** A context for one simulator under test: manual clock, memory lines, ledger as an array. */
import { silentLog } from '../../protocols/base/log.ts';
import { seededRandom } from '../random.ts';
import type { LedgerEntry, SimulatorContext } from '../simulator.ts';
import { ManualClock } from './manual-clock.ts';
import { memoryLines } from './memory-line.ts';

export function testContext(seed: number | string = 1) {
  const clock = new ManualClock();
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
