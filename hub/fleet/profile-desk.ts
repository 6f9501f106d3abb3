/** Profiles: saved in versions that never change, each with its author and reason; in force nowhere until a rollout (rollout-desk.ts). */
import { canonicalJson } from '../../protocols/base/canonical-json.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { Problem } from '../../protocols/rules/rule.ts';
import type { Sql } from '../store/store.ts';
import { type DiffEntry, diffVersions } from './diff.ts';
import { FleetError } from './errors.ts';
import type { FleetStore } from './fleet-store.ts';
import { remember } from './history.ts';
import type { Selector } from './labels.ts';
import type { Profile, ProfileVersion } from './model.ts';
import {
  checkWritten,
  contradictionProblems,
  countGateways,
  emptySelectorProblems,
  misfitWarnings,
} from './profile-checks.ts';

export const PROFILE_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

export interface WrittenProfile {
  profileId: string;
  name: string;
  selector: unknown;
  /** As people write them, or as they are kept. */
  settings: unknown;
  reason: string;
  who: string;
  /** The version that was edited: refused when there is a newer one. 0: there must be none yet. */
  baseVersion?: number;
  /** For gateways that are still to come. */
  allowEmpty?: boolean;
}

type Draft = Pick<WrittenProfile, 'profileId' | 'selector' | 'settings' | 'allowEmpty'>;

interface Row extends Record<string, unknown> {
  profile_id: string;
  version: number;
  name: string;
  selector: Selector;
  settings: Settings;
  author: string;
  reason: string;
  created_at: Date;
}

interface ProfileRow extends Row {
  released: number | null;
  open_rollout: string | null;
}

const VERSION_COLUMNS = 'v.profile_id, v.version, v.name, v.selector, v.settings, v.author, v.reason, v.created_at';

const PROFILES = `
select ${VERSION_COLUMNS}, p.released, r.rollout_id as open_rollout
from fleet_profiles p
join fleet_profile_versions v on v.profile_id = p.profile_id and v.version = p.latest
left join fleet_rollouts r on r.profile_id = p.profile_id and r.state in ('canary', 'rolling', 'stopped')`;

export class ProfileDesk {
  readonly #store: FleetStore;

  constructor(store: FleetStore) {
    this.#store = store;
  }

  /** The latest version of each, in the order of their ids. */
  async list({
    limit,
    after = '',
  }: {
    limit: number;
    after?: string;
  }): Promise<{ profiles: Profile[]; next?: string }> {
    const rows = await this.#store.sql.query<ProfileRow>(
      `${PROFILES} where p.profile_id > $1 order by p.profile_id limit ${limit + 1}`,
      [after],
    );
    const profiles = await withCounts(this.#store.sql, rows.slice(0, limit));
    const last = profiles.at(-1);
    return { profiles, ...(rows.length > limit && last && { next: last.profileId }) };
  }

  /** @throws FleetError `profile-unknown` */
  async show(profileId: string): Promise<Profile> {
    const rows = await this.#store.sql.query<ProfileRow>(`${PROFILES} where p.profile_id = $1`, [profileId]);
    const [profile] = await withCounts(this.#store.sql, rows);
    if (!profile) throw unknownProfile(profileId);
    return profile;
  }

  /** The latest first. @throws FleetError `profile-unknown` */
  async versions(profileId: string): Promise<ProfileVersion[]> {
    const rows = await this.#store.sql.query<Row>(
      `select ${VERSION_COLUMNS} from fleet_profile_versions v where profile_id = $1 order by version desc limit ${MAX_VERSIONS}`,
      [profileId],
    );
    if (rows.length === 0) throw unknownProfile(profileId);
    return rows.map(versionOf);
  }

  /** @throws FleetError `profile-unknown`, `profile-version-unknown` */
  version(profileId: string, version: number): Promise<ProfileVersion> {
    return readVersion(this.#store.sql, profileId, version);
  }

  /** @throws FleetError `profile-unknown`, `profile-version-unknown` */
  async diff(profileId: string, from: number, to: number): Promise<{ from: number; to: number; changes: DiffEntry[] }> {
    const [one, two] = [await this.version(profileId, from), await this.version(profileId, to)];
    return { from, to, changes: diffVersions(one, two) };
  }

  /** What would be refused; empty when it could be saved. */
  async problems(written: Draft): Promise<Problem[]> {
    return (await this.#check(this.#store.sql, written)).problems;
  }

  /** What would be refused, none when it could be saved; and what gateways would refuse, by what they said is there. */
  async check(written: Draft): Promise<{ problems: Problem[]; warnings: Problem[] }> {
    const { selector, settings, problems } = await this.#check(this.#store.sql, written);
    const warnings = selector && settings ? await misfitWarnings(this.#store.sql, { selector, settings }) : [];
    return { problems, warnings };
  }

  /**
   * As a new version; the latest again where nothing is different.
   * @throws FleetError `profile-changed`, `profile-invalid`
   */
  async save(written: WrittenProfile): Promise<Profile & { warnings: Problem[] }> {
    const { profileId, name, reason, who, baseVersion } = written;
    await this.#store.change(async ({ sql, nowMs }) => {
      const [latest] = await sql.query<ProfileRow>(`${PROFILES} where p.profile_id = $1`, [profileId]);
      const latestVersion = latest?.version ?? 0;
      if (baseVersion !== undefined && baseVersion !== latestVersion) throw changed(profileId, baseVersion, latest);
      const { selector, settings, problems } = await this.#check(sql, written);
      if (!selector || !settings || problems.length > 0) throw invalidProfile(profileId, problems);
      const after = { name, selector, settings };
      if (latest && canonicalJson({ ...after }) === canonicalJson(comparable(latest))) return;
      const version = latestVersion + 1;
      await sql.query(
        `insert into fleet_profiles (profile_id, name, latest) values ($1, $2, $3)
         on conflict (profile_id) do update set name = excluded.name, latest = excluded.latest`,
        [profileId, name, version],
      );
      await sql.query(
        `insert into fleet_profile_versions (profile_id, version, name, selector, settings, author, reason, created_at)
         values ($1, $2, $3, $4::json, $5::json, $6, $7, $8::timestamptz)`,
        [
          profileId,
          version,
          name,
          JSON.stringify(selector),
          JSON.stringify(settings),
          who,
          reason,
          new Date(nowMs).toISOString(),
        ],
      );
      const changes = latest ? diffVersions(comparable(latest), after) : [];
      const detail = { version, ...(latest && { from: latestVersion, changes: changes.slice(0, MAX_CHANGES) }) };
      await remember(sql, {
        atMs: nowMs,
        who,
        what: 'profile-saved',
        why: reason,
        subject: `profile/${profileId}`,
        detail,
      });
    });
    const saved = await this.show(profileId);
    return { ...saved, warnings: await misfitWarnings(this.#store.sql, saved) };
  }

  async #check(sql: Sql, written: Draft) {
    const { profileId, allowEmpty = false } = written;
    const checked = checkWritten(written);
    const { selector, settings } = checked;
    const empty = selector && !allowEmpty ? await emptySelectorProblems(sql, selector) : [];
    const contradicting =
      selector && settings ? await contradictionProblems(sql, { profileId, selector, settings }, { newest: true }) : [];
    return { selector, settings, problems: [...checked.problems, ...empty, ...contradicting] };
  }
}

const MAX_VERSIONS = 1000;
/** In the history; the difference itself can be asked for. */
const MAX_CHANGES = 50;

/** @throws FleetError `profile-unknown`, `profile-version-unknown` */
export async function readVersion(sql: Sql, profileId: string, version: number): Promise<ProfileVersion> {
  const [row] = await sql.query<Row>(
    `select ${VERSION_COLUMNS} from fleet_profile_versions v where profile_id = $1 and version = $2`,
    [profileId, version],
  );
  if (row) return versionOf(row);
  const [latest] = await sql.query<{ latest: number }>('select latest from fleet_profiles where profile_id = $1', [
    profileId,
  ]);
  if (!latest) throw unknownProfile(profileId);
  const message = `profile '${profileId}' has the versions 1 to ${latest.latest}, and no ${version}`;
  throw new FleetError({ code: 'profile-version-unknown', message });
}

async function withCounts(sql: Sql, rows: readonly ProfileRow[]): Promise<Profile[]> {
  const counts = await countGateways(
    sql,
    rows.map(({ selector }) => selector),
  );
  return rows.map((row, index) => ({
    ...versionOf(row),
    ...(row.released === null ? {} : { releasedVersion: row.released }),
    gateways: counts[index] ?? 0,
    ...(row.open_rollout === null ? {} : { openRollout: row.open_rollout }),
  }));
}

function versionOf({ profile_id, created_at, version, name, selector, settings, author, reason }: Row): ProfileVersion {
  return {
    profileId: profile_id,
    version,
    name,
    selector,
    settings,
    author,
    reason,
    createdAt: created_at.toISOString(),
  };
}

function comparable({ name, selector, settings }: Row) {
  return { name, selector, settings };
}

function unknownProfile(profileId: string): FleetError {
  return new FleetError({ code: 'profile-unknown', message: `there is no profile '${profileId}'` });
}

function changed(profileId: string, base: number, latest: Row | undefined): FleetError {
  const there = latest
    ? `is at version ${latest.version}, saved by ${latest.author} (${latest.reason})`
    : 'does not exist yet';
  const message = `profile '${profileId}' ${there}, and this change was made to version ${base}: load it anew and change that`;
  return new FleetError({ code: 'profile-changed', message });
}

export function invalidProfile(profileId: string, problems: readonly Problem[]): FleetError {
  const more = problems.length > 1 ? `, and ${problems.length - 1} more` : '';
  const message = `profile '${profileId}' was not taken: ${problems[0]?.message ?? 'it is not valid'}${more}`;
  return new FleetError({ code: 'profile-invalid', message, problems });
}
