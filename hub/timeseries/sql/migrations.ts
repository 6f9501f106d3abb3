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
];
