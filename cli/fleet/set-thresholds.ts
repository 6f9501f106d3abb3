/**
 * `milepost fleet set-thresholds`: one limit of a profile, or of one gateway, as a new version of the profile.
 *
 * A limit on the same devices and quantity is replaced, any other rule stays. A gateway by name gets a profile of its own, `gateway-<id>`.
 */
import type { Profile } from '../../hub/fleet/model.ts';
import { formatSettings } from '../../protocols/fleet/check-settings.ts';
import { formatRule } from '../../protocols/rules/check.ts';
import type { Rule } from '../../protocols/rules/rule.ts';
import { DONE, printError, USAGE } from '../exit.ts';
import { get } from '../track.ts';
import { answering, type By, url } from './answers.ts';
import { askPreview, showPreview } from './preview.ts';
import { putProfile, saySaved } from './profiles.ts';
import { startRollout } from './rollouts.ts';

export interface Threshold {
  device: string;
  quantity: string;
  /** As written: `8`, or `8 °C`. */
  low?: string;
  high?: string;
  hysteresis?: string;
  dwell?: string;
  severity?: string;
}

export interface SetOptions extends Threshold {
  reason?: string;
  preview: boolean;
  days: number;
  rollout: boolean;
}

export function setThresholds(at: By, subject: string, options: SetOptions): Promise<number> {
  return answering(at, async () => {
    if (options.low === undefined && options.high === undefined) {
      printError('give --low, --high or both');
      return USAGE;
    }
    const { reason = '' } = options;
    if (reason === '' && !options.preview) {
      printError('give --reason: it is kept in the history');
      return USAGE;
    }
    const { profileId, draft, baseVersion } = await profileFor(at, subject);
    const settings = withThreshold(draft.settings, options);
    if (options.preview) {
      showPreview(at, await askPreview(at, profileId, { selector: draft.selector, settings, days: options.days }));
      if (!at.json) printError('nothing was saved: without --preview it is');
      return DONE;
    }
    const saved = await putProfile(at, profileId, { ...draft, settings, reason, baseVersion });
    if (!options.rollout) {
      saySaved(at, saved);
      return DONE;
    }
    // One gateway is its own canary: nobody waits for what it would show the others.
    const canary = saved.gateways <= 1 ? { canaryPercent: 0 } : {};
    return startRollout(at, profileId, { version: saved.version, reason, watch: true, ...canary });
  });
}

/** Of a profile at the hub. */
const LONGEST_ID = 63;

type Draft = Pick<Profile, 'name' | 'selector' | 'settings'>;

/** The profile of this name, or that of the gateway of this name, which may be yet to be made. */
async function profileFor(at: By, subject: string): Promise<{ profileId: string; draft: Draft; baseVersion: number }> {
  const named = await profileOrNothing(at, subject);
  if (named) return { profileId: subject, draft: draftOf(named), baseVersion: named.version };
  // Says that there is no such gateway.
  await get(url(at, `gateways/${encodeURIComponent(subject)}`));
  const profileId = `gateway-${subject.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.slice(0, LONGEST_ID);
  const own = await profileOrNothing(at, profileId);
  if (own && own.selector.gateway !== subject) {
    const message = `profile '${profileId}', which would be that of gateway '${subject}', is for others: save one under another name with milepost fleet profile save`;
    throw Object.assign(new Error(message), { code: 'profile-of-others' });
  }
  if (own) return { profileId, draft: draftOf(own), baseVersion: own.version };
  const settings = { rules: [], readPoints: {}, rates: {} };
  return { profileId, draft: { name: `Gateway ${subject}`, selector: { gateway: subject }, settings }, baseVersion: 0 };
}

async function profileOrNothing(at: By, profileId: string): Promise<Profile | undefined> {
  try {
    return await get<Profile>(url(at, `profiles/${encodeURIComponent(profileId)}`));
  } catch (error) {
    if ((error as { code?: string }).code === 'profile-unknown') return undefined;
    throw error;
  }
}

function draftOf({ name, selector, settings }: Profile): Draft {
  return { name, selector, settings };
}

/** In the form that people write, which the hub checks. */
export function withThreshold(settings: Draft['settings'], threshold: Threshold): object {
  const { device, quantity, ...limits } = threshold;
  const known = settings.rules.find((rule) => isSame(rule, threshold));
  const others = settings.rules.filter((rule) => rule !== known);
  const given = Object.entries({
    low: limits.low,
    high: limits.high,
    hysteresis: limits.hysteresis,
    dwell: limits.dwell,
    severity: limits.severity,
  }).filter(([, value]) => value !== undefined);
  const id = known?.id ?? freeId(threshold, others);
  const base = known ? formatRule(known) : { id, kind: 'limit', severity: 'warning', target: { device, quantity } };
  const rule = { ...base, ...Object.fromEntries(given) };
  return { ...formatSettings(settings), rules: [...others.map(formatRule), rule] };
}

function isSame(rule: Rule, { device, quantity }: Threshold): boolean {
  return rule.kind === 'limit' && rule.target.device === device && rule.target.quantity === quantity;
}

/** `cooler-temperature-celsius` */
function freeId({ device, quantity }: Threshold, others: readonly Rule[]): string {
  const words = `${device}-${quantity.replace(/[A-Z]/g, (letter) => `-${letter}`)}`.toLowerCase();
  const id = words.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  const taken = new Set(others.map((rule) => rule.id));
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? id : `${id}-${number}`;
    if (!taken.has(candidate)) return candidate;
  }
}
