import { expect, it } from 'vitest';
import { describeWith } from '../../test/servers/needs.ts';
import { freshDatabase, startPostgres } from '../../test/servers/postgres.ts';
import { openPostgres } from './postgres.ts';
import { storeContract } from './store.contract.ts';

describeWith(['postgres'], 'Store over a PostgreSQL server', ({ postgres }) => {
  storeContract(async () => {
    const url = await freshDatabase(postgres.url);
    return {
      open: (migrations) => openPostgres({ url, migrations }),
      dispose: async () => {},
    };
  });

  it('takes two processes that migrate at once', async () => {
    const url = await freshDatabase(postgres.url);
    const migrations = [{ id: 'race-001', sql: 'create table race (id int)' }];
    const stores = await Promise.all([1, 2, 3].map(() => openPostgres({ url, migrations })));
    await Promise.all(stores.map((store) => store.migrate()));
    expect(await stores[0]?.query('select count(*) as n from race')).toEqual([{ n: 0 }]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it('names the host and never the password, and needs no server to open', async () => {
    const gone = await openPostgres({ url: 'postgres://someone:hush-hush@127.0.0.1:1/nothing' });
    const failure = await gone.query('select 1').catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('127.0.0.1:1/nothing'),
    });
    expect(JSON.stringify(failure) + String(failure)).not.toContain('hush');
    expect(await gone.healthy()).toMatchObject({ ok: false, detail: expect.not.stringContaining('hush') });
    await gone.close();
    await expect(openPostgres({ url: 'hush-hush' })).rejects.toThrow(/postgres:\/\/user/);
  });

  it('is refused by a database that does not exist with store-denied', async () => {
    const url = new URL(postgres.url);
    url.pathname = '/never-created';
    const store = await openPostgres({ url: url.href });
    await expect(store.query('select 1')).rejects.toMatchObject({ code: 'store-denied', sqlState: '3D000' });
    await store.close();
  });

  it('goes on by itself when the server was away', async () => {
    const server = await startPostgres();
    try {
      const store = await openPostgres({ url: server.url, connectTimeoutMs: 1_000 });
      await store.query('create table t (id int)');
      const cut = store.transaction(async (sql) => {
        await sql.query('insert into t values (1)');
        await server.restart();
        await sql.query('insert into t values (2)');
      });
      await expect(cut).rejects.toMatchObject({ code: 'store-unavailable' });
      await expect
        .poll(() => store.query('select count(*) as n from t').catch((error: Error) => error.message), {
          timeout: 20_000,
        })
        .toEqual([{ n: 0 }]);
      await store.close();
    } finally {
      await server.stop();
    }
  });
});
