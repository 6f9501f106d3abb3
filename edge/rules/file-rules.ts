/**
 * The rules of the gateway's own file: `rules` of any kind, and `thresholds`, the shorter form of limits. Pure.
 *
 * Both share one set of ids. A device has to be one of the gateway, a pattern has to fit one.
 */
import { formatPath, type PathStep, suggest } from '../../protocols/config/checked-yaml.ts';
import { checkRules } from '../../protocols/rules/check.ts';
import { matchesDevice, patternOf, ZONE_PREFIX } from '../../protocols/rules/engine.ts';
import type { LimitRule, Rule } from '../../protocols/rules/rule.ts';
import type { AlertSeverity } from '../../protocols/uplink/model.ts';

/** As the file's schema gives it. */
export interface Threshold {
  id: string;
  device: string;
  quantity: string;
  low?: number | undefined;
  high?: number | undefined;
  hysteresis: number;
  /** Milliseconds. */
  dwell: number;
  severity: AlertSeverity;
}

export interface FileRulesInput {
  thresholds: readonly Threshold[];
  /** As they stand in the file. */
  rules: readonly unknown[];
  devices: readonly { id: string; readPoint?: string | undefined }[];
  readPoints: readonly { id: string; zone?: string | undefined }[];
}

export function rulesOfFile(input: FileRulesInput, report: (path: PathStep[], message: string) => void): Rule[] {
  const limits = input.thresholds.map(limitOf);
  // Their ids are older than the rules for ids of rules.
  const thresholds = checkRules(limits.map((rule, index) => ({ ...rule, id: `threshold-${index}` })));
  for (const { path, message, proposal } of thresholds.problems) {
    const [index, ...rest] = path;
    report(
      ['thresholds', ...(index === undefined ? [] : [index]), ...rest.filter((step) => step !== 'target')],
      text(message, proposal),
    );
  }
  const checked = checkRules(input.rules, ['rules']);
  for (const { path, message, proposal } of checked.problems) report(path, text(message, proposal));
  const ids = new Map(limits.map(({ id }, index) => [id, index]));
  for (const [index, written] of input.rules.entries()) {
    const rule = checked.rules.find(({ id }) => id === idOf(written));
    if (!rule) continue;
    const taken = ids.get(rule.id);
    if (taken !== undefined) {
      report(['rules', index, 'id'], `'${rule.id}' is already the id of ${formatPath(['thresholds', taken])}`);
    }
    const pattern = patternOf(rule);
    if (pattern === undefined) continue;
    const path = ['rules', index, ...('target' in rule ? ['target', 'device'] : ['device'])];
    reportUnmatched(pattern, input, (message) => report(path, message));
  }
  for (const [index, { device }] of input.thresholds.entries()) {
    reportUnmatched(device, input, (message) => report(['thresholds', index, 'device'], message));
  }
  return [...limits, ...checked.rules];
}

/** By device: the zone of its read point. */
export function zonesOf({
  devices,
  readPoints,
}: Pick<FileRulesInput, 'devices' | 'readPoints'>): ReadonlyMap<string, string> {
  const zones = new Map(readPoints.map(({ id, zone }) => [id, zone]));
  return new Map(
    devices.flatMap(({ id, readPoint }) => {
      const zone = readPoint === undefined ? undefined : zones.get(readPoint);
      return zone === undefined ? [] : [[id, zone] as const];
    }),
  );
}

function limitOf({ id, device, quantity, low, high, hysteresis, dwell, severity }: Threshold): LimitRule {
  return {
    id,
    kind: 'limit',
    target: { device, quantity },
    ...(low === undefined ? {} : { low }),
    ...(high === undefined ? {} : { high }),
    hysteresis,
    dwellMs: dwell,
    severity,
  };
}

/** A device with several sensors names them after a slash, which only it knows: `bus-1/cold-zone`. */
function reportUnmatched(pattern: string, input: FileRulesInput, report: (message: string) => void): void {
  const devices = input.devices.map(({ id }) => id);
  if (pattern.startsWith(ZONE_PREFIX)) {
    const zones = [...new Set(zonesOf(input).values())];
    if (zones.some((zone) => matchesDevice(pattern, '', zone))) return;
    report(`no device stands in such a zone: ${suggest(pattern.slice(ZONE_PREFIX.length), zones)}`);
    return;
  }
  const [device = ''] = pattern.split('/');
  if (devices.some((id) => matchesDevice(device, id))) return;
  const what = device.includes('*') ? `no device fits '${device}'` : `there is no device '${device}'`;
  report(`${what}: ${suggest(device, devices)}`);
}

function idOf(written: unknown): unknown {
  return (written as { id?: unknown } | null)?.id;
}

function text(message: string, proposal: string | undefined): string {
  return proposal === undefined ? message : `${message}; ${proposal}`;
}
