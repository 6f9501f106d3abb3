import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../protocols/config/checked-yaml.ts';
import { checkEdgeConfig } from './config.ts';
import { motionOptions } from './motion-config.ts';

const SAMPLE = readFileSync(join(import.meta.dirname, 'config.sample.yaml'), 'utf8');

async function problemsOf(text: string): Promise<string[]> {
  const result = await checkEdgeConfig(text, 'edge.yaml');
  return result.ok ? [] : result.problems.map(formatProblem);
}

/** The sample with one text replaced by another, which must be there exactly once. */
function sampleWith(from: string, to: string): string {
  expect(SAMPLE.split(from)).toHaveLength(2);
  return SAMPLE.replace(from, () => to);
}

const uncommented = (lines: string) => lines.replace(/^# /gm, '');
const withMotion = () => SAMPLE.replace(/^# geofences:\n(# .*\n)+/m, uncommented);

/** `edge.yaml:LINE:COLUMN: ` of a text in a configuration. */
function at(text: string, where: string): string {
  const before = text.slice(0, text.indexOf(where)).split('\n');
  return `edge.yaml:${before.length}:${(before.at(-1) ?? '').length + 1}: `;
}

describe('the sample configuration', () => {
  it('is good, and every section has its defaults', async () => {
    const result = await checkEdgeConfig(SAMPLE, 'edge.yaml');
    if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
    const { gateway, outbox, uplink, devices, rules, readPoints } = result.config;
    expect(gateway).toMatchObject({ id: 'sort-hub-1-dock-4', facility: 'sort-hub-1', stateDir: '/var/lib/milepost' });
    expect(outbox).toMatchObject({ maxSize: 1024 ** 3, segmentSize: 4 * 1024 ** 2 });
    expect(uplink).toMatchObject({ batchRecords: 2000, batchSize: 262_144, deflate: true });
    expect(devices.map(({ id, driver, implementation }) => [id, driver, implementation.kind])).toEqual([
      ['dock-4-scanner', 'serial-barcode', 'serial-barcode'],
      ['dock-4-portal', 'llrp', 'llrp'],
      ['cold-room-bus', 'modbus-rtu', 'modbus-rtu'],
    ]);
    expect(readPoints[0]).toMatchObject({ businessStep: 'receiving', scanWindow: 3000, tagDepartedAfter: 5000 });
    expect(rules[0]).toMatchObject({ kind: 'limit', low: 2, high: 8, dwellMs: 30_000, severity: 'critical' });
  });

  it('is good too with what it comments out, and what it calls a default is one', async () => {
    const full = SAMPLE.replace('  # antennas: {', '    antennas: {')
      .replace(/^ {4}( {2}antennas)/m, '  $1')
      .replace(/^# uplink:\n(# {3}\w.*\n)+/m, uncommented)
      .replace(/^# fleet:\n(# {3}\w.*\n)+/m, uncommented)
      .replace(/^( {2})# (caFile|certFile|keyFile|keepalive|segmentSize|commitDelay)/gm, '$1$2');
    expect(full).toContain('\n  trialTime: 120s');
    expect(full).toContain('\n  acknowledgeTimeout: 5s');
    expect(full).toContain('\n  keepalive: 30s');
    expect(full).toContain('\n    antennas: {');
    const [told, silent] = await Promise.all([
      checkEdgeConfig(full, 'edge.yaml'),
      checkEdgeConfig(SAMPLE, 'edge.yaml'),
    ]);
    if (!told.ok || !silent.ok) throw new Error((await problemsOf(full)).join('\n'));
    expect(told.config.outbox).toEqual(silent.config.outbox);
    expect(told.config.uplink).toEqual(silent.config.uplink);
    expect(told.config.fleet).toEqual(silent.config.fleet);
    expect(told.config.hub.keepalive).toBe(silent.config.hub.keepalive);
  });
});

describe('a vehicle', () => {
  it('has departures and arrivals where there are geofences, with the defaults that the sample tells', async () => {
    const full = withMotion().replace('  facility: sort-hub-1', '  vehicle: v');
    const [told, silent] = await Promise.all([
      checkEdgeConfig(full, 'edge.yaml'),
      checkEdgeConfig("gateway: { id: v, vehicle: v }\nhub: { url: 'mqtt://h' }\n", 'edge.yaml'),
    ]);
    if (!told.ok || !silent.ok) throw new Error((await problemsOf(full)).join('\n'));
    expect(told.config.motion).toEqual(silent.config.motion);
    expect(motionOptions(silent.config.motion, silent.config.geofences)).toBeUndefined();
    expect(motionOptions(told.config.motion, told.config.geofences)).toMatchObject({
      departAfterMs: 20_000,
      stopAfterMs: 180_000,
      geofences: [
        { id: 'sort-hub-1', radiusMeters: 150 },
        { polygon: [{ latitude: 52.56, longitude: 13.44 }, {}, {}] },
      ],
    });
  });
});

describe('a configuration is refused with line, column and a way out:', () => {
  it.each([
    [
      'an unknown key',
      'stateDir: /var',
      'stateDri: /var',
      "gateway.stateDri: unknown key 'stateDri': did you mean 'stateDir'?",
    ],
    [
      'a label that every gateway has anyway',
      'region: north',
      'facility: north',
      "gateway.labels.facility: the label 'facility' is set by what the gateway is: choose another name",
    ],
    [
      'an unknown key of a device',
      'readPoint: dock-4-in\n',
      'readpoint: dock-4-in\n',
      "devices[0].readpoint: unknown key 'readpoint': did you mean 'readPoint'?",
    ],
    [
      'an unknown option of a driver',
      'host: 192',
      'hots: 192',
      "devices[1].options.hots: unknown key 'hots': did you mean 'host'?",
    ],
    [
      'an unknown driver',
      'serial-barcode\n',
      'serial-barcod\n',
      "devices[0].driver: there is no driver 'serial-barcod': did you mean 'serial-barcode'?",
    ],
    [
      'an unknown read point',
      'dock-4-portal-in\n    # antennas',
      'dock-4-portal-out\n    # antennas',
      "devices[1].readPoint: there is no read point 'dock-4-portal-out': did you mean 'dock-4-portal-in'?",
    ],
    [
      'an unknown device of a threshold',
      'cold-room-bus/cold-room',
      'cold-rom-bus/cold-room',
      "thresholds[0].device: there is no device 'cold-rom-bus': did you mean 'cold-room-bus'?",
    ],
    [
      'a device id that was given before',
      'dock-4-portal\n    driver',
      'dock-4-scanner\n    driver',
      "devices[1].id: 'dock-4-scanner' is already the id of devices[0]",
    ],
    [
      'a read point id that was given before',
      'dock-4-portal-in\n    businessStep',
      'dock-4-in\n    businessStep',
      "readPoints[1].id: 'dock-4-in' is already the id of readPoints[0]",
    ],
    ['a number without its unit', 'maxSize: 1GiB', 'maxSize: 5', 'outbox.maxSize: a size with its unit is expected'],
    ['a URL of another kind', 'mqtt://hub', 'http://hub', "hub.url: a URL such as 'mqtt://hub.example:1883'"],
    [
      'a business step that does not exist',
      'receiving\n    # The',
      'recieving\n    # The',
      "did you mean 'receiving'?",
    ],
    ['an alarm that could never end', 'hysteresis: 0.5', 'hysteresis: 6.5', "'high' must be above 'low' by more than"],
    ['a wait that is too long', '# commitDelay:', 'commitDelay: 50ms #', 'outbox.commitDelay: at most 20ms'],
  ])('%s', async (_, from, to, expected) => {
    const text = sampleWith(from, to);
    const problems = await problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    const line = SAMPLE.slice(0, SAMPLE.indexOf(from)).split('\n').length;
    const about = problems.filter((problem) => problem.includes(expected));
    expect(about).toHaveLength(1);
    // A threshold as a whole is pointed at where it begins.
    if (!expected.startsWith("'high'")) expect(about[0]).toMatch(new RegExp(`^edge\\.yaml:${line}:\\d+: `));
  });

  it('a gateway that stands nowhere, or in two places', async () => {
    const expected =
      "gateway: a gateway stands in a facility or in a vehicle: exactly one of 'facility' and 'vehicle' is needed";
    const nowhere = sampleWith('  facility: sort-hub-1\n', '');
    const both = sampleWith('# vehicle: van-17', 'vehicle: van-17');
    expect(await problemsOf(nowhere)).toEqual([`${at(nowhere, 'id: sort')}${expected}`]);
    expect(await problemsOf(both)).toEqual([`${at(both, 'id: sort')}${expected}`]);
  });

  it.each([
    ['neither circle nor polygon', 'geofences: [{ id: a, latitude: 52, longitude: 13 }]', 'a geofence is a circle'],
    [
      'a fence twice',
      `geofences: [${'{ id: a, latitude: 52, longitude: 13, radiusMeters: 50 },'.repeat(2)}]`,
      'already',
    ],
    ['speeds that cross', 'motion: { standingBelowMetersPerSecond: 5 }', 'must not be above'],
    ['a tag’s silence', 'readPoints: [{ id: a, businessStep: loading, tagDepartedAfter: soon }]', "nor 'adaptive'"],
    ['an identity', 'readPoints: [{ id: a, businessStep: loading, identities: [sssc] }]', "did you mean 'sscc'?"],
  ])('%s', async (_, section, expected) => {
    const text = `gateway: { id: v, vehicle: v }\nhub: { url: 'mqtt://h' }\n${section}\n`;
    expect(await problemsOf(text)).toEqual([expect.stringContaining(expected)]);
  });

  it('geofences of a gateway that stands still', async () => {
    expect(await problemsOf(withMotion())).toContainEqual(expect.stringContaining('gateway.vehicle is needed'));
  });

  it('a reader of packages without a read point', async () => {
    const text = sampleWith('    readPoint: dock-4-in\n', '');
    expect(await problemsOf(text)).toEqual([
      `${at(text, 'id: dock-4-scanner')}devices[0]: a device that reads packages needs a 'readPoint': it says what a scan there means`,
    ]);
  });

  it('several at once', async () => {
    const text = sampleWith('host: 192', 'hots: 192').replace('driver: modbus-rtu', 'driver: modbus');
    expect((await problemsOf(text)).map((problem) => problem.split(' ')[1])).toEqual(
      expect.arrayContaining(['devices[1].options.hots:', 'devices[2].driver:']),
    );
  });
});
