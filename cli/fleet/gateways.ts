/** `milepost fleet list`, `show`, `label`: gateways with their health and what of their settings is in force. */
import type { FleetGateway, FleetGatewayDetail } from '../../hub/fleet/model.ts';
import { BAD, DONE, print, printError } from '../exit.ts';
import { call } from '../hub-call.ts';
import { get } from '../track.ts';
import { type At, answering, type By, historyLine, labelsText, reasonsText, table, url } from './answers.ts';

const PAGE = 500;

export function listGateways(at: At, filter: { label: string[]; state?: string; q?: string }): Promise<number> {
  return answering(at, async () => {
    const label = filter.label.map((each) => each.replace('=', ':'));
    const gateways = await allGateways(at, { ...filter, label });
    if (at.json) for (const gateway of gateways) print(JSON.stringify(gateway));
    else if (gateways.length === 0) print('no gateway fits');
    else for (const line of table(HEAD, gateways.map(row))) print(line);
    return DONE;
  });
}

async function allGateways(
  at: At,
  filter: Readonly<Record<string, string | readonly string[]>>,
): Promise<FleetGateway[]> {
  const gateways: FleetGateway[] = [];
  for (let after: string | undefined; ; ) {
    const page = await get<{ gateways: FleetGateway[]; next?: string }>(
      url(at, 'gateways', { ...filter, limit: String(PAGE), after }),
    );
    gateways.push(...page.gateways);
    if (page.next === undefined) return gateways;
    after = page.next;
  }
}

export function showGateway(at: At, gatewayId: string): Promise<number> {
  return answering(at, async () => {
    const gateway = await get<FleetGatewayDetail>(url(at, `gateways/${encodeURIComponent(gatewayId)}`));
    if (at.json) print(JSON.stringify(gateway));
    else for (const line of describe(gateway)) print(line);
    return DONE;
  });
}

/** @param written `name=value` sets a label, `name=` takes it away. */
export function labelGateway(
  at: By,
  gatewayId: string,
  { written, reason }: { written: string[]; reason?: string },
): Promise<number> {
  return answering(at, async () => {
    const labels: Record<string, string | null> = {};
    for (const each of written) {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
      if (name === undefined || value === undefined) {
        printError(`'${each}': a label is written name=value; name= takes it away`);
        return BAD;
      }
      labels[name] = value === '' ? null : value;
    }
    const body = { labels, ...(reason === undefined ? {} : { reason }) };
    const path = url(at, `gateways/${encodeURIComponent(gatewayId)}`);
    const gateway = await call<FleetGateway>(path, 'PATCH', body, at.by);
    print(at.json ? JSON.stringify(gateway) : `${gateway.gatewayId}  ${labelsText(gateway.labels)}`);
    return DONE;
  });
}

const HEAD = ['GATEWAY', 'STATE', 'HEARD', 'SETTINGS', 'VERSION', 'WAITING', 'DEVICES', 'LABELS'];

function row(gateway: FleetGateway): string[] {
  const { gatewayId, online, heardAt, configState, devices, labels } = gateway;
  const troubled = devices.filter(({ state }) => state !== 'online').length;
  return [
    gatewayId,
    online ? 'online' : 'OFFLINE',
    heardAt?.replace(/\.\d+Z$/, 'Z') ?? 'never',
    configState,
    versionText(gateway),
    String(waiting(gateway)),
    troubled === 0 ? String(devices.length) : `${devices.length}, ${troubled} not well`,
    labelsText(labels),
  ];
}

function versionText({ inForceVersion, desiredVersion }: FleetGateway): string {
  return inForceVersion === desiredVersion ? String(inForceVersion) : `${inForceVersion} of ${desiredVersion}`;
}

function waiting({ lag }: FleetGateway): number {
  return Object.values(lag ?? {}).reduce((sum, each) => sum + each, 0);
}

function describe(gateway: FleetGatewayDetail): string[] {
  const { gatewayId, online, heardAt, software, labels, devices, configState, reasons, profiles, history } = gateway;
  const rules = gateway.desired?.settings.rules ?? [];
  return [
    `${gatewayId}  ${online ? 'online' : 'OFFLINE'}, heard ${heardAt ?? 'never'}, software ${software ?? 'not known'}`,
    `labels    ${labelsText(labels) || 'none'}`,
    `settings  ${configState}: version ${versionText(gateway)}${gateway.trying ? ', not yet proven' : ''}`,
    ...reasons.map((reason) => `          ${reasonsText([reason])}`),
    `profiles  ${profiles.map(({ profileId, version }) => `${profileId} version ${version}`).join(', ') || 'none'}`,
    ...rules.map((rule) => `  rule    ${rule.id} (${rule.kind}, ${rule.severity})`),
    `waiting   ${waiting(gateway)} records; outbox ${gateway.outboxMode ?? 'not known'}; clock ${gateway.clock?.state ?? 'not known'}`,
    ...devices.map(
      ({ id, driver, state, code, message }) =>
        `device    ${id} (${driver}) ${state}${code === '' ? '' : ` ${code}: ${message}`}`,
    ),
    ...history.map((entry) => `history   ${historyLine(entry)}`),
  ];
}
