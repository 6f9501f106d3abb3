/**
 * Tables of the tracking projections. A migration that was released is never changed: add another.
 *
 * Documents are `json`, not `jsonb`: they come back as they were written, byte for byte, and take what a bar code may
 * hold (U+0000, which jsonb refuses). What is searched has a column of its own.
 */
import type { Migration } from '../store/migrations.ts';

export const trackingMigrations: readonly Migration[] = [
  {
    id: 'tracking-001',
    sql: `
create table package_events (
  event_id    uuid primary key,
  package_id  text not null,
  occurred_at timestamptz not null,
  gateway_id  text collate "C" not null,
  epoch       text collate "C" not null,
  sequence    bigint not null,
  event       json not null
);
-- In the order of the fold.
create index package_events_by_package on package_events (package_id, occurred_at, gateway_id, epoch, sequence);

-- state is null only inside the transaction that first sees the package.
create table packages (
  package_id text primary key,
  status     text,
  first_at   timestamptz,
  last_at    timestamptz,
  version    text,
  state      json,
  updated_at timestamptz not null default now()
);
create index packages_by_time on packages (last_at desc, package_id);
create index packages_by_status on packages (status, last_at desc, package_id);

create table package_aliases (
  alias      text not null,
  package_id text not null,
  primary key (alias, package_id)
);
create index package_aliases_by_prefix on package_aliases (alias text_pattern_ops);

create table alerts (
  alert_id    text primary key,
  state       text not null,
  severity    text not null,
  gateway_id  text not null,
  facility_id text,
  vehicle_id  text,
  read_point  text,
  began_at    timestamptz not null,
  ended_at    timestamptz,
  phases      json not null
);
create index alerts_by_time on alerts (began_at desc, alert_id);
create index alerts_by_facility on alerts (facility_id, began_at);
create index alerts_by_vehicle on alerts (vehicle_id, began_at);

-- Where each projection goes on, moved in the transaction of its effect.
create table projection_offsets (
  projection  text not null,
  partition   integer not null,
  next_offset bigint not null,
  primary key (projection, partition)
);

-- Records that a projection could not take, kept for a person.
create table projection_rejects (
  projection    text not null,
  partition     integer not null,
  record_offset bigint not null,
  record_key    bytea not null,
  record_value  bytea,
  reason        text not null,
  rejected_at   timestamptz not null default now(),
  primary key (projection, partition, record_offset)
);
`,
  },
  {
    id: 'tracking-002',
    sql: `
-- Changes of package state that are still to be published to package-states, in their order.
create table package_state_outbox (
  place      bigint generated always as identity primary key,
  package_id text not null,
  version    text not null,
  state      json not null
);
`,
  },
];
