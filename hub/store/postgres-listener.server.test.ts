import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { describeWith } from '../../test/servers/needs.ts';
import { freshDatabase } from '../../test/servers/postgres.ts';
import { changesOf, notifyChanges } from '../tracking/notified-changes.ts';
import { openPostgres } from './postgres.ts';
import { listenPostgres } from './postgres-listener.ts';

const settled = { timeout: 30_000, interval: 20 };

describeWith(['postgres'], 'changes between processes through PostgreSQL', ({ postgres }) => {
  it('are heard when their transaction commits, never otherwise, and a broken connection is told and replaced', async () => {
    const url = await freshDatabase(postgres.url);
    const store = await openPostgres({ url });
    const heard: string[] = [];
    let gaps = 0;
    const listener = listenPostgres({
      url,
      channel: 'milepost_changes',
      onPayload: (payload) => {
        for (const change of changesOf(payload)) heard.push(change.kind === 'package' ? change.packageId : change.kind);
      },
      onGap: () => gaps++,
      log: silentLog,
    });
    await listener.listening;
    const announce = (packageId: string, fails = false) =>
      store.transaction(async (sql) => {
        await notifyChanges.within(sql, [{ kind: 'package', packageId }]);
        expect(heard).not.toContain(packageId);
        if (fails) throw new Error('rolled back');
      });
    await announce('sscc:1');
    await expect(announce('sscc:2', true)).rejects.toThrow('rolled back');
    await announce('sscc:3');
    await vi.waitFor(() => expect(heard).toEqual(['sscc:1', 'sscc:3']), settled);
    expect(gaps).toBe(0);

    await store.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'milepost-listener' and datname = current_database()",
    );
    await vi.waitFor(() => expect(gaps).toBe(1), settled);
    expect(listener.healthy().ok).toBe(true);
    await announce('sscc:4');
    await vi.waitFor(() => expect(heard).toEqual(['sscc:1', 'sscc:3', 'sscc:4']), settled);
    await listener.close();
    await store.close();
  });
});
