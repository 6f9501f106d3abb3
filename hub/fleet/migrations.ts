/**
 * Tables of the fleet. A migration that was released is never changed: add another.
 *
 * Labels are `jsonb`, since they are searched (labels.ts lets nothing in that it refuses); documents are `json` and come back as they were
 * written. Settings are kept once for all gateways that share them, named by their hash.
 */
import type { Migration } from '../store/migrations.ts';

export const fleetMigrations: readonly Migration[] = [
  {
    id: 'fleet-001',
    sql: `
create table fleet_gateways (
  gateway_id        text collate "C" primary key,
  -- What the gateway says of itself, what was set here instead, and what holds.
  own_labels        jsonb not null default '{}',
  set_labels        jsonb not null default '{}',
  labels            jsonb not null default '{}',
  online            boolean not null default false,
  heard_at          timestamptz,
  status            json,
  -- What of the status is worth telling at once.
  status_key        text not null default '',
  reported          json,
  reported_at       timestamptz,
  in_force_version  bigint not null default 0,
  in_force_hash     text,
  looked_version    bigint not null default 0,
  looked_state      text,
  -- null: nothing was ever desired.
  desired_version   bigint,
  desired_hash      text,
  desired_at        timestamptz,
  published_version bigint not null default 0,
  published_at      timestamptz,
  -- Why no settings can be put together: the profiles that its labels bring contradict each other.
  conflict          json,
  -- What is desired has to be put together anew.
  dirty             boolean not null default true,
  config_state      text not null generated always as (
    case
      when conflict is not null then 'rejected'
      when desired_version is null then 'none'
      when in_force_version = desired_version and in_force_hash = desired_hash then 'in-force'
      when looked_version = desired_version and looked_state in ('rejected', 'rolled-back') then looked_state
      when not online then 'offline'
      else 'pending'
    end) stored
);
create index fleet_gateways_by_label on fleet_gateways using gin (labels jsonb_path_ops);
create index fleet_gateways_by_state on fleet_gateways (config_state, gateway_id);
create index fleet_gateways_by_online on fleet_gateways (online, gateway_id);
create index fleet_gateways_dirty on fleet_gateways (gateway_id) where dirty;
create index fleet_gateways_unpublished on fleet_gateways (gateway_id) where desired_version > published_version;

create table fleet_settings (
  hash     text primary key,
  settings json not null
);

create table fleet_profiles (
  profile_id text collate "C" primary key,
  name       text not null,
  latest     integer not null,
  -- What gateways get that no rollout has moved; null: nothing yet.
  released   integer
);

create table fleet_profile_versions (
  profile_id text collate "C" not null references fleet_profiles,
  version    integer not null,
  name       text not null,
  selector   json not null,
  settings   json not null,
  author     text not null,
  reason     text not null,
  created_at timestamptz not null,
  primary key (profile_id, version)
);

create table fleet_rollouts (
  rollout_id            text collate "C" primary key,
  profile_id            text collate "C" not null references fleet_profiles,
  -- What it takes gateways from: null is no settings of this profile.
  from_version          integer,
  version               integer not null,
  -- canary, rolling, done, stopped, rolled-back
  state                 text not null,
  -- Where a stopped one goes on.
  resume_state          text,
  canary_percent        float8 not null,
  canary_ms             bigint not null,
  max_rejected_percent  float8 not null,
  max_alert_rate_factor float8 not null,
  author                text not null,
  reason                text not null,
  created_at            timestamptz not null,
  state_at              timestamptz not null,
  -- Of the last change of state.
  why                   text,
  -- Its gateways' states stand in its own rows, since other versions came after it.
  frozen                boolean not null default false,
  -- In the order of their starts.
  place                 bigint generated always as identity unique
);
create unique index fleet_rollouts_open on fleet_rollouts (profile_id) where state in ('canary', 'rolling', 'stopped');
create index fleet_rollouts_by_profile on fleet_rollouts (profile_id, place desc);
create index fleet_rollouts_live on fleet_rollouts (profile_id) where not frozen;

create table fleet_rollout_gateways (
  rollout_id text collate "C" not null references fleet_rollouts,
  gateway_id text collate "C" not null,
  canary     boolean not null,
  -- Order in which gateways are moved.
  place      integer not null,
  moved_at   timestamptz,
  state      text,
  reasons    json,
  primary key (rollout_id, gateway_id)
);
create index fleet_rollout_gateways_by_gateway on fleet_rollout_gateways (gateway_id);
create index fleet_rollout_gateways_waiting on fleet_rollout_gateways (rollout_id, place) where moved_at is null;

create table fleet_history (
  id      bigint generated always as identity primary key,
  at      timestamptz not null,
  who     text not null,
  what    text not null,
  why     text not null,
  -- gateway/ID, profile/ID, rollout/ID; of a rollout also its profile
  subject text not null,
  also    text,
  detail  json not null
);
create index fleet_history_by_subject on fleet_history (subject, id desc);
create index fleet_history_by_also on fleet_history (also, id desc) where also is not null;

create index if not exists alerts_by_gateway on alerts (gateway_id, began_at);
`,
  },
];
