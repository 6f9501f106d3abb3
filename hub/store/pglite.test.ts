import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPglite } from './pglite.ts';
import { upkeep } from './pglite-upkeep.ts';
import { storeContract } from './store.contract.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'milepost-store-'));

// initdb takes seconds: once, and each test starts from a copy of its outcome.
const template = folder();
const pristine = openPglite({ dataDir: template }).then((store) => store.close());

afterAll(() => rmSync(template, { recursive: true, force: true }));

async function freshFolder(): Promise<string> {
  await pristine;
  const dir = folder();
  cpSync(template, dir, { recursive: true });
  return dir;
}

describe('PGlite in a folder', () => {
  storeContract(async () => {
    const dataDir = await freshFolder();
    return {
      open: (migrations) => openPglite({ dataDir, migrations }),
      dispose: async () => rmSync(dataDir, { recursive: true, force: true }),
    };
  });
});

describe('PGlite', () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await freshFolder();
  });

  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('works in memory', async () => {
    const store = await openPglite();
    expect(await store.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect((await store.healthy()).detail).toContain('in memory');
    await store.close();
  });

  it('asks the disk for every commit', async () => {
    let synced = 0;
    const beforeDisk = (operation: string) => {
      if (operation === 'sync') synced++;
    };
    const store = await openPglite({ dataDir, beforeDisk });
    await store.query('create table t (id int)');
    synced = 0;
    for (let id = 0; id < 5; id++) await store.query('insert into t values ($1)', [id]);
    expect(synced).toBeGreaterThanOrEqual(5);
    await store.close();
  });

  it('holds after a crash what was committed and nothing else', async () => {
    const store = await openPglite({ dataDir });
    await store.query('create table t (id int)');
    await store.query('insert into t select generate_series(1, 1000)');
    const image = folder();
    await store.transaction(async (sql) => {
      await sql.query('insert into t select generate_series(1001, 2000)');
      // Nothing runs while this copies: exactly what a killed process would leave.
      cpSync(dataDir, image, { recursive: true });
    });
    await store.close();
    rmSync(join(image, 'lock'));
    const revived = await openPglite({ dataDir: image });
    expect(await revived.query('select count(*) as n, max(id) as last from t')).toEqual([{ n: 1000, last: 1000 }]);
    await revived.close();
    rmSync(image, { recursive: true });
  });

  it.each(['sync', 'write'])('comes back by itself after a failed %s of the log', async (failing) => {
    let broken = false;
    const beforeDisk = (operation: string, path: string) => {
      if (broken && operation === failing && path.includes('pg_wal')) throw new Error('EIO');
    };
    const store = await openPglite({ dataDir, beforeDisk });
    await store.query('create table t (id int)');
    await store.query('insert into t values (1)');
    broken = true;
    await expect(store.query('insert into t values (2)')).rejects.toMatchObject({ code: 'store-unavailable' });
    expect(await store.healthy()).toMatchObject({ ok: false });
    broken = false;
    await expect
      .poll(() => store.query('select id from t where id = 1').catch((error: Error) => error.message), {
        timeout: 10_000,
      })
      .toEqual([{ id: 1 }]);
    await store.query('insert into t values (3)');
    expect(await store.query('select id from t where id <> 2 order by id')).toEqual([{ id: 1 }, { id: 3 }]);
    await store.close();
  });

  it('refuses a folder that is open already, and takes one whose owner is gone', async () => {
    const store = await openPglite({ dataDir });
    await expect(openPglite({ dataDir })).rejects.toMatchObject({
      code: 'store-in-use',
      message: expect.stringContaining(String(process.pid)),
    });
    await store.close();
    for (const stale of ['', 'nonsense', '999999999 x\n', `${process.pid} started-at-another-time\n`]) {
      writeFileSync(join(dataDir, 'lock'), stale);
      await (await openPglite({ dataDir })).close();
    }
  });

  it('says what is wrong with a folder that it cannot use', async () => {
    const file = join(dataDir, 'file');
    writeFileSync(file, '');
    await expect(openPglite({ dataDir: file })).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining(file),
    });
  });

  it('uses the space of deleted rows and of written log again', async () => {
    const store = await openPglite({ dataDir, upkeepMs: 60_000 });
    await store.query('create table t (id int, body text)');
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      await store.query('insert into t select n, repeat(md5(n::text), 30) from generate_series(1, 20000) n');
      await store.query('delete from t');
      // Statistics reach the shared view when a second has passed since they were last sent.
      await store.query('select pg_stat_force_next_flush()');
      await upkeep(store);
      sizes.push(bytesIn(dataDir));
    }
    const [, second = 0, , , , last = Number.POSITIVE_INFINITY] = sizes;
    expect(last).toBeLessThan(second + 40 * 1024 * 1024);
    const [table] = await store.query<{ bytes: number }>("select pg_relation_size('t') as bytes");
    expect(table?.bytes).toBeLessThan(50 * 1024 * 1024);
    await store.close();
  });
});

function bytesIn(dir: string): number {
  let bytes = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name)).size;
  }
  return bytes;
}
