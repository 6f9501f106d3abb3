import type { Producer } from 'node-rdkafka';
import { expect, it, vi } from 'vitest';
import type { LogRecord } from '../event-log.ts';
import { Append, Rounds } from './rounds.ts';

const settled = { timeout: 30_000, interval: 1 };

function setup() {
  const produced: [string, Append][] = [];
  const refused = new Set<string>();
  const producer = {
    produce(...[, , , key, , opaque]: Parameters<Producer['produce']>) {
      if (refused.has(String(key))) throw new Error('queue full');
      produced.push([String(key), opaque as Append]);
    },
    getMetadata: () => producer,
    isConnected: () => true,
    poll: () => producer,
  } as Partial<Producer> as Producer;
  const rounds = new Rounds(producer);
  const told: string[] = [];
  const add = (...keys: string[]) => {
    const records = keys.map((key): LogRecord => ({ topic: 'uplink', key, value: Buffer.from(key) }));
    rounds.add(new Append(records, (fault) => told.push(`${keys}${fault ? `: ${(fault as Error).message}` : ''}`)));
  };
  const keys = () => produced.map(([key]) => key);
  const confirm = (key: string, fault?: Error) => {
    const [at] = produced.filter(([produced]) => produced === key);
    rounds.reported(at?.[1] as Append, fault ?? null);
  };
  /** What is due in this turn of the event loop and in the next. */
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return { rounds, refused, told, add, keys, confirm, turn };
}

it('hands over what one turn brought at once, and what comes while two rounds are under way when one is confirmed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  try {
    const { add, keys, confirm, turn, told } = setup();
    add('a');
    add('b');
    await turn();
    add('c');
    await turn();
    expect(keys()).toEqual(['a', 'b', 'c']);
    add('d');
    add('e');
    confirm('b');
    await turn();
    expect(keys()).toEqual(['a', 'b', 'c']);
    confirm('a');
    await turn();
    expect(keys()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(told).toEqual(['b', 'a']);
  } finally {
    vi.useRealTimers();
  }
});

it('does not hold back for ever', async () => {
  const { add, keys, turn } = setup();
  for (const key of ['a', 'b', 'c']) {
    add(key);
    await turn();
  }
  await vi.waitFor(() => expect(keys()).toEqual(['a', 'b', 'c']), settled);
});

it('tells an append when its last message is confirmed, with the first fault, and those of one turn together', async () => {
  const { add, confirm, turn, told } = setup();
  add('a', 'b');
  add('c');
  add('d');
  await turn();
  confirm('a', new Error('too late'));
  confirm('c');
  await turn();
  expect(told).toEqual(['c']);
  confirm('d');
  confirm('b', new Error('later'));
  expect(told).toEqual(['c']);
  await turn();
  expect(told).toEqual(['c', 'd', 'a,b: too late']);
});

it('fails an append that the producer refuses once what was taken of it is confirmed, and no other', async () => {
  const { add, confirm, refused, turn, told } = setup();
  refused.add('b');
  add('a', 'b', 'c');
  add('d');
  await turn();
  expect(told).toEqual([]);
  confirm('d');
  confirm('a');
  await turn();
  expect(told).toEqual(['d', 'a,b,c: queue full']);
});

it('fails at the end all that were not told, each once, and hands nothing over any more', async () => {
  const { rounds, add, keys, confirm, turn, told } = setup();
  add('a');
  await turn();
  add('b');
  rounds.end(new Error('closed'));
  expect(told).toEqual(['a: closed', 'b: closed']);
  confirm('a');
  await turn();
  expect(keys()).toEqual(['a']);
  expect(told).toHaveLength(2);
});
