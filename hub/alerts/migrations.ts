/**
 * Tables of alert handling. A migration that was released is never changed: add another.
 *
 * Incidents of one key (subject and cause) never overlap in time, so what belongs to an incident whose id may still change (notes, ids it
 * had) is kept by key and time.
 */
import type { Migration } from '../store/migrations.ts';

export const alertMigrations: readonly Migration[] = [
  {
    id: 'incidents-001',
    sql: `
-- Every phase of every alert: what spells are folded from.
create table alert_messages (
  event_id    text collate "C" primary key,
  alert_id    text collate "C" not null,
  occurred_at timestamptz not null,
  message     json not null
);
create index alert_messages_by_alert on alert_messages (alert_id, occurred_at);

create table alert_spells (
  alert_id     text collate "C" not null,
  began_at     timestamptz not null,
  incident_key text collate "C" not null,
  spell        json not null,
  primary key (alert_id, began_at)
);
create index alert_spells_by_key on alert_spells (incident_key, began_at);

-- A row is locked while incidents of its subject change: their deliveries get their places in that order.
create table incident_subjects (
  subject text collate "C" primary key
);

create table incidents (
  incident_id   text collate "C" primary key,
  incident_key  text collate "C" not null,
  subject       text collate "C" not null,
  -- open, acknowledged, cleared
  state         text not null,
  severity      text not null,
  opened_at     timestamptz not null,
  last_began_at timestamptz not null,
  -- null while it is open
  ended_at      timestamptz,
  facts         json not null,
  -- What subscribers were told.
  told          json not null,
  -- Silences that match now; while there are any, subscribers are told nothing.
  silenced_by   json not null,
  -- Subscribers are still to be told something.
  held          boolean not null,
  changed_at    timestamptz not null
);
create index incidents_by_key on incidents (incident_key, opened_at);
create index incidents_by_subject on incidents (subject, opened_at desc);
create index incidents_by_time on incidents (opened_at desc, incident_id);
create index incidents_by_state on incidents (state, opened_at desc, incident_id);
create index incidents_held on incidents (held) where held;

-- Every id that an incident ever had.
create table incident_ids (
  incident_id  text collate "C" primary key,
  incident_key text collate "C" not null,
  began_at     timestamptz not null
);

create table incident_notes (
  place        bigint generated always as identity primary key,
  incident_key text collate "C" not null,
  -- When the incident began that was spoken of.
  began_at     timestamptz not null,
  -- note, acknowledged
  kind         text not null,
  who          text not null,
  said_at      timestamptz not null,
  said         text not null,
  -- Of an acknowledgement: of what it holds.
  severity     text not null,
  reopened     integer not null
);
create index incident_notes_by_key on incident_notes (incident_key, began_at);

create table silences (
  silence_id text collate "C" primary key,
  matcher    json not null,
  from_at    timestamptz not null,
  to_at      timestamptz not null,
  reason     text not null,
  author     text not null,
  made_at    timestamptz not null,
  -- Ended before its time: by whom.
  ended_by   text
);
create index silences_by_end on silences (to_at);

create table subscriptions (
  subscription_id text collate "C" primary key,
  owner           text not null,
  -- With the secret of a webhook, which no answer holds.
  channel         json not null,
  min_severity    text not null,
  matcher         json not null,
  phases          text[] not null,
  enabled         boolean not null,
  disabled_why    text,
  updated_at      timestamptz not null
);

create table deliveries (
  place           bigint generated always as identity primary key,
  delivery_id     text collate "C" unique not null,
  subscription_id text collate "C" not null,
  subject         text collate "C" not null,
  incident_id     text collate "C",
  phase           text not null,
  body            json not null,
  -- waiting, done, expired
  state           text not null,
  attempts        integer not null default 0,
  made_at         timestamptz not null,
  next_at         timestamptz not null,
  expires_at      timestamptz not null,
  -- While one process has it in hands.
  claimed_until   timestamptz,
  done_at         timestamptz,
  fault           text
);
create index deliveries_waiting on deliveries (subscription_id, subject, place) where state = 'waiting';
create index deliveries_due on deliveries (next_at) where state = 'waiting';
create index deliveries_by_subscription on deliveries (subscription_id, place desc);
create index deliveries_by_end on deliveries (done_at) where state <> 'waiting';
`,
  },
];
