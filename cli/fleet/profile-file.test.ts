import { describe, expect, it } from 'vitest';
import { checkSettings } from '../../protocols/fleet/check-settings.ts';
import { answering, table } from './answers.ts';
import { checkProfile, profileText } from './profile-file.ts';
import { withThreshold } from './set-thresholds.ts';

const GOOD = `name: Cold chain
selector: { fleet: cold, vehicle-type: [van, truck] }
settings:
  rules:
    - id: too-warm
      kind: limit
      target: { device: cooler-*, quantity: temperatureCelsius }
      high: 46.4 °F
      hysteresis: 0.5 °C
      dwell: 1min
  readPoints:
    dock-1: { scanWindow: 3s }
`;

describe('a profile file', () => {
  it('says what is wrong with file, line, column and a proposal', () => {
    const problems = (text: string) => {
      const checked = checkProfile(text, 'p.yaml');
      return checked.ok ? [] : checked.problems;
    };
    expect(problems(GOOD)).toEqual([]);
    const [unit] = problems(GOOD.replace('46.4 °F', '8 bar'));
    expect(unit).toMatch(/^p\.yaml:8:13: settings\.rules\[0\]\.high: .*bar.*\(.*°C/);
    expect(problems(GOOD.replace('name: Cold chain', 'title: x'))).toEqual([
      expect.stringContaining("'name' is missing"),
      expect.stringMatching(/p\.yaml:1:1: title: unknown key 'title'/),
    ]);
    expect(problems(GOOD.replace('dwell:', 'dwel:'))).toEqual([expect.stringMatching(/:10:\d+: .*dwel/)]);
    expect(problems('a: [')).toEqual([expect.stringMatching(/^p\.yaml:1:\d+: not valid YAML/)]);
  });

  it('gives what the hub refuses its line', async () => {
    const checked = checkProfile(GOOD, 'p.yaml');
    if (!checked.ok) throw new Error('it is valid');
    const problem = { path: ['settings', 'rules', 0], code: 'profiles-contradict', message: 'no', proposal: 'yes' };
    const refused = Object.assign(new Error('refused'), { code: 'profile-invalid', problems: [problem] });
    await expect(checked.inFile(Promise.reject(refused))).rejects.toMatchObject({
      lines: ['p.yaml:5:7: settings.rules[0]: no (yes)'],
    });
    expect(await checked.inFile(Promise.resolve(1))).toBe(1);
  });

  it('is what a profile is printed as', () => {
    const checked = checkProfile(GOOD, 'p.yaml');
    if (!checked.ok) throw new Error('it is valid');
    const { settings } = checkSettings(checked.draft.settings);
    if (!settings) throw new Error('it is valid');
    const printed = checkProfile(profileText({ ...checked.draft, settings }), 'q.yaml');
    if (!printed.ok) throw new Error(printed.problems.join());
    expect(checkSettings(printed.draft.settings).settings).toEqual(settings);
    expect(printed.draft.selector).toEqual(checked.draft.selector);
  });
});

describe('a threshold', () => {
  const { settings } = checkSettings({
    rules: [
      {
        id: 'warm',
        kind: 'limit',
        target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
        low: 2,
        high: 8,
        dwell: '1min',
      },
      { id: 'silent', kind: 'missing', target: { device: 'cooler-*', quantity: 'temperatureCelsius' }, after: '1h' },
    ],
  });
  const set = (threshold: Parameters<typeof withThreshold>[1]) => {
    if (!settings) throw new Error('it is valid');
    return checkSettings(withThreshold(settings, threshold));
  };

  it('replaces the limit on the same devices and quantity, and leaves what is not said', () => {
    const { settings: after, problems } = set({ device: 'cooler-*', quantity: 'temperatureCelsius', high: '50 °F' });
    expect(problems).toEqual([]);
    expect(after?.rules).toHaveLength(2);
    expect(after?.rules.find(({ id }) => id === 'warm')).toMatchObject({ low: 2, high: 10, dwellMs: 60_000 });
  });

  it('is a rule of its own on other devices, under a name that is free', () => {
    const { settings: after } = set({ device: 'freezer-1', quantity: 'temperatureCelsius', high: '-18', dwell: '30s' });
    expect(after?.rules.map(({ id }) => id)).toEqual(['warm', 'silent', 'freezer-1-temperature-celsius']);
    expect(after?.rules[2]).toMatchObject({ high: -18, dwellMs: 30_000, severity: 'warning' });
  });

  it('is refused with what is wrong with it', () => {
    expect(set({ device: 'cooler-*', quantity: 'warmth', high: '8' }).problems[0]?.message).toContain('warmth');
  });
});

it('columns are as wide as what stands in them', () => {
  expect(
    table(
      ['A', 'B'],
      [
        ['long', '1'],
        ['x', ''],
      ],
    ),
  ).toEqual(['A     B', 'long  1', 'x']);
});

it('a bug is no refusal of the hub', async () => {
  const at = { hub: '', json: true };
  await expect(answering(at, () => Promise.reject(new TypeError('bug')))).rejects.toThrow('bug');
});
