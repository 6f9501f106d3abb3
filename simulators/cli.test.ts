import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { silentLog } from '../protocols/base/log.ts';
import { ManualClock } from '../protocols/base/manual-clock.ts';
import { findScenario, type SimEnvironment, type SimRunArgs, simList, simRun } from './cli.ts';
import { DEVICE_KINDS } from './devices.ts';

function environment() {
  const printed: string[] = [];
  const errors: string[] = [];
  const controller = new AbortController();
  const input = new PassThrough();
  const clock = new ManualClock();
  const around: SimEnvironment = {
    clock,
    log: silentLog,
    input,
    print: (line) => printed.push(line),
    printError: (line) => errors.push(line),
    signal: controller.signal,
  };
  return { around, printed, errors, controller, input, clock };
}

const until = async (condition: () => boolean): Promise<void> => {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe('sim list', () => {
  it('names scenarios and devices, for people and programs', async () => {
    const { around, printed } = environment();
    expect(await simList({}, around)).toBe(0);
    expect(printed.join('\n')).toContain('dock-to-door');
    for (const kind of Object.keys(DEVICE_KINDS)) expect(printed.join('\n')).toContain(kind);
    printed.length = 0;
    expect(await simList({ json: true }, around)).toBe(0);
    const { scenarios, devices } = JSON.parse(printed.join('')) as { scenarios: { name: string }[]; devices: object[] };
    expect(scenarios.map(({ name }) => name)).toContain('dock-to-door');
    expect(devices).toHaveLength(Object.keys(DEVICE_KINDS).length);
  });
});

describe('sim run', () => {
  // The LLRP reader listens on TCP, so it needs no pty.
  const args: SimRunArgs = { scenario: 'llrp-reader', port: 0, json: true };

  it('prints where devices listen, obeys standard input, and ends with a summary', async () => {
    const { around, printed, controller, input } = environment();
    const exit = simRun(args, around);
    await until(() => printed.length > 0);
    const [started] = printed.map((line) => JSON.parse(line) as { event: string; devices: { address: string }[] });
    expect(started?.devices[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    input.write('# a comment\nantenna llrp-reader number=2 connected=false\nfly llrp-reader\nunplug moon\nunplug\n');
    await until(() => printed.length === 5);
    expect(
      printed.slice(1).map((line) => (JSON.parse(line) as { ok: boolean; error?: { code: string } }).error?.code),
    ).toEqual([undefined, 'sim-command-unknown', 'sim-device-unknown', 'sim-command-invalid']);
    controller.abort();
    expect(await exit).toBe(0);
    expect(JSON.parse(printed.at(-1) ?? '')).toMatchObject({ event: 'finished', emitted: 0, completed: 0 });
  });

  it('ends by itself after its time', async () => {
    const { around, printed, clock } = environment();
    const exit = simRun({ ...args, forMs: 5000 }, around);
    await until(() => printed.length > 0);
    await clock.advance(5000);
    expect(await exit).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it.each<[string, SimRunArgs, string]>([
    ['a scenario that is not there', { scenario: 'dock-to-moon' }, 'sim-scenario-unknown'],
    ['an option that the device does not have', { scenario: 'nmea-gps', port: 1 }, 'sim-scenario-invalid'],
    ['a rate out of range', { scenario: 'serial-barcode', rate: 0 }, 'sim-scenario-invalid'],
    ['device options with a whole scenario', { scenario: 'dock-to-door', rate: 2 }, 'sim-scenario-invalid'],
    ['a fault that does not exist', { ...args, json: false, faults: ['flood'] }, 'sim-command-invalid'],
  ])('exits 1 for %s', async (_what, bad, code) => {
    const { around, errors, clock } = environment();
    expect(await simRun(bad, around)).toBe(1);
    expect(errors.join('\n')).toContain(code);
    expect(clock.timers).toBe(0);
  });

  it('says errors as JSON where JSON was asked for', async () => {
    const { around, printed } = environment();
    expect(await simRun({ scenario: 'nowhere', json: true }, around)).toBe(1);
    expect(JSON.parse(printed.join(''))).toMatchObject({ error: { code: 'sim-scenario-unknown' } });
  });

  it.each(Object.keys(DEVICE_KINDS))('has a scenario of a single %s', async (kind) => {
    const { devices } = await findScenario({ scenario: kind });
    expect(devices).toMatchObject([{ kind }]);
  });
});
