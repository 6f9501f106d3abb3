/** What is counted for and against the peers (bench/peers): the comparison stands and falls with it. */
import { expect, it } from 'vitest';
import { countPhases } from '../../bench/peers/count.ts';

const text = (number: number) => `00340123450000000079400${String(number).padStart(10, '0')}`;
const emissions = Array.from({ length: 40 }, (_, number) => {
  return { gatewayId: 'peer', deviceId: 'reader', text: text(number), atMs: number * 100 };
});
const phases = [
  { name: 'one', fromMs: 0, toMs: 2_000 },
  { name: 'two', fromMs: 2_000, toMs: 4_000 },
];
const count = (messages: readonly string[], killsMs: readonly number[] = []) =>
  countPhases({ emissions, messages, phases, killsMs, downMs: 100 });
const all = emissions.map((emission) => `execd value="]C1${emission.text}" 1795440000000000000`);

it('counts nothing where each scan came once', () => {
  expect(count(all)).toEqual([
    { phase: 'one', written: 20, lost: 0, duplicates: 0 },
    { phase: 'two', written: 20, lost: 0, duplicates: 0 },
  ]);
});

it('counts what did not come, and what came more than once, in the phase in which it was written', () => {
  const messages = [...all.filter((_, number) => number !== 3 && number !== 25), all[5] ?? '', all[5] ?? ''];
  expect(count(messages)).toMatchObject([
    { lost: 1, duplicates: 2 },
    { lost: 1, duplicates: 0 },
  ]);
});

it('blames nobody for what was written in the half second before a kill', () => {
  expect(count([], [1_000])).toMatchObject([{ lost: 13 }, { lost: 20 }]);
});
