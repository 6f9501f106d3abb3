/** The settings of a gateway out of the profiles that hold for it. Pure. */
import { checkSettings } from '../../protocols/fleet/check-settings.ts';
import { reasonOf } from '../../protocols/fleet/keys.ts';
import { DESIRED_CONFIG_BYTES } from '../../protocols/fleet/parse-config.ts';
import type { KeyReason } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { contradictions } from './contradictions.ts';

export interface Part {
  profileId: string;
  version: number;
  settings: Settings;
}

/** A gateway takes no larger message; some of it is not settings. */
const MOST_BYTES = DESIRED_CONFIG_BYTES - 4096;

/** Why the settings are more than a gateway takes in one message, if they are. */
export function tooLarge(settings: Settings): KeyReason | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(settings));
  if (bytes <= MOST_BYTES) return undefined;
  return { key: '', code: 'config-too-large', reason: `${bytes} bytes of settings; at most ${MOST_BYTES}` };
}

/** The union, or why there is none; the order of the parts says nothing. */
export function compose(parts: readonly Part[]): { settings: Settings } | { conflict: KeyReason[] } {
  const ordered = [...parts].sort((a, b) => (a.profileId < b.profileId ? -1 : 1));
  const conflict = ordered.flatMap((part, index) =>
    ordered.slice(index + 1).flatMap((other) => reasonsAgainst(part, other)),
  );
  if (conflict.length > 0) return { conflict };
  const rules = ordered.flatMap(({ settings }) => settings.rules);
  const settings: Settings = {
    // What two profiles say in the same words stands there once.
    rules: [...new Map(rules.map((rule) => [rule.id, rule])).values()],
    readPoints: Object.assign({}, ...ordered.map((part) => part.settings.readPoints)),
    rates: Object.assign({}, ...ordered.map((part) => part.settings.rates)),
  };
  // Each of them is valid; all together may still be more than a gateway takes.
  const faults = checkSettings(settings).problems.map((problem) => reasonOf(problem, settings));
  const large = tooLarge(settings);
  if (large) faults.push(large);
  return faults.length > 0 ? { conflict: faults } : { settings };
}

function reasonsAgainst(part: Part, other: Part): KeyReason[] {
  return contradictions(part.settings, other.settings).map(({ key, otherKey, target }) => ({
    key,
    code: 'profiles-contradict',
    reason: `profile '${part.profileId}' version ${part.version} (${key}) and profile '${other.profileId}' version ${other.version} (${otherKey}) both set ${target}`,
  }));
}
