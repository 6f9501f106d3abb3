import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenarioFolder } from './cli.ts';
import { loadScenario, parseScenario } from './scenario.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-scenario-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function problemsOf(yaml: string): Promise<string> {
  const file = join(folder, 'test.yaml');
  await writeFile(file, yaml);
  const error: unknown = await loadScenario(file).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'SimulatorError', code: 'sim-scenario-invalid' });
  return error instanceof Error ? error.message.replaceAll(file, 'FILE') : '';
}

const GPS = '  - { id: gps, kind: nmea-gps }';

describe('scenario files', () => {
  it('dock-to-door has a facility and a van, and a flow over four read points', async () => {
    const scenario = await loadScenario(join(scenarioFolder(), 'dock-to-door.yaml'));
    const gateways = new Set(scenario.devices.map(({ gateway }) => gateway));
    expect(gateways).toEqual(new Set(['sort-hub-1', 'van-7']));
    expect(new Set(scenario.devices.map(({ kind }) => kind)).size).toBe(5);
    expect(scenario.flow?.steps.map(({ device }) => device)).toEqual([
      'induction-scanner',
      'dock-portal',
      'van-loader',
      'van-handheld',
    ]);
  });

  it('fills in what is not said', () => {
    const { devices } = parseScenario({ name: 'one', devices: [{ id: 'w', kind: 'witmotion' }] });
    expect(devices[0]).toMatchObject({ options: { rateHz: 200, baudRate: 115200 } });
  });

  it.each([
    [
      'an unknown key',
      `name: x\ndevices:\n  - { id: gps, kind: nmea-gps, optoins: {} }`,
      `FILE:3:32: devices[0].optoins: unknown key 'optoins': did you mean 'options'?`,
    ],
    [
      'an option out of range',
      `name: x\ndevices:\n  - id: w\n    kind: witmotion\n    options:\n      rateHz: 5000`,
      'FILE:6:15: devices[0].options.rateHz: ',
    ],
    [
      'an unknown kind',
      `name: x\ndevices:\n  - { id: a, kind: barometer }`,
      'FILE:3:20: devices[0].kind: there is no device kind',
    ],
    ['an id twice', `name: x\ndevices:\n${GPS}\n${GPS}`, "FILE:4:11: devices[1].id: 'gps' twice"],
    [
      'a vehicle that is not there',
      `name: x\ndevices:\n  - { id: gps, kind: nmea-gps, vehicle: van }`,
      "devices[0].vehicle: there is no vehicle 'van'",
    ],
    [
      'a step at a sensor',
      `name: x\ndevices:\n${GPS}\nflow:\n  companyPrefix: "4012345"\n  steps:\n    - { device: gps }`,
      "FILE:7:17: flow.steps[0].device: 'gps' (nmea-gps) reads no packages",
    ],
    [
      'a script for nobody',
      `name: x\ndevices:\n${GPS}\nscript:\n  - { atS: 1, device: nobody, command: void }`,
      "FILE:5:23: script[0].device: there is no device 'nobody'",
    ],
    [
      'a company prefix with letters',
      `name: x\ndevices:\n${GPS}\nflow:\n  companyPrefix: abc\n  steps: [{ device: gps }]`,
      'flow.companyPrefix: six to twelve digits',
    ],
    [
      'a route that does not begin with a stop',
      `name: x\nvehicles:\n  - { id: v, route: [{ latitude: 1, longitude: 2 }] }\ndevices:\n${GPS}`,
      'the first waypoint must be a stop',
    ],
  ])('rejects %s', async (_what, yaml, expected) => {
    expect(await problemsOf(yaml)).toContain(expected);
  });

  it('rejects a stop that the vehicle does not have', async () => {
    const yaml = [
      'name: x',
      'vehicles:',
      '  - { id: v, route: [{ stop: hub, stopS: 5, latitude: 1, longitude: 2 }] }',
      'devices:',
      '  - { id: s, kind: serial-barcode }',
      'flow:',
      '  companyPrefix: "4012345"',
      '  steps: [{ device: s, vehicle: v, at: [moon] }]',
    ];
    expect(await problemsOf(yaml.join('\n'))).toContain("vehicle 'v' has no stop 'moon'");
  });

  it('says where YAML is broken', async () => {
    expect(await problemsOf('name: x\ndevices: [')).toMatch(/^FILE:2:\d+: not valid YAML/);
  });
});
