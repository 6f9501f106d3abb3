/** What every Store does, run by pglite.test.ts and postgres.server.test.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Migration } from './migrations.ts';
import { type Store, StoreError } from './store.ts';

/** A database of its own for one test, empty at first. */
export interface StoreBench {
  open(migrations: readonly Migration[]): Promise<Store>;
  dispose(): Promise<void>;
}

const FIRST: Migration = {
  id: 'test-001',
  sql: `create table things (id bigint primary key, name text not null, body bytea);
        create index things_name on things (name);`,
};
const SECOND: Migration = { id: 'test-002', sql: 'alter table things add column weight float8' };

export function storeContract(makeBench: () => Promise<StoreBench>): void {
  describe('contract of a Store', () => {
    let bench: StoreBench;
    let store: Store;

    beforeEach(async () => {
      bench = await makeBench();
      store = await bench.open([FIRST]);
      await store.migrate();
    });

    afterEach(async () => {
      await store.close();
      await bench.dispose();
    });

    const code = (work: Promise<unknown>) =>
      work.then(
        () => 'no error',
        (error: unknown) => (error instanceof StoreError ? error.code : `not a StoreError: ${String(error)}`),
      );

    it('gives values back in the types that the port promises', async () => {
      const moment = new Date('2026-02-03T04:05:06.789Z');
      const bytes = Buffer.from([0, 255, 34, 92, 120, 39]);
      const [row] = await store.query(
        `select $1::int2 as small, $2::int4 as int, $3::int8 as big, $4::float8 as float, $5::bytea as bytes,
                $6::jsonb as json, $7::timestamptz as moment, $8::bool as flag, $9::text as text, null as nothing,
                $10::int8[] as bigs, $11::numeric as exact, date '2026-02-03' as day, timestamp '2026-02-03 04:05:06' as local`,
        [
          1,
          2,
          9_007_199_254_740_991,
          0.1,
          bytes,
          JSON.stringify([{ a: null }]),
          moment,
          true,
          'é',
          [3, null, 2 ** 40],
          '1.50',
        ],
      );
      expect(row).toEqual({
        small: 1,
        int: 2,
        big: 9_007_199_254_740_991,
        float: 0.1,
        bytes,
        json: [{ a: null }],
        moment,
        flag: true,
        text: 'é',
        nothing: null,
        bigs: [3, null, 2 ** 40],
        exact: '1.50',
        day: '2026-02-03',
        local: '2026-02-03 04:05:06',
      });
      expect(Buffer.isBuffer(row?.bytes)).toBe(true);
    });

    it('refuses to round a whole number beyond 2^53', async () => {
      expect(await code(store.query('select 9007199254740993::int8 as big'))).toBe('store-rejected');
      expect(await store.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    it('takes arrays of bytes, text and numbers through unnest', async () => {
      const bodies = [Buffer.from('\0\xff"\\x,{}', 'latin1'), null, Buffer.alloc(0)];
      await store.query(
        'insert into things (id, name, body) select * from unnest($1::int8[], $2::text[], $3::bytea[])',
        [[1, 2, 3], ['a"\\,{}', "it's", 'NULL'], bodies],
      );
      const rows = await store.query('select id, name, body from things order by id');
      expect(rows).toEqual([
        { id: 1, name: 'a"\\,{}', body: bodies[0] },
        { id: 2, name: "it's", body: null },
        { id: 3, name: 'NULL', body: bodies[2] },
      ]);
    });

    it('keeps a committed transaction and forgets one whose work throws', async () => {
      await store.transaction(async (sql) => {
        await sql.query("insert into things (id, name) values (1, 'kept')");
        await sql.query("insert into things (id, name) values (2, 'kept too')");
      });
      const boom = new Error('boom');
      const failed = store.transaction(async (sql) => {
        await sql.query("insert into things (id, name) values (3, 'lost')");
        throw boom;
      });
      await expect(failed).rejects.toBe(boom);
      expect(await store.query('select id from things order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    });

    it('does not take a transaction for committed that the database rolled back', async () => {
      const swallowed = store.transaction(async (sql) => {
        await sql.query("insert into things (id, name) values (1, 'x')");
        await sql.query('select 1 / 0').catch(() => {});
      });
      expect(await code(swallowed)).toBe('store-rejected');
      expect(await store.query('select id from things')).toEqual([]);
    });

    it('runs concurrent transactions without mixing them', async () => {
      await store.query("insert into things (id, name, body) values (1, '0', null)");
      const add = () =>
        store.transaction(async (sql) => {
          const [row] = await sql.query<{ name: string }>('select name from things where id = 1 for update');
          await sql.query('update things set name = $1 where id = 1', [String(Number(row?.name) + 1)]);
        });
      await Promise.all(Array.from({ length: 20 }, add));
      expect(await store.query('select name from things')).toEqual([{ name: '20' }]);
    });

    it('names faults by code and carries the SQLSTATE', async () => {
      expect(await code(store.query('selec 1'))).toBe('store-rejected');
      await store.query("insert into things (id, name) values (1, 'x')");
      const twice = store.query("insert into things (id, name) values (1, 'y')");
      await expect(twice).rejects.toMatchObject({ code: 'store-rejected', sqlState: '23505' });
      expect(await code(store.transaction((sql) => sql.query("do $$ begin raise sqlstate '40001'; end $$")))).toBe(
        'store-conflict',
      );
      expect(await code(store.query("do $$ begin raise sqlstate '53100'; end $$"))).toBe('store-unavailable');
      expect(await code(store.query("do $$ begin raise sqlstate '42501'; end $$"))).toBe('store-denied');
      expect(await store.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    it('keeps what was written when it is opened again', async () => {
      await store.query("insert into things (id, name) values (7, 'stays')");
      await store.close();
      store = await bench.open([FIRST]);
      expect(await store.query('select id, name from things')).toEqual([{ id: 7, name: 'stays' }]);
    });

    it('applies each migration once, later ones on top, all or none', async () => {
      await store.migrate();
      await store.close();
      store = await bench.open([FIRST, SECOND]);
      await store.migrate();
      await store.query("insert into things (id, name, weight) values (1, 'x', 2.5)");
      await store.close();
      const broken = [FIRST, SECOND, { id: 'test-003', sql: 'create table other (id int); select 1 / 0' }];
      store = await bench.open(broken);
      expect(await code(store.migrate())).toBe('store-rejected');
      expect(await store.query("select to_regclass('other')::text as other")).toEqual([{ other: null }]);
      expect(await store.query('select id from schema_migrations order by id')).toEqual([
        { id: 'test-001' },
        { id: 'test-002' },
      ]);
    });

    it('refuses a database that another version of the program wrote', async () => {
      await store.close();
      store = await bench.open([{ ...FIRST, sql: `${FIRST.sql} select 1;` }]);
      expect(await code(store.migrate())).toBe('store-schema-unknown');
      await store.close();
      store = await bench.open([SECOND]);
      expect(await code(store.migrate())).toBe('store-schema-unknown');
    });

    it('refuses two migrations of one name', async () => {
      await store.close();
      store = await bench.open([FIRST, FIRST]);
      await expect(store.migrate()).rejects.toThrow('two migrations are called test-001');
    });

    it('says how it is, and that it is closed', async () => {
      expect(await store.healthy()).toMatchObject({ ok: true, detail: expect.stringContaining('PostgreSQL') });
      await store.close();
      expect(await code(store.query('select 1'))).toBe('store-closed');
      expect(await code(store.transaction(async () => {}))).toBe('store-closed');
      expect(await store.healthy()).toMatchObject({ ok: false });
      await store.close();
    });
  });
}
