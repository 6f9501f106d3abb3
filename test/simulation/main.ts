/**
 * `npm run simulate -- --seed N [--count M] [--trace] [--kinds A,B] [--mutation NAME]`: runs seeds from N on and stops at the first that fails; with
 * --trace prints what happened. Exit code 1 when one failed.
 */
import { parseArgs } from 'node:util';
import { KNOWN_BUGS } from './mutations.ts';
import { EPISODES } from './plan.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    mutation: { type: 'string' },
    /** Episodes to draw from, where not all. */
    kinds: { type: 'string' },
    /** Goes on after a failure. */
    all: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
const bug = KNOWN_BUGS.find(({ mutation }) => mutation === values.mutation);
const kinds =
  values.kinds === undefined ? undefined : EPISODES.filter((kind) => values.kinds?.split(',').includes(kind));
if (
  !Number.isSafeInteger(first) ||
  !Number.isSafeInteger(count) ||
  (values.mutation !== undefined && !bug) ||
  kinds?.length === 0
) {
  console.error('usage: simulate --seed N [--count M] [--trace] [--all] [--kinds A,B] [--mutation NAME]');
  process.exit(2);
}

let failed = 0;
const sums = { events: 0, simulatedMs: 0, offered: 0, accepted: 0, delivered: 0, stated: 0, gapAlarms: 0 };
for (let seed = first; seed < first + count; seed++) {
  const { failure, hash, trace, events, simulatedMs, counts } = await simulate(seed, {
    trace: values.trace,
    ...(kinds && { kinds }),
    ...(bug && { mutation: bug.mutation, kinds: bug.kinds }),
  });
  for (const line of trace) console.log(line);
  sums.events += events;
  sums.simulatedMs += simulatedMs;
  for (const name of ['offered', 'accepted', 'delivered', 'stated', 'gapAlarms'] as const) sums[name] += counts[name];
  if (failure !== undefined || count === 1) console.log(`seed ${seed} ${hash}: ${failure ?? 'holds'}`);
  if (failure !== undefined) {
    failed++;
    if (!values.all) break;
  }
}
console.log(`${failed} failed; ${JSON.stringify(sums)}; ${(process.cpuUsage().user / 1e6).toFixed(1)} s of CPU`);
process.exitCode = failed > 0 ? 1 : 0;
