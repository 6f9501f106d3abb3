/**
 * Findings → a whole configuration that `milepost edge check` takes as it stands, with what a person should know as comments. Pure.
 */
import { stringify } from 'yaml';
import type { DeviceEntry, Finding } from './finding.ts';

export interface SuggestedConfig {
  gateway: { id: string; facility: string };
  hub: { url: string };
  readPoints: { id: string; businessStep: string }[];
  devices: SuggestedDevice[];
}

export interface SuggestedDevice {
  id: string;
  driver: string;
  readPoint?: string;
  options: Readonly<Record<string, unknown>>;
}

export function suggestConfig(findings: readonly Finding[], hostname: string): SuggestedConfig {
  const devices = numbered(findings).flatMap(({ finding, device }) => (finding.certainty === 'hint' ? [] : [device]));
  return {
    gateway: { id: gatewayId(hostname), facility: 'facility-1' },
    hub: { url: 'mqtt://127.0.0.1:1883' },
    readPoints: devices.flatMap(({ readPoint }) =>
      readPoint === undefined ? [] : [{ id: readPoint, businessStep: 'receiving' }],
    ),
    devices,
  };
}

export function renderConfig(
  findings: readonly Finding[],
  { hostname, problems }: { hostname: string; problems: readonly string[] },
): string {
  const config = suggestConfig(findings, hostname);
  const entries = numbered(findings);
  const blocks = entries.map(({ finding, device }) => {
    const isEntry = finding.certainty !== 'hint';
    return [...comments(finding), ...(isEntry ? item(device) : item(device).map((line) => `# ${line}`))];
  });
  const without = findings.filter(({ entry }) => entry === undefined).map(comments);
  return [
    `# What 'milepost edge devices' found on ${hostname}. A whole configuration: put in the gateway's id, where it stands, and the`,
    "# hub's address; then 'milepost edge check --config FILE'.",
    ...stringify({ gateway: config.gateway, hub: config.hub }).trimEnd().split('\n'),
    ...(config.readPoints.length === 0
      ? []
      : stringify({ readPoints: config.readPoints }, { collectionStyle: 'block' }).trimEnd().split('\n')),
    config.devices.length === 0 ? 'devices: []' : 'devices:',
    ...[...blocks, ...without].flat().map((line) => `  ${line}`),
    ...problems.map((problem) => `# Not looked at: ${problem}`),
    '',
  ].join('\n');
}

function comments({ place, what, certainty, why }: Finding): string[] {
  const sure = { known: '', guess: 'A guess: ', hint: '' }[certainty];
  return [`# ${place}${what === '' ? '' : `: ${what}`}`, `# ${sure}${why}`].map((line) => line.replace(/\s+/g, ' '));
}

function item(device: SuggestedDevice): string[] {
  return stringify([device]).trimEnd().split('\n');
}

/** Findings with an entry, each with an id of its own. */
function numbered(findings: readonly Finding[]): { finding: Finding; device: SuggestedDevice }[] {
  const counts = new Map<string, number>();
  return findings.flatMap((finding) => {
    const { entry } = finding;
    if (entry === undefined) return [];
    const number = (counts.get(entry.name) ?? 0) + 1;
    counts.set(entry.name, number);
    return [{ finding, device: deviceOf(entry, `${entry.name}-${number}`) }];
  });
}

function deviceOf({ driver, options, readsPackages }: DeviceEntry, id: string): SuggestedDevice {
  return { id, driver, ...(readsPackages && { readPoint: `${id}-place` }), options };
}

/** A host name may hold what a gateway id may not. */
function gatewayId(hostname: string): string {
  const id = hostname.replace(/[^A-Za-z0-9._:-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return id.slice(0, 63) || 'gateway-1';
}
