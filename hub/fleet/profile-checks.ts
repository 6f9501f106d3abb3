/**
 * What must hold before a version of a profile is kept or rolled out: its settings are valid, its selector fits a gateway, and on no gateway does
 * it contradict another profile. Every problem says where, what, why, and what would be right.
 */
import { checkSettings } from '../../protocols/fleet/check-settings.ts';
import { LABEL_NAME } from '../../protocols/fleet/labels.ts';
import { misfits } from '../../protocols/fleet/misfits.ts';
import type { KeyReason, ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { Problem } from '../../protocols/rules/rule.ts';
import type { Sql } from '../store/store.ts';
import { tooLarge } from './compose.ts';
import { contradictions, type KnownDevice } from './contradictions.ts';
import { knownLabels } from './gateway-reader.ts';
import { isLabelValue, proposeSelector, type Selector, selectorSql, valuesOf } from './labels.ts';
import { Conditions } from './sql-conditions.ts';

/** What does not depend on the fleet. */
export function checkWritten(written: { selector: unknown; settings: unknown }): {
  selector: Selector | undefined;
  settings: Settings | undefined;
  problems: Problem[];
} {
  const selectorProblems = checkSelector(written.selector);
  const { settings, problems: settingsProblems } = checkSettings(written.settings);
  const large = settings && tooLarge(settings);
  const problems: Problem[] = large
    ? [{ path: [], code: large.code, message: large.reason, proposal: 'make several profiles of it' }]
    : settingsProblems;
  return {
    selector: selectorProblems.length === 0 ? (written.selector as Selector) : undefined,
    settings,
    problems: [...selectorProblems, ...problems.map((each) => ({ ...each, path: ['settings', ...each.path] }))],
  };
}

function checkSelector(selector: unknown): Problem[] {
  const code = 'selector-invalid';
  if (typeof selector !== 'object' || selector === null || Array.isArray(selector)) {
    const proposal = '{"cold-chain": "yes", "vehicle-type": ["van", "truck"]}; {} fits every gateway';
    return [{ path: ['selector'], code, message: 'a selector is a map of labels to values', proposal }];
  }
  return Object.entries(selector).flatMap(([name, wanted]: [string, unknown]): Problem[] => {
    const path = ['selector', name];
    if (!LABEL_NAME.test(name)) {
      const message = `'${name}' is no name of a label`;
      return [{ path, code, message, proposal: '1 to 63 letters, digits, dots, dashes, underscores, slashes' }];
    }
    const values: unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    if (values.length > 0 && values.length <= MAX_VALUES && values.every(isLabelValue)) return [];
    const message = `${JSON.stringify(wanted)?.slice(0, 60)} is neither a value nor a list of values`;
    return [{ path, code, message, proposal: `a text, or 1 to ${MAX_VALUES} of them` }];
  });
}

const MAX_VALUES = 1000;

export async function countGateways(sql: Sql, selectors: readonly Selector[]): Promise<number[]> {
  if (selectors.length === 0) return [];
  const filter = new Conditions();
  const counts = selectors.map(
    (selector, index) =>
      `(select count(*)::int from fleet_gateways where ${selectorSql(selector, filter.place)}) as c${index}`,
  );
  const [row = {}] = await sql.query<Record<string, number>>(`select ${counts.join(', ')}`, filter.values);
  return selectors.map((_, index) => row[`c${index}`] ?? 0);
}

/** None where a gateway fits. */
export async function emptySelectorProblems(sql: Sql, selector: Selector): Promise<Problem[]> {
  const [count] = await countGateways(sql, [selector]);
  if (count !== 0) return [];
  return [
    {
      path: ['selector'],
      code: 'selector-matches-nothing',
      message: `no gateway fits ${describeSelector(selector)}`,
      proposal: proposeSelector(selector, await knownLabels(sql)),
    },
  ];
}

function describeSelector(selector: Selector): string {
  const parts = Object.entries(selector).map(([name, wanted]) => `${name}=${valuesOf(wanted).join('|')}`);
  return parts.length === 0 ? 'every gateway' : parts.join(', ');
}

export interface Checked {
  profileId: string;
  selector: Selector;
  settings: Settings;
}

interface Other extends Checked {
  version: number;
  name: string;
}

/**
 * Against the latest version of each other profile, and those that gateways have or are being moved to, on the gateways that fit both.
 * @param newest also against versions that are saved only
 */
export async function contradictionProblems(
  sql: Sql,
  checked: Checked,
  { newest }: { newest: boolean },
): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const other of await othersOf(sql, checked.profileId, newest)) {
    const { count, ids } = await gatewaysOfBoth(sql, checked.selector, other.selector);
    if (count === 0) continue;
    const devices = await devicesOf(sql, [checked.selector, other.selector]);
    const found = contradictions(checked.settings, other.settings, devices);
    const shown = shownIds(ids, count);
    for (const { path, key, otherKey, target } of found) {
      problems.push({
        path: ['settings', ...path],
        code: 'profiles-contradict',
        message: `profile '${checked.profileId}' (${key}) and profile '${other.profileId}' version ${other.version} (${otherKey}) both set ${target} on ${count === 1 ? 'gateway' : `${count} gateways:`} ${shown}`,
        proposal: `take it out of one of the two, or narrow a selector so that no gateway fits both (${describeSelector(checked.selector)}; ${describeSelector(other.selector)})`,
      });
    }
  }
  return problems;
}

const MAX_DEVICES = 10_000;

/** Of the gateways that fit all selectors, as they reported them. */
async function devicesOf(sql: Sql, selectors: readonly Selector[]): Promise<KnownDevice[]> {
  const filter = new Conditions();
  for (const selector of selectors) filter.and(selectorSql(selector, filter.place));
  const rows = await sql.query<{ id: string; zone: string | null }>(
    `select distinct device->>'id' as id, device->>'zone' as zone
     from fleet_gateways cross join json_array_elements(reported->'devices') device ${filter.where} limit ${MAX_DEVICES}`,
    filter.values,
  );
  return rows.map(({ id, zone }) => ({ id, ...(zone !== null && { zone }) }));
}

const MAX_INVENTORIES = 2_000;

/**
 * What gateways that fit would refuse, by what they said is there. No reason not to save: a rollout shows it, gateway by gateway, and its limit of
 * rejections holds.
 */
export async function misfitWarnings(sql: Sql, { selector, settings }: Omit<Checked, 'profileId'>): Promise<Problem[]> {
  const filter = new Conditions();
  filter.and(selectorSql(selector, filter.place)).and('reported is not null');
  const rows = await sql.query<{ gateway_id: string; reported: ReportedConfig }>(
    `select gateway_id, reported from fleet_gateways ${filter.where} order by gateway_id limit ${MAX_INVENTORIES}`,
    filter.values,
  );
  const found = new Map<string, { reason: KeyReason; ids: string[] }>();
  for (const { gateway_id, reported } of rows) {
    for (const reason of misfits(settings, reported)) {
      const name = `${reason.key} ${reason.code}`;
      const same = found.get(name) ?? { reason, ids: [] };
      found.set(name, same);
      same.ids.push(gateway_id);
    }
  }
  return [...found.values()].map(({ reason: { key, code, reason }, ids }) => ({
    path: ['settings', ...pathOf(key, settings)],
    code,
    message: `${ids.length} of ${rows.length} gateways would refuse ${key}: ${shownIds(ids.slice(0, SHOWN), ids.length)}: ${reason}`,
    proposal: 'narrow the selector to the gateways that have it',
  }));
}

function pathOf(key: string, settings: Settings): Problem['path'] {
  const slash = key.indexOf('/');
  const [part, name] = [key.slice(0, slash), key.slice(slash + 1)];
  return part === 'rules' ? ['rules', settings.rules.findIndex(({ id }) => id === name)] : [part, name];
}

function shownIds(ids: readonly string[], count: number): string {
  return `${ids.join(', ')}${count > ids.length ? ` and ${count - ids.length} more` : ''}`;
}

async function othersOf(sql: Sql, profileId: string, newest: boolean): Promise<Other[]> {
  const rows = await sql.query<Omit<Other, 'profileId'> & { profile_id: string }>(
    `select v.profile_id, v.version, v.name, v.selector, v.settings
     from fleet_profiles p join fleet_profile_versions v using (profile_id)
     where v.profile_id <> $1 and (v.version = p.released or ($2 and v.version = p.latest) or exists (
       select 1 from fleet_rollouts r
       where r.profile_id = v.profile_id and r.version = v.version and r.state in ('canary', 'rolling', 'stopped')))
     order by v.profile_id, v.version desc`,
    [profileId, newest],
  );
  return rows.map(({ profile_id, ...row }) => ({ ...row, profileId: profile_id }));
}

const SHOWN = 5;

async function gatewaysOfBoth(sql: Sql, first: Selector, second: Selector): Promise<{ count: number; ids: string[] }> {
  const filter = new Conditions();
  filter.and(selectorSql(first, filter.place)).and(selectorSql(second, filter.place));
  const [counted] = await sql.query<{ count: number }>(
    `select count(*)::int as count from fleet_gateways ${filter.where}`,
    filter.values,
  );
  const rows = await sql.query<{ gateway_id: string }>(
    `select gateway_id from fleet_gateways ${filter.where} order by gateway_id limit ${SHOWN}`,
    filter.values,
  );
  return { count: counted?.count ?? 0, ids: rows.map(({ gateway_id }) => gateway_id) };
}
