import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdBook, isIdPage } from './id-book.ts';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** The state topic: what was committed, by key. */
function store() {
  const kept = new Map<string, Buffer>();
  const commit = (book: IdBook) => {
    for (const { name, value } of book.touched()) {
      if (value) kept.set(name, value);
      else kept.delete(name);
    }
  };
  const restored = (options = {}) => {
    const book = new IdBook('tracking', options);
    book.restore(new Map([...kept].filter(([name]) => isIdPage(name))));
    return book;
  };
  return { kept, commit, restored };
}

it('says what is new, what came again, and what came again with other content', () => {
  const book = new IdBook('tracking');
  expect(book.see(digest('a'), digest('1'), 5)).toBe('new');
  expect(book.see(digest('a'), digest('1'), 6)).toBe('same');
  expect(book.see(digest('a'), digest('2'), 7)).toBe('other');
  expect(book.see(digest('b'), digest('2'), 7)).toBe('new');
  expect(book.has(digest('b')) && !book.has(digest('c'))).toBe(true);
});

it('is a Set, whatever comes and whenever it is restored', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(900), fc.boolean()), { minLength: 500, maxLength: 1500 }), (steps) => {
      const { commit, restored } = store();
      const model = new Set<number>();
      const committed = new Set<number>();
      let book = new IdBook('tracking');
      for (const [index, [id, restart]] of steps.entries()) {
        expect(book.see(digest(`id-${id}`), digest('x'), index)).toBe(model.has(id) ? 'same' : 'new');
        model.add(id);
        if (index % 7 === 0) {
          commit(book);
          for (const each of model) committed.add(each);
        }
        if (restart && index % 97 === 0) {
          // An abort: what was not committed is gone.
          book = restored();
          model.clear();
          for (const each of committed) model.add(each);
        }
      }
      expect(book.size).toBe(model.size);
    }),
    { seed: 6, numRuns: 10 },
  );
});

it('forgets whole pages after their time, in the store as well, and nothing younger', () => {
  const { kept, commit, restored } = store();
  const book = new IdBook('tracking', { keepMs: 1000 });
  for (let n = 0; n < 1024; n++) book.see(digest(`old-${n}`), digest('x'), 10);
  for (let n = 0; n < 100; n++) book.see(digest(`young-${n}`), digest('x'), 1500);
  book.forget();
  commit(book);
  expect(book.size).toBe(100);
  expect(kept.size).toBe(1);
  expect(restored({ keepMs: 1000 }).see(digest('young-7'), digest('x'), 1500)).toBe('same');
  expect(book.see(digest('old-7'), digest('x'), 1500)).toBe('new');
  expect(book.forgotten).toBe(0);
});

it('stays within its bound, and says what that cost', () => {
  const { kept, commit } = store();
  const book = new IdBook('tracking', { maxIds: 4096 });
  for (let n = 0; n < 20_000; n++) {
    book.see(digest(`id-${n}`), digest('x'), n);
    if (n % 100 === 0) book.forget();
  }
  book.forget();
  commit(book);
  expect(book.size).toBeLessThanOrEqual(4096);
  expect(book.forgotten).toBe(20_000 - book.size);
  expect(kept.size).toBeLessThanOrEqual(8);
  expect(book.has(digest('id-19999'))).toBe(true);
});
