import { describe, expect, it } from 'vitest';
import type { TelemetryPayload } from '../uplink/model.ts';
import { createRule, matchesDevice, type Outcome, valuesOf } from './engine.ts';
import type { DoorRule, GeofenceShape, LimitRule, MeanKineticTemperatureRule, Rule } from './rule.ts';
import { RuleSet } from './rule-set.ts';

const SECOND_US = 1_000_000;
const about = { deviceId: 'cooler-1', place: {} };
const target = { device: 'cooler-*', quantity: 'temperatureCelsius' };
const warm: LimitRule = {
  id: 'warm',
  kind: 'limit',
  target,
  low: 2,
  high: 8,
  hysteresis: 0.5,
  dwellMs: 10_000,
  severity: 'critical',
};

function payload(value: Partial<TelemetryPayload> & { kind: string }): TelemetryPayload {
  return { ...about, ...value } as TelemetryPayload;
}

function running(rule: Rule, deviceId = 'cooler-1') {
  let ids = 0;
  const it = createRule(rule, { deviceId, newId: () => `alert-${++ids}` });
  const see = (second: number, value: Partial<TelemetryPayload> & { kind: string }) =>
    it.observe({ deviceId: (value.deviceId ?? deviceId) || 'gps', atUs: second * SECOND_US, payload: payload(value) });
  const celsius = (second: number, temperatureCelsius: number) =>
    see(second, { kind: 'temperature', temperatureCelsius });
  return { it, see, celsius };
}

/** `second:phase:alertId`. */
function told(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(({ atUs, phase, alertId }) => `${atUs / SECOND_US}:${phase}:${alertId}`);
}

describe('limit', () => {
  const series = (rule: LimitRule, values: readonly number[]) => {
    const { celsius } = running(rule);
    return told(values.flatMap((value, second) => celsius(second, value)));
  };

  it('raises only after the dwell without interruption, and clears with the same id', () => {
    const beyond = Array.from({ length: 11 }, () => 9);
    expect(series(warm, [...beyond.slice(1), 5, ...beyond, 7])).toEqual(['21:raised:alert-1', '22:cleared:alert-1']);
  });

  it('gives one raise and one clear however the value trembles at the limit', () => {
    const trembling = Array.from({ length: 50 }, (_, n) => (n % 2 ? 7.6 : 8.4));
    expect(series({ ...warm, dwellMs: 0 }, [...trembling, 7.5])).toEqual(['0:raised:alert-1', '50:cleared:alert-1']);
  });

  it('takes a value at the limit itself as inside, and what is no number as nothing', () => {
    expect(series({ ...warm, dwellMs: 0 }, [8, 2, Number.NaN, Number.POSITIVE_INFINITY])).toEqual([]);
  });

  it('from one limit straight to the other is the end of one excursion and the begin of another', () => {
    expect(series({ ...warm, dwellMs: 0 }, [20, -10, 5])).toEqual([
      '0:raised:alert-1',
      '1:cleared:alert-1',
      '1:raised:alert-2',
      '2:cleared:alert-2',
    ]);
  });

  it('says what is wrong, with the readings around it', () => {
    const { celsius } = running({ ...warm, dwellMs: 0 });
    for (let second = 0; second < 30; second++) celsius(second, 5);
    const [raised] = celsius(30, 20);
    expect(raised).toMatchObject({
      ...{ ruleId: 'warm', severity: 'critical', deviceId: 'cooler-1', quantity: 'temperatureCelsius' },
      ...{ value: 20, limit: 8, message: 'Temperature of cooler-1 is 20 °C, above the limit of 8 °C' },
    });
    expect(raised?.context).toHaveLength(20);
    expect(raised?.context.at(-1)).toEqual({ atUs: 30 * SECOND_US, value: 20 });
    expect(celsius(31, 7)[0]?.message).toBe('Temperature of cooler-1 is 7 °C, within the limit of 8 °C again');
  });

  it('of an impact is raised and over at once', () => {
    const { see } = running({
      ...warm,
      target: { device: 'cooler-1', quantity: 'peakG' },
      low: 0,
      high: 2,
      dwellMs: 0,
    });
    const impact = { kind: 'shock', peakG: 3, durationMs: 5 } as const;
    expect(told([...see(1, impact), ...see(2, impact)])).toEqual([
      ...['1:raised:alert-1', '1:cleared:alert-1', '2:raised:alert-2', '2:cleared:alert-2'],
    ]);
  });
});

describe('late and corrected readings', () => {
  const rule = { ...warm, dwellMs: 0 };

  it('take an alert back that would not have been raised, and raise one that should have been', () => {
    const { it: subject, celsius } = running({ ...rule, dwellMs: 20_000 });
    const before = [...celsius(0, 9), ...celsius(30, 9), ...celsius(60, 5), ...celsius(100, 5)];
    expect(told(before)).toEqual(['30:raised:alert-1', '60:cleared:alert-1']);
    // The logger hands over what it had: it was inside between, and beyond later.
    for (const [second, value] of [
      [15, 5],
      [65, 9],
      [90, 9],
    ] as const)
      expect(celsius(second, value)).toEqual([]);
    const after = subject.tick(101 * SECOND_US);
    expect(told(after)).toEqual(['101:retracted:alert-1', '90:raised:alert-2', '100:cleared:alert-2']);
    expect(after[0]?.message).toMatch(/^taken back, since readings came late: Temperature/);
    expect(subject.tick(102 * SECOND_US)).toEqual([]);
  });

  it('a value that is corrected takes back what it brought about', () => {
    const { it: subject, celsius } = running(rule);
    celsius(0, 5);
    expect(told(celsius(1, 90))).toEqual(['1:raised:alert-1']);
    expect(told(celsius(1, 6))).toEqual(['1.001:retracted:alert-1']);
    expect(subject.open).toBeUndefined();
    expect(celsius(1, 6)).toEqual([]);
  });

  it('that are older than what is kept change nothing and are counted', () => {
    const { it: subject, celsius } = running(rule);
    for (let second = 100; second < 500; second++) celsius(second, 5);
    expect(celsius(50, 90)).toEqual([]);
    expect(subject.tick(501 * SECOND_US)).toEqual([]);
    expect(subject.tooLate).toBe(1);
  });
});

describe('rate', () => {
  it('tells the direction', () => {
    const { celsius } = running({
      ...{ id: 'r', kind: 'rate', target, maxPerMinute: 1, windowMs: 60_000, hysteresis: 0.2, severity: 'warning' },
    });
    const outcomes: Outcome[] = [];
    for (let second = 0; second <= 300; second += 10)
      outcomes.push(...celsius(second, second < 100 ? 5 : 5 - (second - 100) / 30));
    for (let second = 310; second <= 400; second += 10) outcomes.push(...celsius(second, -1));
    expect(outcomes.map(({ phase, limit }) => [phase, limit])).toEqual([
      ['raised', -1],
      ['cleared', -1],
    ]);
    expect(outcomes[0]?.quantity).toBe('temperatureCelsiusPerMinute');
    expect(outcomes[0]?.message).toMatch(/^Temperature of cooler-1 falls by 1\.\d+ °C\/min, the limit is 1 °C\/min$/);
  });
});

describe('missing', () => {
  const rule: Rule = { id: 'm', kind: 'missing', target, afterMs: 60_000, severity: 'warning' };

  it('a pause in which nobody looked is none', () => {
    const { it: subject, celsius } = running(rule);
    celsius(0, 5);
    subject.resume(1_000 * SECOND_US);
    expect(subject.tick(1_060 * SECOND_US)).toEqual([]);
    expect(told(subject.tick(1_061 * SECOND_US))).toEqual(['1060:raised:alert-1']);
    subject.resume(2_000 * SECOND_US);
    expect(told(celsius(3_000, 5))).toEqual(['3000:cleared:alert-1']);
  });
});

describe('door', () => {
  const rule: DoorRule = {
    ...{ id: 'd', kind: 'door', device: 'rear', severity: 'critical' },
    ...{ openLongerThanMs: 60_000, whileMovingAboveMetersPerSecond: 4 },
  };
  const contact = (open: boolean) => ({ kind: 'contact', open }) as const;
  const speed = (speedMetersPerSecond: number) => ({ kind: 'vehicle', deviceId: 'can', speedMetersPerSecond }) as const;

  it('open while moving is raised, trembling speed or not, and over when it stands', () => {
    const { see } = running(rule, 'rear');
    const seen = [see(0, speed(10)), see(1, contact(true)), see(2, speed(3.9)), see(3, speed(4.1)), see(9, speed(2))];
    expect(told(seen.flat())).toEqual(['1:raised:alert-1', '9:cleared:alert-1']);
    expect(seen[1]?.[0]).toMatchObject({ quantity: 'speedMetersPerSecond', value: 10, limit: 4 });
  });

  it('what is open for too long as well stays raised when it stands, until it is closed', () => {
    const { it: subject, see } = running(rule, 'rear');
    const seen = [see(0, contact(true)), see(1, speed(10)), see(30, speed(10)), subject.tick(70 * SECOND_US)];
    seen.push(see(71, speed(0)), see(72, contact(true)), see(80, contact(false)));
    expect(told(seen.flat())).toEqual(['1:raised:alert-1', '80:cleared:alert-1']);
  });

  it('a speed of long ago raises nothing, and a receiver is asked only where the vehicle is silent', () => {
    const { see } = running({ ...rule, openLongerThanMs: 600_000 }, 'rear');
    const fix = (second: number) =>
      see(second, { kind: 'position', deviceId: 'gps', latitude: 52, longitude: 13, speedMetersPerSecond: 9 });
    expect([see(0, speed(10)), see(11, contact(true)), see(12, speed(0)), fix(13)].flat()).toEqual([]);
    expect(told(fix(23))).toEqual(['23:raised:alert-1']);
  });
});

describe('geofence', () => {
  const at = (latitude: number, longitude: number) => ({ kind: 'position', latitude, longitude }) as const;
  const rule = (shape: GeofenceShape, alertWhen: 'inside' | 'outside'): Rule => ({
    ...{ id: 'g', kind: 'geofence', shape, alertWhen, dwellMs: 0, hysteresisMeters: 100, severity: 'warning' },
  });
  const circle: GeofenceShape = { kind: 'circle', latitude: 0, longitude: 180, radiusMeters: 1_000 };

  it('a circle around a point of the antimeridian, left and entered again by the hysteresis', () => {
    const { see } = running(rule(circle, 'outside'), '');
    // 0.009° are 1,001 m at the equator.
    const seen = [see(0, at(0, 179.995)), see(1, at(0, -179.991)), see(2, at(0, -179.9915)), see(3, at(0, 179.992))];
    expect(told(seen.flat())).toEqual(['1:raised:alert-1', '3:cleared:alert-1']);
    expect(seen[1]?.[0]).toMatchObject({ deviceId: '', quantity: 'metersOutside', limit: 0 });
    expect(seen[1]?.[0]?.value).toBeCloseTo(0.75, 0);
  });

  it('a polygon across the antimeridian has its inside there, and not on the other side of the earth', () => {
    const fiji: GeofenceShape = {
      kind: 'polygon',
      points: [
        [-16, 177],
        [-16, -179],
        [-19, -179],
        [-19, 177],
      ],
    };
    const inside = running(rule(fiji, 'inside'), '');
    const seen = [inside.see(0, at(-17, 0)), inside.see(1, at(-17, 176.9)), inside.see(2, at(-17, 179.99))];
    seen.push(inside.see(3, at(-17, -179.5)), inside.see(4, at(-17, -178.9)));
    expect(told(seen.flat())).toEqual(['2:raised:alert-1', '4:cleared:alert-1']);
  });

  it('a fix that is not exact is none', () => {
    const { see } = running(rule(circle, 'outside'), '');
    expect(see(0, { ...at(0, 170), hdop: 9 })).toEqual([]);
  });
});

describe('excursion time', () => {
  it('keeps its bound of memory on a value that trembles for days, and stays near the truth', () => {
    const { it: subject, celsius } = running({
      ...{ id: 'e', kind: 'excursion-time', target, high: 8, maxTotalMs: 6 * 3_600_000, perMs: 24 * 3_600_000 },
      severity: 'warning',
    });
    const outcomes: Outcome[] = [];
    // Beyond for one of two readings: 12 hours of each 24. After twelve hours it is six, and more with the next.
    for (let n = 0; n < 4_000; n++) outcomes.push(...celsius(n * 60, n % 2 === 0 ? 9 : 7));
    expect(told(outcomes)).toEqual([`${12 * 3_600}:raised:alert-1`]);
    expect(JSON.stringify(subject.snapshot()).length).toBeLessThan(60_000);
    for (let n = 4_000; n < 5_300; n++) outcomes.push(...celsius(n * 60, 7));
    const [, cleared] = outcomes;
    expect(cleared?.phase).toBe('cleared');
    // Half of the day before the last reading beyond is inside the limit: 12 h after it.
    expect((cleared?.atUs ?? 0) / 3.6e9).toBeCloseTo(4_000 / 60 + 12, 0);
  });
});

describe('mean kinetic temperature', () => {
  const rule: MeanKineticTemperatureRule = {
    ...{
      id: 'mkt',
      kind: 'mean-kinetic-temperature',
      target,
      maxCelsius: 20,
      windowMs: 3_600_000,
      severity: 'warning',
    },
    activationEnergyKilojoulesPerMole: 83.144,
  };
  /** What the equation of USP <1079> gives for evenly spaced readings, with 40 digits. */
  it.each([
    [[20, 30], 83.144, 26.259887],
    [[5, 5, 5, 5, 30], 83.144, 17.472708],
    [[25, 25, 25], 83.144, 25],
    [[20, 30], 120, 26.766778],
  ])('%j at %f kJ/mol', (values, activationEnergyKilojoulesPerMole, expected) => {
    const { celsius } = running({ ...rule, activationEnergyKilojoulesPerMole, maxCelsius: expected - 0.001 });
    const [raised] = values.flatMap((value, n) => celsius(n * 600, value));
    expect(raised?.value).toBeCloseTo(expected, 5);
  });

  it('weighs each reading by the time that it stands for', () => {
    const { celsius } = running({ ...rule, maxCelsius: 17.2 });
    // As 5, 5, 5, 5, 30 of the same length.
    const outcomes = [celsius(0, 5), celsius(300, 5), celsius(900, 5), celsius(1_200, 30)].flat();
    expect(outcomes[0]?.value).toBeCloseTo(17.472708, 5);
  });
});

describe('a set of rules', () => {
  const set = () => {
    let ids = 0;
    return new RuleSet({
      newId: () => `alert-${++ids}`,
      zoneOf: (id) => (id === 'cooler-1' ? 'cold-store' : undefined),
    });
  };
  const reading = (deviceId: string, second: number, temperatureCelsius: number) => ({
    deviceId,
    atUs: second * SECOND_US,
    payload: payload({ kind: 'temperature', deviceId, temperatureCelsius }),
  });
  const now = { ...warm, dwellMs: 0 };

  it('watches each device that a pattern fits by itself', () => {
    const rules = set();
    rules.setRules([now], 0);
    expect(rules.observe(reading('cooler-1', 1, 9))).toHaveLength(1);
    expect(rules.observe(reading('freezer-1', 1, 9))).toHaveLength(0);
    expect(rules.observe(reading('cooler-2', 1, 9))[0]?.deviceId).toBe('cooler-2');
  });

  it('watches the devices of a zone', () => {
    const rules = set();
    rules.setRules([{ ...now, target: { ...target, device: 'zone:cold-*' } }], 0);
    expect(rules.observe(reading('cooler-2', 1, 9))).toHaveLength(0);
    expect(rules.observe(reading('cooler-1', 1, 9))).toHaveLength(1);
  });

  it('misses a sensor that has a name and never spoke, and not one that a pattern might fit', () => {
    const rules = set();
    const missing = { id: 'm', kind: 'missing', afterMs: 60_000, severity: 'info' } as const;
    rules.setRules(
      [
        { ...missing, target: { device: 'cooler-1', quantity: 'temperatureCelsius' } },
        { ...missing, id: 'n', target: { device: '*', quantity: 'temperatureCelsius' } },
      ],
      5 * SECOND_US,
    );
    expect(rules.tick(66 * SECOND_US)).toMatchObject([{ ruleId: 'm', atUs: 65 * SECOND_US }]);
  });

  it('exchanged: what stays as it was keeps its state, what is gone or changed is over and says so', () => {
    const rules = set();
    const other = { ...now, id: 'other' };
    const third = { ...now, id: 'third' };
    rules.setRules([now, other, third, { ...now, high: 100 }], 0);
    rules.observe(reading('cooler-1', 1, 9));
    const outcomes = rules.setRules([now, { ...third, high: 8.5 }], 2 * SECOND_US);
    expect(outcomes.map(({ ruleId, phase, message }) => [ruleId, phase, message])).toEqual([
      ['other', 'cleared', "the rule 'other' was removed"],
      ['third', 'cleared', "the rule 'third' was changed"],
    ]);
    expect(outcomes[0]?.context).toEqual([{ atUs: SECOND_US, value: 9 }]);
    expect(rules.observe(reading('cooler-1', 3, 9)).map(({ ruleId, phase }) => [ruleId, phase])).toEqual([
      ['third', 'raised'],
    ]);
    expect(rules.observe(reading('cooler-1', 4, 5))).toHaveLength(2);
  });
});

it.each([
  ['cooler-*', 'cooler-1', true],
  ['cooler-*', 'cooler-', true],
  ['cooler-*', 'freezer-1', false],
  ['*', 'anything/at-all', true],
  ['bus-1/*', 'bus-1/cold', true],
  ['*-1/*-b', 'bus-1/zone-b', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-c-b', false],
  ['a*b*b', 'ab', false],
  ['cooler-1', 'cooler-10', false],
  ['c.oler', 'cooler', false],
])('%s fits %s: %s', (pattern, deviceId, fits) => {
  expect(matchesDevice(pattern, deviceId)).toBe(fits);
});

it('takes the values of a payload that rules may watch', () => {
  expect(valuesOf(payload({ kind: 'contact', open: true }))).toEqual([{ quantity: 'open', value: 1 }]);
  expect(valuesOf(payload({ kind: 'vehicle', speedMetersPerSecond: 3, odometerMeters: 9 }))).toEqual([
    { quantity: 'speedMetersPerSecond', value: 3 },
    { quantity: 'odometerMeters', value: 9 },
  ]);
});
