/** Tables of the embedded TimeSeries. A migration that was released is never changed: add another. */
import type { Migration } from '../../store/migrations.ts';

export const timeSeriesMigrations: readonly Migration[] = [
  {
    id: 'timeseries-001',
    sql: `
create table series (
  series_id   bigint generated always as identity primary key,
  measurement text not null,
  -- The tags as sorted JSON: the same text for the same set.
  tags_key    text not null,
  tags        jsonb not null,
  unique (measurement, tags_key)
);
create index series_by_tags on series using gin (tags jsonb_path_ops);

create table points (
  series_id bigint not null references series,
  -- Nanoseconds since 1970.
  at_ns     bigint not null,
  fields    jsonb not null,
  primary key (series_id, at_ns)
);
`,
  },
  {
    id: 'timeseries-002',
    sql: `
-- Numbers that are too old to be kept one by one.
create table points_hourly (
  series_id bigint not null references series,
  -- Start of the hour, nanoseconds since 1970.
  at_ns     bigint not null,
  field     text not null,
  count     bigint not null,
  total     double precision not null,
  low       double precision not null,
  high      double precision not null,
  primary key (series_id, at_ns, field)
);
create index points_by_time on points (at_ns);
create index points_hourly_by_time on points_hourly (at_ns);
`,
  },
];
