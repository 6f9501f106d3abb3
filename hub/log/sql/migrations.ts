/** Tables of the EventLog over SQL. A migration that was released is never changed: add another. */
import type { Migration } from '../../store/migrations.ts';

export const logMigrations: readonly Migration[] = [
  {
    id: 'log-001',
    sql: `
create table log_topics (
  topic      text primary key,
  partitions int not null check (partitions > 0),
  compacted  boolean not null
);

-- The end of each partition. Its row is locked by whoever appends, until the commit: so offsets become visible in
-- order and without holes. "bytes" counts everything that was ever appended.
create table log_heads (
  topic     text not null,
  partition int not null,
  next      bigint not null,
  bytes     bigint not null,
  primary key (topic, partition)
);

-- Keys are bytes, since text cannot hold U+0000; headers are json, not jsonb, for the same reason.
create table log_records (
  topic     text not null,
  partition int not null,
  "offset"  bigint not null,
  -- log_heads.bytes after this record: retention by size without summing up.
  end_bytes bigint not null,
  at_ms     bigint not null,
  key       bytea not null,
  value     bytea,
  headers   json,
  primary key (topic, partition, "offset")
);

-- Compacted topics: the last record of each key. value null: deleted; the row goes after a while.
create table log_state (
  topic     text not null,
  partition int not null,
  key       bytea not null,
  "offset"  bigint not null,
  at_ms     bigint not null,
  value     bytea,
  headers   json,
  primary key (topic, partition, key)
);
create unique index log_state_by_offset on log_state (topic, partition, "offset");

-- How far each consumer group is: the next offset to read.
create table log_offsets (
  grp        text not null,
  topic      text not null,
  partition  int not null,
  "offset"   bigint not null,
  updated_at timestamptz not null default now(),
  primary key (grp, topic, partition)
);

-- Which process reads for a group; see log/sql/lease.ts.
create table log_leases (
  grp          text not null,
  topic        text not null,
  owner        text not null,
  server_start timestamptz not null,
  expires_at   timestamptz not null,
  primary key (grp, topic)
);
`,
  },
];
