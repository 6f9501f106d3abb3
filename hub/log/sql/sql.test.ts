import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { eventLogContract } from '../event-log.contract.ts';
import { logMigrations } from './migrations.ts';
import { openSqlLog } from './sql-log.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'milepost-log-'));

// initdb takes seconds: once, and each test starts from a copy of its outcome.
const template = folder();
const pristine = openPglite({ dataDir: template, migrations: logMigrations }).then(async (store) => {
  await store.migrate();
  await store.close();
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

describe('EventLog over PGlite', () => {
  eventLogContract(async () => {
    await pristine;
    const dataDir = folder();
    cpSync(template, dataDir, { recursive: true });
    // Embedded, all logs of the process share one store; it is closed with the last of them.
    let shared: Promise<Store> | undefined;
    let users = 0;
    return {
      address: { kind: 'pglite', dataDir },
      open: async (topics) => {
        users++;
        shared ??= openPglite({ dataDir, migrations: logMigrations });
        const store = await shared;
        const log = openSqlLog({ store, topics, pollMs: 20 });
        const close = log.close.bind(log);
        let closed: Promise<void> | undefined;
        log.close = () => {
          closed ??= close().then(async () => {
            if (--users > 0) return;
            shared = undefined;
            await store.close();
          });
          return closed;
        };
        return log;
      },
      dispose: async () => rmSync(dataDir, { recursive: true, force: true }),
    };
  });
});
