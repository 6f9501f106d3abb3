/**
 * Where two profiles cannot both hold on one gateway. Pure.
 *
 * They contradict each other where both watch the same: a rule of the same kind on the same quantity of devices that one device id could name
 * both, a rule of the same id, the same read point, the same device's rates. What both say in the same words is no contradiction. A zone and a device's
 * name meet where a known device stands in the one and has the other.
 */
import { canonicalJson } from '../../protocols/base/canonical-json.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { matchesDevice, patternOf, ZONE_PREFIX } from '../../protocols/rules/engine.ts';
import type { Rule } from '../../protocols/rules/rule.ts';

export interface Contradiction {
  /** In the first settings: `rules/<ruleId>`, `readPoints/<id>`, `rates/<deviceId>`, and where that stands in them. */
  key: string;
  path: (string | number)[];
  /** The same in the second. */
  otherKey: string;
  /** What both set, in words. */
  target: string;
}

export interface KnownDevice {
  id: string;
  zone?: string;
}

/** @param devices Of the gateways that both are for, as far as they are known. */
export function contradictions(
  first: Settings,
  second: Settings,
  devices: readonly KnownDevice[] = [],
): Contradiction[] {
  const rules = first.rules.flatMap((rule, index) => {
    const other = second.rules.find((each) => targetInBoth(rule, each, devices) !== undefined);
    const target = other && targetInBoth(rule, other, devices);
    if (!other || target === undefined) return [];
    return [{ key: `rules/${rule.id}`, path: ['rules', index], otherKey: `rules/${other.id}`, target }];
  });
  return [...rules, ...namedTwice('readPoints', first, second), ...namedTwice('rates', first, second)];
}

function targetInBoth(rule: Rule, other: Rule, devices: readonly KnownDevice[]): string | undefined {
  if (canonicalJson(rule) === canonicalJson(other)) return undefined;
  if (rule.id === other.id) return `the rule id '${rule.id}'`;
  const [one, two] = [patternOf(rule), patternOf(other)];
  // A geofence watches the gateway: several may hold at once.
  if (one === undefined || two === undefined || rule.kind !== other.kind) return undefined;
  const quantity = quantityOf(rule);
  if (quantity !== quantityOf(other) || !devicesMeet(one, two, devices)) return undefined;
  const what = quantity === '' ? rule.kind : `${rule.kind} of ${quantity}`;
  return `the ${what} of ${one === two ? `'${one}'` : `'${one}' and '${two}'`}`;
}

function quantityOf(rule: Rule): string {
  return 'target' in rule ? rule.target.quantity : '';
}

function devicesMeet(first: string, second: string, devices: readonly KnownDevice[]): boolean {
  if (first.startsWith(ZONE_PREFIX) === second.startsWith(ZONE_PREFIX)) return patternsMeet(first, second);
  return devices.some(({ id, zone }) => matchesDevice(first, id, zone) && matchesDevice(second, id, zone));
}

function namedTwice(part: 'readPoints' | 'rates', first: Settings, second: Settings): Contradiction[] {
  const what = part === 'readPoints' ? 'the read point' : 'the rates of device';
  return Object.entries(first[part]).flatMap(([name, value]) => {
    const other = second[part][name];
    if (other === undefined || canonicalJson(other) === canonicalJson(value)) return [];
    return [{ key: `${part}/${name}`, path: [part, name], otherKey: `${part}/${name}`, target: `${what} '${name}'` }];
  });
}

/** Whether one id fits both patterns, in which `*` stands for any characters. */
export function patternsMeet(first: string, second: string): boolean {
  // Row by row over `first`: meet[j] says whether the rests first[i…] and second[j…] have a text in common.
  const columns = second.length + 1;
  let below = Array.from({ length: columns }, (_, j) => onlyStars(second, j));
  for (let i = first.length - 1; i >= 0; i--) {
    const meet: boolean[] = new Array<boolean>(columns).fill(false);
    for (let j = second.length; j >= 0; j--) {
      const [one, two] = [first[i], second[j]];
      const skipStar = (one === '*' && below[j]) || (two === '*' && meet[j + 1]);
      const eat =
        two !== undefined && (one === '*' ? meet[j + 1] : two === '*' ? below[j] : one === two && below[j + 1]);
      meet[j] = Boolean(skipStar || eat);
    }
    below = meet;
  }
  return below[0] ?? false;
}

function onlyStars(pattern: string, from: number): boolean {
  return /^\**$/.test(pattern.slice(from));
}
