import { describe, expect, it } from 'vitest';
import { checkRules, formatRule } from './check.ts';
import type { Problem, Rule } from './rule.ts';

const target = { device: 'cooler-*', quantity: 'temperatureCelsius' };
const limit = { id: 'warm', kind: 'limit', target, high: 8 };
const fence = { id: 'yard', kind: 'geofence', alertWhen: 'outside' };
const square = [
  [52, 13],
  [52, 14],
  [53, 14],
  [53, 13],
];

/** `path: code` of each problem of one rule. */
function problemsOf(rule: unknown): string[] {
  return checkRules([rule]).problems.map(({ path, code }) => `${path.slice(1).join('.')}: ${code}`);
}

function ruleOf(written: unknown): Rule {
  const { rules, problems } = checkRules([written]);
  expect(problems).toEqual([]);
  return rules[0] as Rule;
}

describe('what people write', () => {
  it.each<[string, object, object]>([
    ['Fahrenheit', { ...limit, high: '46.4 °F', hysteresis: '1.8 °F' }, { high: 8, hysteresis: 1 }],
    ['kelvin', { ...limit, high: '281.15 K' }, { high: 8 }],
    ['a bare number', limit, { high: 8, hysteresis: 0, dwellMs: 0, severity: 'warning' }],
    ['a duration', { ...limit, dwell: '1.5min' }, { dwellMs: 90_000 }],
    ['milliseconds by name', { ...limit, dwellMs: 500 }, { dwellMs: 500 }],
    [
      'a slope by the hour',
      { id: 'r', kind: 'rate', target, max: '60 °C/h', window: '10min' },
      { maxPerMinute: 1, windowMs: 600_000, hysteresis: 0 },
    ],
    [
      'metres per second squared',
      { id: 's', kind: 'shock', device: 'crate', peak: '98.0665 m/s²' },
      { peakG: 10, minDurationMs: 0, clearAfterMs: 10_000 },
    ],
    [
      'kilometres an hour',
      { id: 'd', kind: 'door', device: 'rear', whileMovingAbove: '18 km/h' },
      { whileMovingAboveMetersPerSecond: 5 },
    ],
    [
      'the quantity that a kind can watch alone',
      { id: 'm', kind: 'mean-kinetic-temperature', target: { device: 'x' }, max: 25, window: '30d' },
      { target: { device: 'x', quantity: 'temperatureCelsius' }, activationEnergyKilojoulesPerMole: 83.144 },
    ],
    [
      'a polygon that is closed with its first corner',
      { ...fence, shape: { kind: 'polygon', points: [...square, square[0]] } },
      { shape: { kind: 'polygon', points: square }, hysteresisMeters: 50 },
    ],
    [
      'a polygon across the antimeridian',
      {
        ...fence,
        shape: {
          kind: 'polygon',
          points: [
            [-17, 179],
            [-17, -179],
            [-18, 180],
          ],
        },
      },
      { alertWhen: 'outside' },
    ],
    ['zero degrees as a limit', { ...limit, high: 0, hysteresis: 0.5 }, { high: 0 }],
  ])('%s', (_, written, expected) => {
    expect(ruleOf(written)).toMatchObject(expected);
  });

  it('is written back as it was meant', () => {
    const written = [
      { ...limit, low: '2 °C', dwell: '30s', severity: 'critical' },
      { id: 'r', kind: 'rate', target, max: 1, window: '90s', hysteresis: 0.25 },
      { id: 'n', kind: 'missing', target, after: '1500ms' },
      { id: 's', kind: 'shock', device: '*', peak: 2, minDuration: '5ms', clearAfter: '1min' },
      { id: 'd', kind: 'door', device: 'rear', openLongerThan: '10min', whileMovingAbove: '5 m/s' },
      { ...fence, shape: { kind: 'circle', latitude: 52.5, longitude: -13.4, radius: '2 km' }, dwell: '1min' },
      { id: 'yard-2', kind: 'geofence', shape: { kind: 'polygon', points: square }, alertWhen: 'inside' },
      { id: 'e', kind: 'excursion-time', target, high: 8, maxTotal: '30min', per: '1d' },
      { id: 'm', kind: 'mean-kinetic-temperature', target, max: 25, window: '30d' },
    ];
    const { rules, problems } = checkRules(written);
    expect(problems).toEqual([]);
    expect(checkRules(rules.map(formatRule))).toEqual({ rules, problems: [] });
    expect(checkRules(rules)).toEqual({ rules, problems: [] });
    expect(formatRule(rules[0] as Rule)).toEqual({
      ...{ id: 'warm', kind: 'limit', target, low: '2 °C', high: '8 °C', hysteresis: '0 °C', dwell: '30s' },
      severity: 'critical',
    });
  });
});

describe('is refused', () => {
  const circle = { kind: 'circle', latitude: 52, longitude: 13, radius: '100 m' };
  const polygon = (points: unknown) => ({ ...fence, shape: { kind: 'polygon', points } });
  const sum = { id: 'e', kind: 'excursion-time', target, high: 8 };
  it.each<[string, unknown, string]>([
    ['what is no map', 5, ': rule-shape'],
    ['an id in capitals', { ...limit, id: 'Too Warm' }, 'id: rule-id'],
    ['a kind that does not exist', { ...limit, kind: 'limits' }, 'kind: rule-kind'],
    ['a severity that does not exist', { ...limit, severity: 'fatal' }, 'severity: rule-choice'],
    ['an unknown key', { ...limit, hi: 9 }, 'hi: rule-key'],
    ['an unknown key of the target', { ...limit, target: { ...target, devices: 'x' } }, 'target.devices: rule-key'],
    ['a duration twice', { ...limit, dwell: '5s', dwellMs: 5000 }, 'dwellMs: rule-twice'],
    ['no target', { ...limit, target: undefined }, 'target: rule-missing'],
    ['no device', { ...limit, target: { quantity: 'peakG' } }, 'target.device: rule-missing'],
    ['no window', { id: 'r', kind: 'rate', target, max: 1 }, ': rule-missing'],
    [
      'a pattern with a question mark',
      { ...limit, target: { ...target, device: 'cooler-?' } },
      'target.device: rule-device',
    ],
    ['a pattern with two stars', { ...limit, target: { ...target, device: '**' } }, 'target.device: rule-device'],
    [
      'a quantity that nothing gives',
      { ...limit, target: { ...target, quantity: 'celsius' } },
      'target.quantity: rule-quantity',
    ],
    [
      'a mean kinetic humidity',
      { id: 'm', kind: 'mean-kinetic-temperature', target: { ...target, quantity: 'rmsG' }, max: 25, window: '1d' },
      'target.quantity: rule-quantity',
    ],
    ['a text', { ...limit, high: 'warm' }, 'high: rule-number'],
    ['a unit of something else', { ...limit, high: '8 g' }, 'high: rule-unit'],
    ['a duration without its unit', { ...limit, dwell: 30 }, 'dwell: rule-unit'],
    ['a slope that is none', { id: 'r', kind: 'rate', target, max: '2 °C', window: '1min' }, 'max: rule-unit'],
    ['a hysteresis below zero', { ...limit, hysteresis: -1 }, 'hysteresis: rule-range'],
    ['a window of years', { id: 'n', kind: 'missing', target, after: '400d' }, 'after: rule-range'],
    ['no limit at all', { ...limit, high: undefined }, ': rule-no-limit'],
    ['a door without limit', { id: 'd', kind: 'door', device: 'rear' }, ': rule-no-limit'],
    ['limits that are exchanged', { ...limit, low: 9 }, 'low: rule-limits'],
    ['limits closer than the hysteresis', { ...limit, low: 7, hysteresis: 1 }, 'hysteresis: rule-hysteresis'],
    ['a limit below its hysteresis', { ...limit, high: 2, hysteresis: 5 }, 'hysteresis: rule-hysteresis'],
    [
      'a humidity that can never be inside again',
      {
        ...limit,
        target: { device: 'x', quantity: 'relativeHumidityPercent' },
        high: undefined,
        low: 95,
        hysteresis: 10,
      },
      'hysteresis: rule-hysteresis',
    ],
    [
      'a slope below its hysteresis',
      { id: 'r', kind: 'rate', target, max: 1, window: '1min', hysteresis: 1 },
      'hysteresis: rule-hysteresis',
    ],
    ['more time than the window has', { ...sum, maxTotal: '2h', per: '1h' }, 'maxTotal: rule-window'],
    ['as much time as the window has', { ...sum, maxTotal: '1h', per: '1h' }, 'maxTotal: rule-window'],
    ['no shape', fence, 'shape: rule-missing'],
    ['a shape that does not exist', { ...fence, shape: { kind: 'square' } }, 'shape.kind: rule-choice'],
    ['no side', { ...fence, alertWhen: undefined, shape: circle }, 'alertWhen: rule-missing'],
    ['a latitude beyond the pole', { ...fence, shape: { ...circle, latitude: 91 } }, 'shape: rule-position'],
    ['a radius of nothing', { ...fence, shape: { ...circle, radius: 0 } }, 'shape.radius: rule-range'],
    ['a radius in seconds', { ...fence, shape: { ...circle, radius: '5 s' } }, 'shape.radius: rule-unit'],
    [
      'a circle smaller than its hysteresis',
      { ...fence, shape: circle, hysteresis: '100 m' },
      'hysteresis: rule-hysteresis',
    ],
    ['two corners', polygon(square.slice(0, 2)), 'shape.points: rule-polygon'],
    ['one corner three times', polygon([square[0], square[0], square[0]]), 'shape.points: rule-polygon'],
    ['corners in the wrong order', polygon([square[0], square[2], square[1], square[3]]), 'shape.points: rule-polygon'],
    [
      'a corner that touches an edge',
      polygon([
        [0, 0],
        [0, 4],
        [2, 4],
        [0, 2],
        [2, 0],
      ]),
      'shape.points: rule-polygon',
    ],
    [
      'an edge that runs back',
      polygon([
        [0, 0],
        [0, 4],
        [0, 2],
      ]),
      'shape.points: rule-polygon',
    ],
    [
      'half of the earth',
      polygon([
        [0, -100],
        [0, 10],
        [10, 100],
      ]),
      'shape.points: rule-polygon',
    ],
    [
      'longitude first',
      polygon([
        [130, 52],
        [131, 52],
        [131, 53],
      ]),
      'shape.points.0: rule-position',
    ],
  ])('%s', (_, rule, expected) => {
    expect(problemsOf(rule)).toContain(expected);
  });

  it('a list that is none, and one that is too long', () => {
    expect(checkRules({}, ['rules']).problems).toMatchObject([{ path: ['rules'], code: 'rule-list' }]);
    const many = Array.from({ length: 501 }, (_, n) => ({ ...limit, id: `r-${n}` }));
    expect(checkRules(many).problems).toMatchObject([{ path: [], code: 'rule-too-many' }]);
  });

  it('an id that was there before, with where and a proposal; the others stand', () => {
    const { rules, problems } = checkRules([limit, limit, { ...limit, id: 'b' }], ['rules']);
    expect(rules.map(({ id }) => id)).toEqual(['warm', 'b']);
    expect(problems).toEqual([
      {
        path: ['rules', 1, 'id'],
        code: 'rule-id-taken',
        message: "'warm' is the id of rule 1 already",
        proposal: "another id, for example 'warm-2'",
      },
    ]);
  });

  it('with what would be right', () => {
    const { problems } = checkRules([
      { ...limit, high: '8 kg', target: { ...target, quantity: 'temperatureCelsius' } },
    ]);
    expect(problems[0]).toEqual({
      path: [0, 'high'],
      code: 'rule-unit',
      message: "\"8 kg\": the unit 'kg' does not fit 'high'",
      proposal: 'a number in °C, C, °F, F, K',
    } satisfies Problem);
    expect(checkRules([{ ...limit, kind: 'limt' }]).problems[0]?.proposal).toBe("did you mean 'limit'?");
  });

  it('anything, without throwing', () => {
    for (const each of [
      null,
      undefined,
      [],
      'x',
      Number.NaN,
      { kind: 'limit', target: [] },
      { kind: 'geofence', shape: [] },
    ]) {
      expect(checkRules([each]).rules).toEqual([]);
    }
    expect(checkRules([{ ...limit, target: { device: ['a'], quantity: { b: 1 } } }]).rules).toEqual([]);
  });
});
