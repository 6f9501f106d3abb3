/**
 * Our codecs beside the npm library that does the same: frames per second on one core, and how many outside vectors each gets right.
 *
 *   npm run bench -- codecs [--seconds 2] [--only llrp] [--json]
 *
 * Speed is measured on the vectors that both get right, so that neither is timed while it refuses something. Each turn decodes all of them
 * over and over; turns alternate between the two, and the best of each counts: noise of the machine only ever makes a turn slower.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { chosen } from './choose.ts';
import type { Contest } from './codecs/contest.ts';
import { gs1 } from './codecs/gs1.ts';
import { llrp } from './codecs/llrp.ts';
import { modbus } from './codecs/modbus.ts';
import { nmea } from './codecs/nmea.ts';
import { tracking } from './codecs/tracking.ts';

const TURNS = 5;
const GOAL = 3;

const CONTESTS = [llrp, nmea, modbus, gs1, tracking];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', default: CONTESTS.map(({ name }) => name).join(',') },
    json: { type: 'boolean', default: false },
  },
});
const turnMs = (Number(values.seconds) * 1000) / TURNS;
const wanted = chosen(
  'only',
  values.only,
  CONTESTS.map(({ name }) => name),
);
const contests = CONTESTS.filter(({ name }) => wanted.includes(name));
const results = contests.map(measure);

if (values.json) process.stdout.write(`${JSON.stringify({ cpu: cpus()[0]?.model, node: process.version, results })}\n`);
else {
  process.stdout.write(
    'codec     peer                            ours/s      peer/s   ratio  ours right  peer right\n',
  );
  for (const { name, peer, oursPerS, peerPerS, ratio, vectors, oursRight, peerRight } of results) {
    const cells = [String(oursPerS).padStart(11), String(peerPerS).padStart(12), ratio.toFixed(1).padStart(8)];
    const right = [`${oursRight}/${vectors}`.padStart(12), `${peerRight}/${vectors}`.padStart(12)];
    process.stdout.write(`${name.padEnd(10)}${peer.padEnd(26)}${cells.join('')}${right.join('')}\n`);
  }
}
process.exitCode = results.every(({ ratio, oursRight, vectors }) => ratio >= GOAL && oursRight === vectors) ? 0 : 1;

function measure({ name, peer, vectors }: Contest) {
  const judged = vectors.map((vector) => ({ ...vector, oursIs: vector.oursRight(), peerIs: vector.peerRight() }));
  const both = judged.filter(({ oursIs, peerIs, timed }) => oursIs && peerIs && timed);
  if (both.length === 0) throw new Error(`${name}: no vector that both get right`);
  const ours = both.map(({ ours: run }) => run);
  const theirs = both.map(({ peer: run }) => run);
  let oursPerS = 0;
  let peerPerS = 0;
  // One turn more than counts, as the warm-up.
  for (let turn = 0; turn <= TURNS; turn++) {
    const rates = [ratePerS(ours), ratePerS(theirs)] as const;
    if (turn === 0) continue;
    oursPerS = Math.max(oursPerS, rates[0]);
    peerPerS = Math.max(peerPerS, rates[1]);
  }
  return {
    name,
    peer,
    timedVectors: both.length,
    oursPerS: Math.round(oursPerS),
    peerPerS: Math.round(peerPerS),
    ratio: Math.round((oursPerS / peerPerS) * 10) / 10,
    vectors: judged.length,
    oursRight: judged.filter(({ oursIs }) => oursIs).length,
    peerRight: judged.filter(({ peerIs }) => peerIs).length,
    oursWrong: judged.filter(({ oursIs }) => !oursIs).map((vector) => vector.name),
  };
}

function ratePerS(runs: readonly (() => unknown)[]): number {
  const startMs = performance.now();
  let frames = 0;
  let elapsedMs = 0;
  let last: unknown;
  while (elapsedMs < turnMs) {
    for (let round = 0; round < 20; round++) for (const run of runs) last = run();
    frames += 20 * runs.length;
    elapsedMs = performance.now() - startMs;
  }
  // The result is used, so that no compiler leaves the work out.
  if (last === Symbol.iterator) throw new Error('impossible');
  return (frames * 1000) / elapsedMs;
}
