import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkYaml, formatProblem } from './checked-yaml.ts';
import { durationMs, sizeBytes } from './units.ts';

const schema = z.strictObject({
  gateway: z.strictObject({ id: z.string(), stateDir: z.string().default('/var/lib/milepost') }),
  size: sizeBytes.optional(),
  devices: z
    .array(
      z.strictObject({
        id: z.string(),
        baudRate: z.number().int().positive().default(9600),
        every: durationMs.optional(),
      }),
    )
    .default([]),
  level: z.enum(['debug', 'info', 'warn']).default('info'),
});

function problems(text: string): string[] {
  const result = checkYaml(text, { file: 'edge.yaml', schema });
  return result.ok ? [] : result.problems.map(formatProblem);
}

describe('checkYaml', () => {
  it('gives the value with defaults and units', () => {
    const result = checkYaml('gateway: {id: g}\nsize: 1.5 MiB\ndevices: [{id: a, every: 2min}]', { file: 'x', schema });
    expect(result.ok && result.checked.value).toEqual({
      gateway: { id: 'g', stateDir: '/var/lib/milepost' },
      size: 1_572_864,
      devices: [{ id: 'a', baudRate: 9600, every: 120_000 }],
      level: 'info',
    });
  });

  it.each([
    [
      'unknown key',
      'gateway:\n  id: g\n  stateDri: /x\n',
      "edge.yaml:3:3: gateway.stateDri: unknown key 'stateDri': did you mean 'stateDir'?",
    ],
    [
      'unknown key far from all',
      'gateway: {id: g}\nsomethingElseAltogether: 1\n',
      "edge.yaml:2:1: somethingElseAltogether: unknown key 'somethingElseAltogether': possible here: gateway, size, devices, level",
    ],
    [
      'unknown key in a list',
      'gateway: {id: g}\ndevices:\n  - id: a\n    baudrate: 115200\n',
      "edge.yaml:4:5: devices[0].baudrate: unknown key 'baudrate': did you mean 'baudRate'?",
    ],
    ['missing key', 'gateway:\n  stateDir: /x\n', "edge.yaml:2:3: gateway: 'id' is missing (string expected)"],
    [
      'wrong value',
      'gateway: {id: g}\nlevel: wran\n',
      "edge.yaml:2:8: level: 'wran' is not possible: did you mean 'warn'?",
    ],
    [
      'wrong unit',
      'gateway: {id: g}\nsize: 3 parsecs\n',
      "edge.yaml:2:7: size: '3 parsecs' is not a size (512KiB, 64MiB, 1GiB)",
    ],
  ])('%s', (_name, text, expected) => {
    expect(problems(text)).toEqual([expected]);
  });

  it('says where the YAML itself is broken', () => {
    expect(problems('gateway: {id: g\nlevel: info')[0]).toMatch(/^edge\.yaml:2:\d+: not valid YAML: /);
  });
});
