import { expect, it } from 'vitest';
import { formatProblem } from '../../protocols/config/checked-yaml.ts';
import { checkEdgeConfig } from '../config.ts';

const BASE = `gateway: { id: van-17, vehicle: van-17 }
hub: { url: 'mqtt://hub.example:1883' }
readPoints: [{ id: hold, businessStep: storing, zone: cold-store }]
devices:
  - { id: cooler-1, driver: modbus-rtu, readPoint: hold, options: { path: /dev/ttyUSB0, units: [{ unitId: 1, map: xy-md02, channel: a }] } }
thresholds:
  - { id: Old.Threshold, device: cooler-1/a, quantity: temperatureCelsius, high: 8, dwell: 30s }
`;

async function problemsOf(rules: string): Promise<string[]> {
  const result = await checkEdgeConfig(`${BASE}${rules}`, 'edge.yaml');
  return result.ok ? [] : result.problems.map(formatProblem);
}

it('thresholds are limits, beside rules of any kind', async () => {
  const more = `rules:
  - { id: cold, kind: limit, target: { device: 'zone:cold-*', quantity: temperatureCelsius }, low: 35.6 °F }
  - { id: away, kind: geofence, shape: { kind: circle, latitude: 52, longitude: 13, radius: 1 km }, alertWhen: outside }
`;
  const result = await checkEdgeConfig(BASE + more, 'edge.yaml');
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  expect(result.config.rules).toMatchObject([
    { id: 'Old.Threshold', kind: 'limit', target: { device: 'cooler-1/a' }, high: 8, hysteresis: 0, dwellMs: 30_000 },
    { id: 'cold', low: 2, severity: 'warning' },
    { id: 'away', shape: { radiusMeters: 1000 } },
  ]);
});

it.each([
  [
    'a unit that does not fit, with its line and what fits',
    "  - { id: a, kind: limit, target: { device: 'cooler-*', quantity: temperatureCelsius }, high: 8 g }",
    /^edge\.yaml:9:\d+: rules\[0\]\.high: "8 g": the unit 'g' does not fit 'high'; a number in °C, C, °F, F, K$/,
  ],
  [
    'a device that is not there',
    '  - { id: a, kind: shock, device: coler-1, peak: 2 g }',
    /rules\[0\]\.device: there is no device 'coler-1': did you mean 'cooler-1'\?$/,
  ],
  [
    'a pattern that fits nothing',
    "  - { id: a, kind: shock, device: 'crate-*', peak: 2 g }",
    /rules\[0\]\.device: no device fits 'crate-\*': /,
  ],
  [
    'a zone that does not exist',
    "  - { id: a, kind: shock, device: 'zone:cold-stor', peak: 2 g }",
    /rules\[0\]\.device: no device stands in such a zone: did you mean 'cold-store'\?$/,
  ],
  ['no list', '  id: a', /rules: rules are a list$/],
])('refused: %s', async (_, rule, expected) => {
  const problems = await problemsOf(`rules:\n${rule}\n`);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(expected);
});

it('refused: the id of a threshold, and a quantity that nothing gives', async () => {
  const taken = BASE.replace('Old.Threshold', 'old').replace('quantity: temperatureCelsius', 'quantity: celsius');
  const rule = "rules: [{ id: old, kind: limit, target: { device: '*', quantity: peakG }, high: 2 }]\n";
  const result = await checkEdgeConfig(taken + rule, 'edge.yaml');
  expect(result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    expect.stringMatching(
      /^thresholds\[0\]\.quantity: "celsius" is no quantity that such a rule can watch; possible here: temp/,
    ),
    "rules[0].id: 'old' is already the id of thresholds[0]",
  ]);
});
