/** Settings and the two documents: what is taken, what is refused and why, and that the published schemas and the parsers say the same. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rule } from '../rules/rule.ts';
import { settingsHash } from './canonical.ts';
import { checkSettings, formatSettings, NO_SETTINGS } from './check-settings.ts';
import { reasonOf } from './keys.ts';
import { type Inventory, misfits } from './misfits.ts';
import { DESIRED_CONFIG_BYTES, parseDesiredConfig, parseReportedConfig } from './parse-config.ts';
import type { ReportedConfig } from './reported-config.ts';
import type { Settings } from './settings.ts';

const warm: Rule = {
  id: 'cooler-warm',
  kind: 'limit',
  severity: 'critical',
  target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
  high: 8,
  hysteresis: 0.5,
  dwellMs: 30_000,
};
const full: Settings = {
  rules: [
    warm,
    {
      id: 'jolt',
      kind: 'shock',
      severity: 'warning',
      device: 'shock-1',
      peakG: 2,
      minDurationMs: 50,
      clearAfterMs: 5000,
    },
    { id: 'left-open', kind: 'door', severity: 'info', device: 'doors/rear', openLongerThanMs: 600_000 },
    {
      ...{
        id: 'yard',
        kind: 'geofence',
        severity: 'info',
        alertWhen: 'outside',
        dwellMs: 60_000,
        hysteresisMeters: 50,
      },
      shape: { kind: 'circle', latitude: 52.5, longitude: 13.4, radiusMeters: 500 },
    },
  ],
  readPoints: { 'dock-4': { scanWindowMs: 1500, tagDepartedAfterMs: 'adaptive', identities: ['sscc', 'plain'] } },
  rates: {
    'cooler-1': {
      changes: [{ quantity: 'temperatureCelsius', deadband: 0.2, maxIntervalMs: 60_000 }],
      options: { intervalMs: 5000 },
    },
  },
};
const desired = { schema: 1, gatewayId: 'van-7', version: 3, issuedAt: '2026-11-23T10:00:00Z', settings: full };
const buffer = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('settings', () => {
  it('as people write them', () => {
    const written = {
      rules: [{ ...warm, high: '46.4 °F', hysteresis: '0.5 °C', dwellMs: undefined, dwell: '30s' }],
      readPoints: { 'dock-4': { scanWindow: '1.5s', tagDepartedAfter: '1min' } },
      rates: { 'cooler-1': { changes: [{ quantity: 'temperatureCelsius', deadband: 0.2 }] } },
    };
    expect(checkSettings(JSON.parse(JSON.stringify(written)))).toEqual({
      problems: [],
      settings: {
        rules: [warm],
        readPoints: { 'dock-4': { scanWindowMs: 1500, tagDepartedAfterMs: 60_000 } },
        rates: { 'cooler-1': { changes: [{ quantity: 'temperatureCelsius', deadband: 0.2, maxIntervalMs: 60_000 }] } },
      },
    });
  });

  it('are written as they are read, and come back the same', () => {
    const written = formatSettings(full);
    expect(written).toMatchObject({
      readPoints: { 'dock-4': { scanWindow: '1500ms', tagDepartedAfter: 'adaptive' } },
      rates: { 'cooler-1': { changes: [{ maxInterval: '1min' }] } },
    });
    expect(checkSettings(written)).toEqual({ settings: full, problems: [] });
    expect(checkSettings({})).toEqual({ settings: NO_SETTINGS, problems: [] });
  });

  it.each<[string, unknown, [path: string, code: string, said: string]]>([
    ['no object', 'rules', ['', 'settings-type', 'rules, readPoints, rates']],
    ['a key that is misspelt', { readpoints: {} }, ['readpoints', 'settings-unknown-key', "'readPoints'"]],
    [
      'a window without unit',
      { readPoints: { d: { scanWindow: 3 } } },
      ['readPoints/d/scanWindow', 'settings-value', '3s'],
    ],
    [
      'a window below zero',
      { readPoints: { d: { scanWindowMs: -1 } } },
      ['readPoints/d/scanWindowMs', 'settings-value', '0 to'],
    ],
    [
      'a window twice',
      { readPoints: { d: { scanWindowMs: 1, scanWindow: '1s' } } },
      ['readPoints/d/scanWindowMs', 'settings-value', 'keep one'],
    ],
    [
      'adaptive and a time',
      { readPoints: { d: { tagDepartedAfter: 'adaptive', tagDepartedAfterMs: 5 } } },
      ['readPoints/d/tagDepartedAfterMs', 'settings-value', 'keep one'],
    ],
    [
      'a scheme nobody knows',
      { readPoints: { d: { identities: ['ssc'] } } },
      ['readPoints/d/identities/0', 'settings-value', "'sscc'"],
    ],
    [
      'a quantity nobody knows',
      { rates: { d: { changes: [{ quantity: 'temperatureCelcius' }] } } },
      ['rates/d/changes/0/quantity', 'settings-value', "'temperatureCelsius'"],
    ],
    [
      'a dead band below zero',
      { rates: { d: { changes: [{ quantity: 'peakG', deadband: -1 }] } } },
      ['rates/d/changes/0/deadband', 'settings-value', 'at least 0'],
    ],
    [
      'a quantity twice',
      { rates: { d: { changes: [{ quantity: 'peakG' }, { quantity: 'peakG' }] } } },
      ['rates/d/changes/1/quantity', 'settings-value', 'keep one'],
    ],
    ['options that are a list', { rates: { d: { options: [] } } }, ['rates/d/options', 'settings-type', 'an object']],
    ['changes that are none', { rates: { d: { changes: {} } } }, ['rates/d/changes', 'settings-type', 'a list']],
    [
      'more changes than there are quantities',
      { rates: { d: { changes: Array.from({ length: 65 }, () => ({ quantity: 'peakG' })) } } },
      ['rates/d/changes', 'settings-too-many', 'at most 64'],
    ],
  ])('refuse %s', (_what, input, [path, code, said]) => {
    const { settings, problems } = checkSettings(input);
    expect(settings).toBeUndefined();
    const problem = problems.find((each) => each.path.join('/') === path);
    expect(problem).toMatchObject({ code, proposal: expect.stringContaining(said) });
  });

  it('have a problem of a rule under the rule’s key', () => {
    const input = { rules: [warm, { ...warm, id: 'other', hysteresis: -1 }, { id: 7 }] };
    const keys = checkSettings(input).problems.map((problem) => reasonOf(problem, input).key);
    expect(new Set(keys)).toEqual(new Set(['rules/other', 'rules/2']));
  });

  it('have a hash that the order of properties does not change, and any value does', () => {
    const turned = JSON.parse(JSON.stringify(full), (_key, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as Settings;
    expect(settingsHash(turned)).toBe(settingsHash(full));
    expect(settingsHash({ ...full, rules: [] })).not.toBe(settingsHash(full));
    // printf '{"rates":{},"readPoints":{},"rules":[]}' | sha256sum
    expect(settingsHash(NO_SETTINGS)).toBe('4a021c3836a26f78');
  });
});

describe('the desired configuration', () => {
  it('is read', () => {
    expect(parseDesiredConfig(buffer(desired))).toEqual({ value: desired });
  });

  it.each<[string, Buffer, number, string, string]>([
    ['no JSON', Buffer.from('{'), 0, '', 'config-unreadable'],
    ['no object', buffer([]), 0, '', 'config-unreadable'],
    ['more than fits', Buffer.alloc(DESIRED_CONFIG_BYTES + 1), 0, '', 'config-too-large'],
    ['a version that is none', buffer({ ...desired, version: 0 }), 0, '', 'config-unreadable'],
    ['another schema', buffer({ ...desired, schema: 2 }), 3, '', 'config-unreadable'],
    ['a key that is not known', buffer({ ...desired, firmware: '1.2' }), 3, '', 'config-unreadable'],
    ['no gateway', buffer({ ...desired, gatewayId: 'a/b' }), 3, '', 'config-unreadable'],
    ['no time', buffer({ ...desired, issuedAt: 'today' }), 3, '', 'config-unreadable'],
    ['no settings', buffer({ ...desired, settings: undefined }), 3, '', 'settings-type'],
    ['settings for nobody', buffer({ ...desired, settings: { rates: { d: 1 } } }), 3, 'rates/d', 'settings-type'],
  ])('is refused: %s', (_what, payload, version, key, code) => {
    const { error } = parseDesiredConfig(payload);
    expect(error).toMatchObject({ version, reasons: [{ key, code, reason: expect.any(String) }] });
  });
});

const reported: ReportedConfig = {
  schema: 1,
  gatewayId: 'van-7',
  atMs: 1_790_000_000_000,
  inForce: { version: 2, hash: '0123456789abcdef' },
  last: {
    version: 3,
    state: 'rejected',
    reasons: [{ key: 'rules/jolt', code: 'config-unknown-device', reason: 'why' }],
  },
  devices: [{ id: 'cooler-1', quantities: ['temperatureCelsius'], zone: 'cold' }],
  readPoints: ['dock-4'],
};

it('the reported configuration is read; what a newer gateway says besides is passed over', () => {
  expect(parseReportedConfig(buffer(reported))).toEqual({ value: reported });
  expect(parseReportedConfig(buffer({ ...reported, mood: 'good' }))).toEqual({ value: reported });
  expect(parseReportedConfig(Buffer.alloc(0)).error?.message).toContain('no JSON');
});

describe('the published schemas', () => {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: false });
  ajv.addFormat('date-time', (text) => !Number.isNaN(Date.parse(text)));
  const schema = (name: string) =>
    ajv.compile(JSON.parse(readFileSync(new URL(`./${name}-config.schema.json`, import.meta.url), 'utf8')));
  const isDesired = schema('desired');
  const isReported = schema('reported');

  it('that of the status has room for labels, and for none that nobody could select by', () => {
    const file = new URL('../uplink/gateway-status.schema.json', import.meta.url);
    const isStatus = new Ajv2020({ strict: true }).compile(JSON.parse(readFileSync(file, 'utf8')));
    const withLabels = (labels: object) => isStatus({ version: 1, gatewayId: 'van-7', online: true, labels });
    expect(withLabels({ profile: 'cold-van', 'team/region': 'Österreich' })).toBe(true);
    expect([withLabels({ 'a b': 'x' }), withLabels({ a: '' }), withLabels({ a: 1 })]).toEqual([false, false, false]);
  });

  /** A document with one value replaced or taken away, anywhere in it. */
  const spoilt = (document: unknown) => {
    const places: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]) => {
      if (path.length > 0) places.push(path);
      if (typeof value !== 'object' || value === null) return;
      for (const [key, each] of Object.entries(value)) walk(each, [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(document, []);
    const values = fc.constantFrom<unknown>(undefined, null, -1, 1.5, '', 'x', true, [], {}, [[]]);
    return fc.tuple(fc.constantFrom(...places), values).map(([path, value]) => {
      const copy = JSON.parse(JSON.stringify(document)) as Record<string | number, unknown>;
      const parent = path.slice(0, -1).reduce((at, step) => at[step] as Record<string | number, unknown>, copy);
      const last = path.at(-1) as string | number;
      if (value === undefined) delete parent[last];
      else parent[last] = value;
      // An array with a hole is another document than one without the entry.
      return JSON.parse(JSON.stringify(copy)) as unknown;
    });
  };

  it('fit what hubs and gateways publish', () => {
    expect(isDesired(desired), JSON.stringify(isDesired.errors)).toBe(true);
    expect(isReported(reported), JSON.stringify(isReported.errors)).toBe(true);
  });

  it('refuse no desired configuration that a gateway would take', () => {
    fc.assert(
      fc.property(spoilt(desired), (document) => {
        const { value } = parseDesiredConfig(buffer(document));
        // What was read is in the form in which it is published.
        if (value) expect(isDesired(value), JSON.stringify([document, isDesired.errors])).toBe(true);
      }),
      { seed: 5, numRuns: 600 },
    );
  });

  it('take no reported configuration that a hub would refuse, and refuse none that it would take', () => {
    fc.assert(
      fc.property(spoilt(reported), (document) => {
        expect(parseReportedConfig(buffer(document)).error === undefined, JSON.stringify(document)).toBe(
          isReported(document),
        );
      }),
      { seed: 5, numRuns: 600 },
    );
  });
});

describe('what does not fit a gateway', () => {
  const inventory: Inventory = {
    devices: [
      { id: 'scanner', quantities: [] },
      { id: 'cooler-1', quantities: ['temperatureCelsius'], zone: 'cold' },
      { id: 'bus', quantities: [] },
      { id: 'bus/*', quantities: ['temperatureCelsius'] },
      { id: 'doors', quantities: [] },
      { id: 'doors/rear', quantities: ['open'] },
    ],
    readPoints: ['dock-4'],
  };
  const limitOn = (device: string, quantity = 'temperatureCelsius'): Settings => ({
    ...NO_SETTINGS,
    rules: [{ ...warm, target: { device, quantity } }],
  });
  const codes = (settings: Settings) => misfits(settings, inventory).map(({ key, code }) => `${key} ${code}`);

  it.each(['cooler-1', 'cooler-*', '*', 'zone:cold', 'bus/28-0316a2795aff', 'bus/*', 'bus*'])(
    '%s is there',
    (device) => {
      expect(codes(limitOn(device))).toEqual([]);
    },
  );

  it.each([
    ['cooler-2', 'config-unknown-device'],
    ['fridge-*', 'config-matches-nothing'],
    ['zone:warm', 'config-matches-nothing'],
    ['scanner', 'config-quantity-not-here'],
    ['doors/*', 'config-quantity-not-here'],
  ])('%s: %s', (device, code) => {
    expect(codes(limitOn(device))).toEqual([`rules/cooler-warm ${code}`]);
  });

  it('names every bad key, with what there is instead', () => {
    const reasons = misfits(full, inventory);
    expect(reasons.map(({ key, code }) => `${key} ${code}`)).toEqual([
      'rules/jolt config-unknown-device',
      'rules/yard config-quantity-not-here',
    ]);
    expect(reasons[0]?.reason).toContain("'shock-1'");
  });

  it('asks for the speed where a door must not be open while moving', () => {
    const door: Rule = {
      ...{ id: 'moving', kind: 'door', severity: 'critical', device: 'doors/rear' },
      whileMovingAboveMetersPerSecond: 2,
    };
    expect(codes({ ...NO_SETTINGS, rules: [door] })).toEqual(['rules/moving config-quantity-not-here']);
  });

  it('read points, devices and quantities of rates', () => {
    const rates = {
      scanner: { changes: [{ quantity: 'temperatureCelsius', deadband: 0, maxIntervalMs: 1 }] },
      bus: { changes: [{ quantity: 'temperatureCelsius', deadband: 0, maxIntervalMs: 1 }] },
      'doors/rear': {},
    };
    expect(codes({ rules: [], readPoints: { dock: {} }, rates })).toEqual([
      'readPoints/dock config-unknown-read-point',
      'rates/scanner config-quantity-not-here',
      'rates/doors/rear config-unknown-device',
    ]);
  });
});
