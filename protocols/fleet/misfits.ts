/**
 * What of some settings a gateway cannot have, by what it says is there (ReportedConfig): checked at the hub before they are sent, and again on the
 * gateway. Pure.
 *
 * A device stands in the list by its id, each sensor of a device that has several as `device/channel`; `device/*` where the device finds out by
 * itself which it has: any channel may be named then.
 */
import { suggest } from '../config/checked-yaml.ts';
import { matchesDevice } from '../rules/engine.ts';
import type { Rule } from '../rules/rule.ts';
import type { KeyReason, ReportedConfig } from './reported-config.ts';
import type { Settings } from './settings.ts';

export type Inventory = Pick<ReportedConfig, 'devices' | 'readPoints'>;

/** None: the gateway can have them, as far as this can be told. */
export function misfits({ rules, readPoints, rates }: Settings, inventory: Inventory): KeyReason[] {
  const devices = inventory.devices.map(({ id }) => id).filter((id) => !id.includes('/'));
  const reasons: KeyReason[] = [];
  for (const id of Object.keys(readPoints).filter((each) => !inventory.readPoints.includes(each))) {
    const reason = `there is no read point '${id}' here: ${suggest(id, inventory.readPoints)}`;
    reasons.push({ key: `readPoints/${id}`, code: 'config-unknown-read-point', reason });
  }
  for (const [id, { changes = [] }] of Object.entries(rates)) {
    const key = `rates/${id}`;
    if (!devices.includes(id)) reasons.push({ key, code: 'config-unknown-device', reason: unknownDevice(id, devices) });
    const own = inventory.devices.filter((each) => each.id === id || each.id.startsWith(`${id}/`));
    const given = own.flatMap(({ quantities }) => quantities);
    for (const { quantity } of devices.includes(id) ? changes : []) {
      if (given.includes(quantity)) continue;
      reasons.push({ key, code: 'config-quantity-not-here', reason: notGiven(id, quantity, given) });
    }
  }
  for (const rule of rules) {
    const fault = ruleFault(rule, inventory);
    if (fault) reasons.push({ key: `rules/${rule.id}`, ...fault });
  }
  return reasons;
}

type Fault = Omit<KeyReason, 'key'>;
type Target = Inventory['devices'][number];

/** Whether there is anything that the rule could watch. */
function ruleFault(rule: Rule, inventory: Inventory): Fault | undefined {
  switch (rule.kind) {
    case 'shock':
      return targetFault(rule.device, 'peakG', inventory);
    case 'door':
      return (
        targetFault(rule.device, 'open', inventory) ??
        (rule.whileMovingAboveMetersPerSecond === undefined ? undefined : anyFault('speedMetersPerSecond', inventory))
      );
    case 'geofence':
      return anyFault('latitude', inventory);
    default:
      return targetFault(rule.target.device, rule.target.quantity, inventory);
  }
}

function targetFault(pattern: string, quantity: string, { devices }: Inventory): Fault | undefined {
  const named = devices.filter((device) => isNamed(pattern, device));
  const given = named.flatMap(({ quantities }) => quantities);
  if (given.includes(quantity)) return undefined;
  if (named.length > 0) return { code: 'config-quantity-not-here', reason: notGiven(pattern, quantity, given) };
  const here = devices.map(({ id }) => id);
  return /[*]|^zone:/.test(pattern)
    ? {
        code: 'config-matches-nothing',
        reason: `no device here fits '${pattern}'; there are ${here.join(', ') || 'none'}`,
      }
    : { code: 'config-unknown-device', reason: unknownDevice(pattern, here) };
}

function anyFault(quantity: string, { devices }: Inventory): Fault | undefined {
  if (devices.some(({ quantities }) => quantities.includes(quantity))) return undefined;
  const reason = `no device of this gateway gives ${quantity}, and the rule needs it`;
  return { code: 'config-quantity-not-here', reason };
}

const ANY = '/*';

function isNamed(pattern: string, { id, zone }: Target): boolean {
  if (matchesDevice(pattern, id, zone)) return true;
  if (!id.endsWith(ANY)) return false;
  // Which channels there are shows while it runs: any will do.
  const at = pattern.indexOf('/');
  const channel = at < 0 ? 'x' : pattern.slice(at + 1).replaceAll('*', 'x');
  return matchesDevice(pattern, `${id.slice(0, -1)}${channel}`, zone);
}

function unknownDevice(id: string, here: readonly string[]): string {
  return `there is no device '${id}' here: ${suggest(id, here)}`;
}

function notGiven(device: string, quantity: string, given: readonly string[]): string {
  const what = given.length > 0 ? `it gives ${[...new Set(given)].join(', ')}` : 'it gives no values';
  return `'${device}' gives no ${quantity} here; ${what}`;
}
