/** Tables of packages' own limits. A migration that was released is never changed: add another. Times of readings are microseconds since 1970. */
import type { Migration } from '../store/migrations.ts';

export const limitMigrations: readonly Migration[] = [
  {
    id: 'limits-001',
    sql: `
create table package_limits (
  package_id text primary key,
  limits     json not null,
  -- What a reading is compared with: null where there is no such limit.
  low        float8,
  high       float8,
  max_g      float8,
  who        text not null,
  updated_at timestamptz not null
);

-- Where packages with limits were, by the places whose readings count for them (places.ts).
create table limit_stays (
  package_id text not null,
  place      text not null,
  from_us    bigint not null,
  -- null while it lasts
  to_us      bigint,
  stay       json not null,
  primary key (package_id, place, from_us)
);
create index limit_stays_by_place on limit_stays (place, from_us);

-- What was measured at such places lately.
create table limit_readings (
  place      text not null,
  gateway_id text collate "C" not null,
  epoch      text collate "C" not null,
  sequence   bigint not null,
  device_id  text not null,
  quantity   text not null,
  at_us      bigint not null,
  value      float8 not null,
  clock      json not null,
  primary key (gateway_id, epoch, sequence, quantity)
);
create index limit_readings_by_place on limit_readings (place, at_us);
create index limit_readings_by_time on limit_readings (at_us);

create table limit_violations (
  exception_id text primary key,
  package_id   text not null,
  kind         text not null,
  began_us     bigint not null,
  -- null while it lasts
  ended_us     bigint,
  -- open, ended, retracted
  state        text not null,
  revision     integer not null,
  place        text not null,
  worst        float8 not null,
  violation    json not null
);
create index limit_violations_by_package on limit_violations (package_id, kind, began_us);
create index limit_violations_open on limit_violations (place, began_us) where state = 'open';

-- Packages that are to be judged again.
create table limit_work (
  package_id text primary key,
  due_us     bigint not null
);
create index limit_work_by_time on limit_work (due_us);

-- Events that are still to be published to package-events, in their order.
create table limit_outbox (
  place bigint generated always as identity primary key,
  event json not null
);
`,
  },
];
