import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import type { TopicSpec } from '../topics.ts';
import { logMigrations } from './migrations.ts';
import { deleteOld } from './retention.ts';
import { openSqlLog } from './sql-log.ts';

let store: Store;
beforeAll(async () => {
  store = await openPglite({ migrations: logMigrations });
  await store.migrate();
}, 60_000);
afterAll(() => store.close());

describe('retention', () => {
  let topic: TopicSpec;
  const never = new AbortController().signal;
  let serial = 0;

  beforeEach(async () => {
    topic = { name: `old-${serial++}`, partitions: 2 };
    const log = openSqlLog({ store, topics: [topic] });
    await log.setup();
    const records = Array.from({ length: 100 }, (_, n) => ({
      topic: topic.name,
      partition: n % 2,
      key: '',
      value: Buffer.alloc(10),
    }));
    await log.append(records);
    await log.close();
  });

  const left = async () => {
    const rows = await store.query<{ first: number; n: number }>(
      'select min("offset") as first, count(*) as n from log_records where topic = $1 group by partition order by partition',
      [topic.name],
    );
    return rows.map(({ first, n }) => [first, n]);
  };

  async function readTo(offset: number, daysAgo = 0): Promise<void> {
    await store.query(
      `insert into log_offsets (grp, topic, partition, "offset", updated_at)
       select 'reader', $1, partition, $2, now() - make_interval(days => $3) from generate_series(0, 1) partition
       on conflict (grp, topic, partition) do update set "offset" = excluded."offset", updated_at = excluded.updated_at`,
      [topic.name, offset, daysAgo],
    );
  }

  it('keeps everything without a bound', async () => {
    expect(await deleteOld(store, [topic], never)).toBe(0);
  });

  it('keeps the newest so many records', async () => {
    expect(await deleteOld(store, [{ ...topic, retention: { records: 20 } }], never)).toBe(80);
    expect(await left()).toEqual([
      [40, 10],
      [40, 10],
    ]);
    expect(await deleteOld(store, [{ ...topic, retention: { records: 20 } }], never)).toBe(0);
  });

  it('keeps the newest so many bytes', async () => {
    await deleteOld(store, [{ ...topic, retention: { bytes: 300 } }], never);
    expect(await left()).toEqual([
      [35, 15],
      [35, 15],
    ]);
  });

  it('deletes what is too old', async () => {
    await store.query('update log_records set at_ms = at_ms - 1000000 where topic = $1 and "offset" < 5', [topic.name]);
    expect(await deleteOld(store, [{ ...topic, retention: { ageMs: 900_000 } }], never)).toBe(10);
  });

  it('never deletes what a group has still to read, unless that group is forgotten', async () => {
    const bounded = { ...topic, retention: { records: 0 } };
    await readTo(30);
    expect(await deleteOld(store, [bounded], never)).toBe(60);
    await readTo(30, 8);
    expect(await deleteOld(store, [bounded], never)).toBe(40);
  });

  it('goes on numbering where it was, and readers jump over what is gone', async () => {
    await deleteOld(store, [{ ...topic, retention: { records: 0 } }], never);
    const log = openSqlLog({ store, topics: [topic], pollMs: 10 });
    await log.setup();
    const seen: number[] = [];
    await log.follow({
      group: 'late',
      topic: topic.name,
      position: async () => 0,
      onRecords: async (records) => {
        seen.push(...records.map(({ offset }) => offset));
      },
    });
    await log.append([{ topic: topic.name, partition: 1, key: '', value: null }]);
    await expect.poll(() => seen).toEqual([50]);
    await log.close();
  });
});
