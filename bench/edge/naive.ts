/** What one would write on a gateway: a row in SQLite and a message per event; or mqtt.js with the store it brings. */
import { join } from 'node:path';
import mqtt from 'mqtt';
import { peerPackage } from '../peer-packages.ts';
import { scanOf, timeOf } from '../workload.ts';

const TOPIC = 'milepost/v1/naive/up/none';
const IN_HAND = 100;

interface Statement {
  run(...values: unknown[]): { lastInsertRowid: number | bigint };
}
interface Database {
  pragma(text: string): unknown;
  exec(text: string): unknown;
  prepare(text: string): Statement;
  close(): void;
}

const messageOf = (index: number) => JSON.stringify({ ...scanOf(index), occurredAt: new Date(timeOf(index).wallMs) });

/** Each event is a row that is on disk before its message goes, and goes when it is acknowledged. Events a second, or why not. */
export async function throughSqlite(options: {
  folder: string;
  url: string;
  events: number;
}): Promise<number | string> {
  const Sqlite = await peerPackage<new (path: string) => Database>('better-sqlite3', '12.11.1');
  if (typeof Sqlite === 'string') return Sqlite;
  let database: Database;
  try {
    database = new Sqlite(join(options.folder, 'naive.sqlite'));
  } catch (error) {
    return `not run: ${(error as Error).message.split('\n')[0]}`;
  }
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec('create table outbox (id integer primary key, payload text not null)');
  const insert = database.prepare('insert into outbox (payload) values (?)');
  const remove = database.prepare('delete from outbox where id = ?');
  const client = await mqtt.connectAsync(options.url, { protocolVersion: 4 });
  try {
    return await perSecond(options.events, async (index) => {
      const text = messageOf(index);
      const { lastInsertRowid } = insert.run(text);
      await client.publishAsync(TOPIC, text, { qos: 1 });
      remove.run(lastInsertRowid);
    });
  } finally {
    await client.endAsync();
    database.close();
  }
}

/** Nothing survives a restart here, so it is what mqtt.js costs by itself. */
export async function throughMqttJs(options: { url: string; events: number }): Promise<number> {
  const client = await mqtt.connectAsync(options.url, { protocolVersion: 4 });
  try {
    return await perSecond(options.events, async (index) => {
      await client.publishAsync(TOPIC, messageOf(index), { qos: 1 });
    });
  } finally {
    await client.endAsync();
  }
}

async function perSecond(events: number, one: (index: number) => Promise<void>): Promise<number> {
  let index = 0;
  const startMs = performance.now();
  const hand = async () => {
    while (index < events) await one(index++);
  };
  await Promise.all(Array.from({ length: IN_HAND }, hand));
  return (events * 1000) / (performance.now() - startMs);
}
