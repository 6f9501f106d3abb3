/** The index of dead letters. A migration that was released is never changed: add another. */
import type { Migration } from '../store/migrations.ts';

export const deadLetterMigrations: readonly Migration[] = [
  {
    id: 'dead-letters-001',
    sql: `
create table dead_letters (
  -- Partition and offset in the topic.
  letter_id  text collate "C" primary key,
  at         timestamptz not null,
  gateway_id text collate "C" not null,
  code       text not null,
  reason     text not null,
  headers    json not null,
  value      bytea not null,
  -- open, replayed, dropped
  state      text not null default 'open',
  -- How often it was tried again.
  attempts   integer not null default 0,
  settled_at timestamptz,
  settled_by text,
  why        text
);
create index dead_letters_by_time on dead_letters (at desc, letter_id desc);
create index dead_letters_by_code on dead_letters (code, at desc);
create index dead_letters_by_gateway on dead_letters (gateway_id, at desc);
`,
  },
];
