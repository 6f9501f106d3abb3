import { afterAll, expect, it } from 'vitest';
import { jsonList, jsonTexts } from './json-list.ts';
import { openPglite } from './pglite.ts';

const store = await openPglite({ migrations: [] });
afterAll(() => store.close());

it.each([
  { what: 'nothing', documents: [] },
  { what: 'one document', documents: [{ a: 1 }] },
  {
    what: 'what separates documents, arrays and rows elsewhere, and what is no text',
    documents: [
      '\u001e',
      'a"b\\c',
      '{},NULL',
      '',
      'null',
      null,
      [],
      {},
      '\u0000',
      '\ud800',
      '日',
      { 'x\u001ey': ['\\x1e'] },
    ],
  },
])('$what comes back as it was given', async ({ documents }) => {
  const rows = await store.query<{ text: string }>(
    `select text from unnest(${jsonTexts('$1')}) with ordinality n (text, place) order by place`,
    [jsonList(documents)],
  );
  expect(rows.map(({ text }) => JSON.parse(text))).toEqual(documents);
});
