import { describe, expect, it, vi } from 'vitest';
import { Groups } from './groups.ts';

const soon = { timeout: 30_000, interval: 1 };

interface Item {
  name: string;
  bytes: number;
}

/** Writes that end when they are told to. */
function setup() {
  const writes: { key: string; names: string; end: (error?: Error) => void }[] = [];
  const groups = new Groups<Item>({
    write: (key, items) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve());
        writes.push({ key, names: items.map(({ name }) => name).join(''), end });
      }),
    isRefusal: (error) => (error as Error).message === 'refused',
  });
  const settled: string[] = [];
  const add = (key: string, name: string, bytes = 1) =>
    groups.add(key, { name, bytes }).then(
      () => settled.push(name),
      (error: Error) => settled.push(`${name} ${error.message}`),
    );
  /** The next write, once it is there. */
  const next = async (names: string) => {
    await vi.waitFor(() => expect(writes.at(-1)?.names).toBe(names), soon);
    return writes.at(-1) ?? expect.unreachable();
  };
  return { writes, settled, add, next };
}

describe('what comes while a write is under way', () => {
  it('goes as one write after it, in order, and is not promised before', async () => {
    const { writes, settled, add, next } = setup();
    for (const name of 'ab') void add('client', name);
    const first = await next('ab');
    for (const name of 'cde') void add('client', name);
    expect(writes).toHaveLength(1);
    expect(settled).toEqual([]);
    first.end();
    const second = await next('cde');
    expect(settled).toEqual(['a', 'b']);
    second.end();
    await vi.waitFor(() => expect(settled.join('')).toBe('abcde'), soon);
    void add('client', 'f');
    (await next('f')).end();
    await vi.waitFor(() => expect(settled.join('')).toBe('abcdef'), soon);
  });

  it('waits for writes of its own key only', async () => {
    const { writes, settled, add, next } = setup();
    void add('slow', 'a');
    await next('a');
    void add('quick', 'b');
    (await next('b')).end();
    await vi.waitFor(() => expect(settled).toEqual(['b']), soon);
    expect(writes.map(({ key }) => key)).toEqual(['slow', 'quick']);
  });

  it('is cut by number and by size; one that is larger by itself goes alone', async () => {
    const { writes, add, next } = setup();
    const all = [...Array.from({ length: 2_001 }, () => add('client', 'x')), add('client', 'L', 5 * 1024 * 1024)];
    void add('client', 'y');
    (await next('x'.repeat(2_000))).end();
    (await next('x')).end();
    (await next('L')).end();
    await Promise.all(all);
    (await next('y')).end();
    expect(writes).toHaveLength(4);
  });
});

describe('a write that fails', () => {
  it('for what it holds is taken apart: what can be written is, in order, and the one that cannot is told', async () => {
    const written: string[] = [];
    const groups = new Groups<Item>({
      async write(_key, items) {
        if (items.some(({ name }) => name === 'bad')) throw new Error('refused');
        written.push(...items.map(({ name }) => name));
      },
      isRefusal: (error) => (error as Error).message === 'refused',
    });
    const names = ['a', 'b', 'bad', 'c', 'd', 'bad', 'e'];
    const results = await Promise.allSettled(names.map((name) => groups.add('client', { name, bytes: 1 })));
    expect(written).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(results.map(({ status }) => status)).toEqual(
      names.map((name) => (name === 'bad' ? 'rejected' : 'fulfilled')),
    );
  });

  it('for another reason fails all of it at once, and what comes after is tried', async () => {
    const { writes, settled, add, next } = setup();
    for (const name of 'ab') void add('client', name);
    (await next('ab')).end(new Error('away'));
    await vi.waitFor(() => expect(settled).toEqual(['a away', 'b away']), soon);
    void add('client', 'c');
    (await next('c')).end();
    await vi.waitFor(() => expect(settled).toEqual(['a away', 'b away', 'c']), soon);
    expect(writes).toHaveLength(2);
  });

  it('fails what waits behind it as well, which would wait as long for the same, or overtake it', async () => {
    const { writes, settled, add, next } = setup();
    void add('client', 'a');
    const first = await next('a');
    for (const name of 'bc') void add('client', name);
    void add('other', 'd');
    const other = await next('d');
    first.end(new Error('away'));
    await vi.waitFor(() => expect(settled).toEqual(['a away', 'b away', 'c away']), soon);
    other.end();
    void add('client', 'e');
    (await next('e')).end();
    await vi.waitFor(() => expect(settled).toEqual(['a away', 'b away', 'c away', 'd', 'e']), soon);
    expect(writes.map(({ key }) => key)).toEqual(['client', 'other', 'client']);
  });
});
