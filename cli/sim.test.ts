/** The gateways' configurations that `milepost sim run --write-config` writes are ones that `milepost edge check` accepts. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkEdgeConfig } from '../edge/config.ts';
import { formatProblem } from '../protocols/config/checked-yaml.ts';
import { findScenario, scenarioFolder, scenarioNames } from '../simulators/cli.ts';
import { DEVICE_KINDS, isDeviceKind } from '../simulators/devices.ts';
import { edgeConfigs } from '../simulators/edge-config.ts';
import { loadScenario, type Scenario } from '../simulators/scenario.ts';

const ON_THE_NETWORK: ReadonlySet<string> = new Set(['llrp-reader', 'gpsd']);

async function problemsIn(scenario: Scenario): Promise<string[]> {
  const devices = scenario.devices.map(({ id, kind }) => {
    const address = ON_THE_NETWORK.has(kind) ? '127.0.0.1:5084' : `/tmp/run/${id}`;
    return { id, kind, address, otherAddresses: [] };
  });
  const configs = edgeConfigs({ scenario, devices, file: '/tmp/edge.yaml', hubUrl: 'mqtt://127.0.0.1:1883' });
  const results = await Promise.all(configs.map(({ text, file }) => checkEdgeConfig(text, file)));
  return results.flatMap((result) => (result.ok ? [] : result.problems.map(formatProblem)));
}

describe('sim run --write-config', () => {
  it.each(scenarioNames())('%s: every gateway has a configuration in order', async (name) => {
    expect(await problemsIn(await loadScenario(join(scenarioFolder(), `${name}.yaml`)))).toEqual([]);
  });

  it.each(Object.keys(DEVICE_KINDS).filter(isDeviceKind))('%s alone as well', async (kind) => {
    expect(await problemsIn(await findScenario({ scenario: kind }))).toEqual([]);
  });

  it('names a file for each of several gateways', async () => {
    const scenario = await findScenario({ scenario: 'hub-shift' });
    const configs = edgeConfigs({ scenario, devices: [], file: '/x/edge.yaml', hubUrl: 'mqtt://h:1' });
    expect(configs.map(({ file }) => file)).toEqual(['/x/edge.dc-inbound.yaml', '/x/edge.dc-outbound.yaml']);
  });
});
