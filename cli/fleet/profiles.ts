/** `milepost fleet profiles`, `fleet profile show | save | diff`: what gateways with certain labels shall have. */
import type { DiffEntry } from '../../hub/fleet/diff.ts';
import type { Profile, ProfileVersion } from '../../hub/fleet/model.ts';
import { BAD, DONE, print } from '../exit.ts';
import { call } from '../hub-call.ts';
import { get } from '../track.ts';
import { type At, answering, type By, table, url } from './answers.ts';
import { profileText, readProfileFile } from './profile-file.ts';

export function listProfiles(at: At): Promise<number> {
  return answering(at, async () => {
    const profiles: Profile[] = [];
    for (let after: string | undefined, isMore = true; isMore; isMore = after !== undefined) {
      const page = await get<{ profiles: Profile[]; next?: string }>(url(at, 'profiles', { after }));
      profiles.push(...page.profiles);
      after = page.next;
    }
    if (at.json) for (const profile of profiles) print(JSON.stringify(profile));
    else if (profiles.length === 0)
      print('there are none; milepost fleet profile save ID --file profile.yaml makes one');
    else for (const line of table(HEAD, profiles.map(row))) print(line);
    return DONE;
  });
}

export function showProfile(at: At, profileId: string, version?: number): Promise<number> {
  return answering(at, async () => {
    const profile = await profileVersion(at, profileId, version);
    if (at.json) print(JSON.stringify(profile));
    else {
      print(`# ${profileId} version ${profile.version}, ${profile.createdAt}, ${profile.author}: ${profile.reason}`);
      print(profileText(profile));
    }
    return DONE;
  });
}

/** The latest version unless told. @throws Error with `code` `profile-unknown`, `profile-version-unknown` */
export async function profileVersion(at: At, profileId: string, version?: number): Promise<ProfileVersion> {
  const path = `profiles/${encodeURIComponent(profileId)}`;
  const latest = await get<Profile>(url(at, path));
  if (version === undefined || latest.version === version) return latest;
  const { versions } = await get<{ versions: ProfileVersion[] }>(url(at, `${path}/versions`));
  const found = versions.find((each) => each.version === version);
  if (found) return found;
  const message = `profile '${profileId}' has no version ${version}; the latest is ${latest.version}`;
  throw Object.assign(new Error(message), { code: 'profile-version-unknown' });
}

export interface SaveOptions {
  file: string;
  reason: string;
  /** The version that the file was made from; without it, the latest. */
  base?: number;
  allowEmpty?: boolean;
}

export function saveProfile(
  at: By,
  profileId: string,
  { file, reason, base, allowEmpty }: SaveOptions,
): Promise<number> {
  return answering(at, async () => {
    const read = await readProfileFile(file);
    if (!read) return BAD;
    const { draft, inFile } = read;
    const baseVersion = base === undefined ? await latestVersion(at, profileId) : base;
    const body = { ...draft, reason, baseVersion, ...(allowEmpty ? { allowEmpty } : {}) };
    saySaved(at, await inFile(putProfile(at, profileId, body)));
    return DONE;
  });
}

/** Saves as a new version; no gateway has it yet. */
export function putProfile(at: By, profileId: string, body: object): Promise<Profile> {
  return call<Profile>(url(at, `profiles/${encodeURIComponent(profileId)}`), 'PUT', body, at.by);
}

/** 0 where there is no such profile yet. */
export async function latestVersion(at: At, profileId: string): Promise<number> {
  try {
    return (await get<Profile>(url(at, `profiles/${encodeURIComponent(profileId)}`))).version;
  } catch (error) {
    if ((error as { code?: string }).code === 'profile-unknown') return 0;
    throw error;
  }
}

/** Saved is not in force: says what makes it so. */
export function saySaved(at: At, profile: Profile): void {
  const { profileId, version, gateways } = profile;
  if (at.json) print(JSON.stringify(profile));
  else {
    print(`saved ${profileId} version ${version}, for ${gateways} gateways; it is in force on none of them yet`);
    print(`milepost fleet rollout start ${profileId} --version ${version} --watch brings it to them`);
  }
}

export function diffProfile(at: At, profileId: string, range: { from: number; to: number }): Promise<number> {
  return answering(at, async () => {
    const path = `profiles/${encodeURIComponent(profileId)}/diff`;
    const diff = await get<{ changes: DiffEntry[] }>(url(at, path, { from: String(range.from), to: String(range.to) }));
    if (at.json) print(JSON.stringify(diff));
    else if (diff.changes.length === 0) print(`versions ${range.from} and ${range.to} say the same`);
    else for (const change of diff.changes) for (const line of changeLines(change)) print(line);
    return DONE;
  });
}

function changeLines({ key, from, to }: DiffEntry): string[] {
  return [
    ...(from === undefined ? [] : [`- ${key}: ${JSON.stringify(from)}`]),
    ...(to === undefined ? [] : [`+ ${key}: ${JSON.stringify(to)}`]),
  ];
}

const HEAD = ['PROFILE', 'VERSION', 'RELEASED', 'GATEWAYS', 'RULES', 'ROLLOUT', 'FOR'];

function row({ profileId, version, releasedVersion, gateways, settings, openRollout, selector }: Profile): string[] {
  const labels = Object.entries(selector).map(([name, value]) => `${name}=${[value].flat().join('|')}`);
  return [
    profileId,
    String(version),
    releasedVersion === undefined ? 'not yet' : String(releasedVersion),
    String(gateways),
    String(settings.rules.length),
    openRollout ?? '',
    labels.join(' ') || 'every gateway',
  ];
}
