import { describe, expect, it } from 'vitest';
import { checkSettings } from '../../protocols/fleet/check-settings.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { compose, tooLarge } from './compose.ts';
import { contradictions, patternsMeet } from './contradictions.ts';
import { diffVersions } from './diff.ts';
import { limit } from './fleet-bench.test-support.ts';

function settingsOf(written: object): Settings {
  const { settings, problems } = checkSettings(written);
  if (!settings) throw new Error(JSON.stringify(problems));
  return settings;
}

const rules = (...list: object[]) => settingsOf({ rules: list });
const shock = (id: string, device: string) => ({
  kind: 'shock',
  id,
  severity: 'warning',
  device,
  peakG: 5,
  minDuration: '2ms',
  clearAfter: '10s',
});

describe('patterns of devices', () => {
  it.each([
    ['cooler-1', 'cooler-1', true],
    ['cooler-1', 'cooler-2', false],
    ['cooler-*', 'cooler-1', true],
    ['cooler-*', 'cooler-', true],
    ['cooler-*', '*-1', true],
    ['cooler-*', 'fridge-*', false],
    ['*', 'anything', true],
    ['*a*', '*b*', true],
    ['a*b*c', 'abd*c', true],
    ['a*b', 'a*c', false],
    ['**x', 'x*', true],
    ['', '*', true],
    ['', 'a', false],
  ])('%s and %s could name one device: %s', (one, two, expected) => {
    expect([patternsMeet(one, two), patternsMeet(two, one)]).toEqual([expected, expected]);
  });
});

describe('two profiles', () => {
  it('contradict each other where both set the same', () => {
    const cold = rules(limit('a', 8), shock('s', 'box-1'));
    const found = (other: Settings) => contradictions(cold, other).map(({ key, otherKey }) => `${key} ${otherKey}`);
    expect(found(rules(limit('b', 5, 'cooler-7')))).toEqual(['rules/a rules/b']);
    expect(found(rules({ ...limit('b', 5), target: { device: '*', quantity: 'relativeHumidityPercent' } }))).toEqual(
      [],
    );
    expect(
      found(
        rules({
          kind: 'missing',
          id: 'b',
          severity: 'info',
          target: { device: '*', quantity: 'temperatureCelsius' },
          after: '5min',
        }),
      ),
    ).toEqual([]);
    expect(found(rules({ ...limit('a', 5, 'fridge') }))).toEqual(['rules/a rules/a']);
    expect(found(rules(limit('a', 8)))).toEqual([]);
    expect(found(rules(shock('t', '*'), shock('u', 'box-2')))).toEqual(['rules/s rules/t']);
    const zone = rules(limit('z', 5, 'zone:cold'));
    expect(found(zone)).toEqual([]);
    expect(contradictions(cold, zone, [{ id: 'cooler-1', zone: 'dry' }])).toEqual([]);
    expect(contradictions(cold, zone, [{ id: 'cooler-1', zone: 'cold' }])).toMatchObject([{ key: 'rules/a' }]);
    expect(contradictions(zone, rules(limit('y', 4, 'zone:*')))).toHaveLength(1);
    const window = (scanWindow: string) => settingsOf({ readPoints: { 'dock-4': { scanWindow } } });
    expect(contradictions(window('3s'), window('5s'))).toMatchObject([
      { key: 'readPoints/dock-4', path: ['readPoints', 'dock-4'] },
    ]);
    expect(contradictions(window('3s'), window('3000ms'))).toEqual([]);
    const rate = (interval: string) => settingsOf({ rates: { 'cooler-1': { options: { interval } } } });
    expect(contradictions(rate('5s'), rate('6s'))).toMatchObject([{ key: 'rates/cooler-1' }]);
  });

  it('make one of two that do not, whatever their order', () => {
    const parts = [
      { profileId: 'b', version: 2, settings: rules(limit('b', 8), limit('same', 1, 'x')) },
      {
        profileId: 'a',
        version: 1,
        settings: settingsOf({ rules: [limit('same', 1, 'x')], rates: { d: { options: { interval: '5s' } } } }),
      },
    ];
    const made = compose(parts);
    expect(made).toEqual(compose([...parts].reverse()));
    expect(made).toMatchObject({
      settings: { rules: [{ id: 'same' }, { id: 'b' }], rates: { d: {} }, readPoints: {} },
    });
  });

  it('make none where they are more than a gateway takes', () => {
    const many = (prefix: string) => ({
      profileId: prefix,
      version: 1,
      settings: rules(
        ...Array.from({ length: 300 }, (_, index) => limit(`${prefix}-${index}`, 8, `${prefix}-${index}`)),
      ),
    });
    expect(compose([many('a')])).toHaveProperty('settings');
    expect(compose([many('a'), many('b')])).toMatchObject({ conflict: [{ key: 'rules', code: 'rule-too-many' }] });
    const large = (prefix: string) => {
      const options = { note: 'x'.repeat(1500) };
      const names = Array.from({ length: 400 }, (_, index) => [`${prefix}-${index}`, { options }]);
      return { profileId: prefix, version: 1, settings: settingsOf({ rates: Object.fromEntries(names) }) };
    };
    expect(tooLarge(large('a').settings)).toBeUndefined();
    expect(compose([large('a'), large('b')])).toMatchObject({ conflict: [{ key: '', code: 'config-too-large' }] });
  });

  it('say by name why they make none', () => {
    const made = compose([
      { profileId: 'cold', version: 3, settings: rules(limit('a', 8)) },
      { profileId: 'vaccines', version: 1, settings: rules(limit('b', 5)) },
    ]);
    expect(made).toMatchObject({ conflict: [{ key: 'rules/a', code: 'profiles-contradict' }] });
    expect(JSON.stringify(made)).toMatch(/'cold' version 3 .*'vaccines' version 1/);
  });
});

it('the difference of two versions is told key by key, in the units that people write', () => {
  const before = {
    name: 'Cold',
    selector: { type: 'van', depot: ['north', 'south'] },
    settings: settingsOf({
      rules: [limit('a', 8), limit('gone', 5, 'x')],
      readPoints: { 'dock-4': { scanWindow: '3s' } },
    }),
  };
  const after = {
    name: 'Cold chain',
    selector: { type: 'van', depot: ['north'] },
    settings: settingsOf({
      rules: [limit('new', 5, 'y'), { ...limit('a', 8), dwell: '60s' }],
      readPoints: { 'dock-4': { scanWindow: '3s', tagDepartedAfter: 'adaptive' } },
    }),
  };
  const changes = diffVersions(before, after);
  expect(changes.map(({ key, change }) => `${change} ${key}`).sort()).toEqual([
    'added readPoints/dock-4/tagDepartedAfter',
    'added rules/new',
    'changed name',
    'changed rules/a/dwell',
    'changed selector/depot',
    'removed rules/gone',
  ]);
  expect(changes.find(({ key }) => key === 'rules/a/dwell')).toMatchObject({
    from: '30s',
    to: expect.stringMatching(/^(60s|1min)$/),
  });
  expect(diffVersions(after, after)).toEqual([]);
});
