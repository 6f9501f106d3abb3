import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { NO_SETTINGS } from '../../protocols/fleet/check-settings.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { checkEdgeConfig, type EdgeConfig } from '../config.ts';
import { DRIVERS } from '../drivers/index.ts';
import { overlay } from './overlay.ts';
import { ChannelBook, inventoryOf } from './sensors.ts';

const FILE = `
gateway: { id: van-7, vehicle: van-7, labels: { profile: cold-van } }
hub: { url: mqtt://127.0.0.1:1 }
readPoints:
  - { id: dock, businessStep: receiving, scanWindow: 3s, zone: gate }
  - { id: belt, businessStep: receiving }
devices:
  - { id: scanner, driver: serial-barcode, readPoint: dock, options: { path: /dev/a } }
  - id: cold
    driver: modbus-rtu
    changes: [{ quantity: temperatureCelsius, deadband: 0.1 }, { quantity: relativeHumidityPercent, deadband: 1 }]
    options: { path: /dev/b, intervalMs: 10000, units: [{ unitId: 1, map: sht20 }, { unitId: 2, map: sht20, channel: rear }] }
  - { id: bus, driver: one-wire }
  - { id: gps, driver: nmea, options: { path: /dev/c } }
thresholds:
  - { id: too-warm, device: cold, quantity: temperatureCelsius, high: 8 }
`;

async function file(text = FILE): Promise<EdgeConfig> {
  const checked = await checkEdgeConfig(text, 'edge.yaml');
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return checked.config;
}

const settings = (more: Partial<Settings>): Settings => ({ ...NO_SETTINGS, ...more });
const limit = (id: string, device: string): Settings['rules'][number] => ({
  ...{ id, kind: 'limit', severity: 'warning', high: 8, hysteresis: 0, dwellMs: 0 },
  target: { device, quantity: 'temperatureCelsius' },
});

it('without settings the file is in force', async () => {
  const config = await file();
  expect(overlay(config, NO_SETTINGS)).toEqual({ config, reasons: [] });
});

it('lays windows, dead bands and driver options over the file, and leaves the rest', async () => {
  const config = await file();
  const { config: laid, reasons } = overlay(
    config,
    settings({
      rules: [limit('fleet-warm', 'cold*'), limit('bus-warm', 'bus/28-0316a2795aff'), limit('all', '*')],
      readPoints: { dock: { scanWindowMs: 500, tagDepartedAfterMs: 'adaptive', identities: ['sscc'] } },
      rates: {
        cold: {
          changes: [{ quantity: 'temperatureCelsius', deadband: 0.5, maxIntervalMs: 5000 }],
          options: { intervalMs: 500 },
        },
      },
    }),
  );
  expect(reasons).toEqual([]);
  expect(laid.readPoints).toMatchObject([
    { id: 'dock', scanWindow: 500, tagDepartedAfter: 'adaptive', identities: ['sscc'], zone: 'gate' },
    { id: 'belt', scanWindow: 3000, tagDepartedAfter: 5000 },
  ]);
  const cold = laid.devices.find(({ id }) => id === 'cold');
  expect(cold?.options).toMatchObject({ path: '/dev/b', intervalMs: 500, timeoutMs: 1000 });
  expect(cold?.changes).toEqual([
    { quantity: 'relativeHumidityPercent', deadband: 1, maxInterval: 60_000 },
    { quantity: 'temperatureCelsius', deadband: 0.5, maxInterval: 5000 },
  ]);
  expect(laid.devices.filter(({ id }) => id !== 'cold')).toEqual(config.devices.filter(({ id }) => id !== 'cold'));
  // Nothing of it stays when the next version says nothing of it.
  expect(overlay(config, NO_SETTINGS).config.devices).toEqual(config.devices);
});

describe('refuses', () => {
  it.each<[string, Partial<Settings>, string[]]>([
    ['a rule of the file’s id', { rules: [limit('too-warm', 'cold')] }, ['rules/too-warm config-rule-id-taken']],
    ['a device that is not there', { rules: [limit('a', 'cooler')] }, ['rules/a config-unknown-device']],
    ['a pattern that fits nothing', { rules: [limit('a', 'freezer-*')] }, ['rules/a config-matches-nothing']],
    ['a device without that value', { rules: [limit('a', 'gps')] }, ['rules/a config-quantity-not-here']],
    ['a read point that is not there', { readPoints: { gate: {} } }, ['readPoints/gate config-unknown-read-point']],
    ['options of a device that is not there', { rates: { cooler: {} } }, ['rates/cooler config-unknown-device']],
    [
      'every option that its driver refuses',
      { rates: { cold: { options: { intervalMs: 1, interval: '5s' } } } },
      ['rates/cold config-option-refused', 'rates/cold config-option-refused'],
    ],
    [
      'all of that at once',
      { rules: [limit('a', 'gps')], readPoints: { gate: {} }, rates: { cooler: {} } },
      [
        'readPoints/gate config-unknown-read-point',
        'rates/cooler config-unknown-device',
        'rules/a config-quantity-not-here',
      ],
    ],
  ])('%s', async (_what, more, expected) => {
    const { reasons } = overlay(await file(), settings(more));
    expect(reasons.map(({ key, code }) => `${key} ${code}`)).toEqual(expected);
  });

  it('with reasons that help', async () => {
    const { reasons } = overlay(await file(), settings({ rates: { cold: { options: { intervalMs: 1 } }, coldd: {} } }));
    expect(reasons.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/modbus-rtu refuses its options: intervalMs: .*50/),
      expect.stringContaining("did you mean 'cold'?"),
    ]);
  });
});

describe('what can be named', () => {
  it('devices with what they give, sensors by channel, and what a bus has shown', async () => {
    const channels = new ChannelBook();
    channels.note('bus', '28-0316a2795aff');
    channels.note('cold', 'rear');
    const inventory = inventoryOf(await file(), channels.seen);
    const temperature = ['temperatureCelsius'];
    const climate = ['temperatureCelsius', 'relativeHumidityPercent'];
    expect(inventory.readPoints).toEqual(['dock', 'belt']);
    expect(inventory.devices).toEqual([
      { id: 'scanner', quantities: [], zone: 'gate' },
      { id: 'cold', quantities: climate },
      { id: 'cold/rear', quantities: climate },
      { id: 'bus', quantities: [] },
      { id: 'bus/*', quantities: temperature },
      { id: 'bus/28-0316a2795aff', quantities: temperature },
      { id: 'gps', quantities: expect.arrayContaining(['latitude', 'longitude', 'speedMetersPerSecond']) },
    ]);
  });

  const SENSORS: Record<string, string[]> = {
    'modbus-rtu': ['cold-room: temperature humidity', 'freezer: temperature', 'freezer-door: contact'],
    'modbus-tcp': ['temperature humidity'],
    'one-wire': ['freezer: temperature', 'door-side: temperature'],
    'temper-hid': ['temperature humidity', 'outer: temperature humidity'],
    'gpio-contact': ['dock-4: contact', 'dock-5: contact'],
    llrp: ['dock-4-gate: contact'],
    witmotion: ['shock vibration'],
    elm327: ['vehicle'],
    nmea: ['position'],
    gpsd: ['position'],
  };

  it.each(Object.entries(DRIVERS))('of the sample of %s', async (kind, load) => {
    const driver = await load();
    const text = await readFile(new URL(`../drivers/${kind}/sample.yaml`, import.meta.url), 'utf8');
    const [sample] = parse(text) as { options: unknown }[];
    const sensors = driver.sensors?.(driver.options.parse(sample?.options)) ?? [];
    const told = sensors.map(
      ({ channel, kinds }) => `${channel === undefined ? '' : `${channel}: `}${kinds.join(' ')}`,
    );
    expect(told).toEqual(SENSORS[kind] ?? []);
  });
});
