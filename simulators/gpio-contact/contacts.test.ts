import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunningSimulator } from '../simulator.ts';
import { testContext } from '../testing/context.ts';
import { gpioContact, gpioContactOptions } from './contacts.ts';
import { type Chip, edgeLine, runTool } from './tools.ts';

const chip = (version: Chip['version'], more: Partial<Chip> = {}): Chip => ({
  version,
  name: 'gpiochip0',
  lines: 54,
  present: true,
  isHigh: (offset) => offset === 17,
  isWatched: () => false,
  ...more,
});

describe('the tools', () => {
  it('speak their version’s language', () => {
    expect(runTool('gpiomon', ['--version'], chip('1.6.3'))).toEqual({
      output: ['gpiomon (libgpiod) v1.6.3'],
      exit: 0,
    });
    expect(runTool('gpioget', ['--bias=pull-up', 'gpiochip0', '17', '4'], chip('1.6.3'))).toEqual({
      output: ['1 0'],
      exit: 0,
    });
    expect(runTool('gpioget', ['-c', 'gpiochip0', '17', '4'], chip('2.1.2'))).toEqual({
      output: ['"17"=active "4"=inactive'],
      exit: 0,
    });
    expect(runTool('gpiomon', ['--banner', '--chip', 'gpiochip0', '17'], chip('2.1.2'))).toEqual({
      watch: [17],
      output: ['Monitoring line 17...'],
    });
    expect(runTool('gpiodetect', [], chip('2.1.2'))).toEqual({ output: ['gpiochip0 [simulated] (54 lines)'], exit: 0 });
    // Each refuses the other's.
    expect(runTool('gpiomon', ['--banner', '--chip', 'gpiochip0', '17'], chip('1.6.3'))).toMatchObject({ exit: 1 });
    expect(runTool('gpiomon', ['--line-buffered', 'gpiochip0', '17'], chip('2.1.2'))).toMatchObject({ exit: 1 });
  });

  it('print edges as published', () => {
    // gpiomon 1.x on a Banana Pi, and 2.x without a line name.
    expect(edgeLine(chip('1.6.3'), { offset: 38, high: true, atSeconds: 122.943878429 })).toBe(
      'event:  RISING EDGE offset: 38 timestamp: [     122.943878429]',
    );
    expect(edgeLine(chip('2.1.2'), { offset: 17, high: false, atSeconds: 1124.88360506 })).toBe(
      '1124.883605060\tfalling\tgpiochip0 17',
    );
  });

  it('fail as the real ones', () => {
    const failing = (more: Partial<Chip>, args = ['gpiochip0', '17']) => runTool('gpioget', args, chip('1.6.3', more));
    expect(failing({ present: false })).toMatchObject({ complaint: expect.stringContaining('No such file') });
    expect(failing({ isWatched: () => true })).toMatchObject({ complaint: expect.stringContaining('busy') });
    expect(failing({}, ['gpiochip0', '99'])).toMatchObject({ complaint: expect.stringContaining('Invalid argument') });
  });
});

describe('contacts behind programs', () => {
  let runDir: string;
  let contacts: RunningSimulator;
  let setup: ReturnType<typeof testContext>;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    runDir = await mkdtemp(join(tmpdir(), 'milepost-gpio-'));
    setup = testContext();
    contacts = await gpioContact('doors', gpioContactOptions.parse({})).start({ ...setup.context, runDir });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await contacts.stop();
    expect(await readdir(runDir)).toEqual([]);
    await rm(runDir, { recursive: true });
  });

  function run(tool: string, ...args: string[]): Promise<{ code: number; output: string }> {
    return new Promise((resolve) => {
      execFile(join(contacts.address, tool), args, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
      });
    });
  }

  function watch() {
    const child = spawn(join(contacts.address, 'gpiomon'), ['gpiochip0', '17', '18'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    return { child, output: () => output };
  }

  it('read and watch, one program per line, and let go', async () => {
    expect(await run('gpioget', 'gpiochip0', '17', '18')).toEqual({ code: 0, output: '0 0\n' });
    const { child, output } = watch();
    // Only the program itself can tell when it holds the lines: another one is turned away then.
    const busy = async () => expect((await run('gpioget', 'gpiochip0', '18')).output).toContain('busy');
    await vi.waitFor(busy, { timeout: 20_000 });
    await contacts.command('open', { input: 2 });
    await vi.waitFor(() => expect(output()).toMatch(/RISING EDGE offset: 18/), { timeout: 20_000 });
    await contacts.command('open', { input: 3 });
    await contacts.command('bounce', { input: 1, edges: 2 });
    await vi.waitFor(() => expect(output()).toMatch(/RISING EDGE offset: 17.*\n.*FALLING EDGE offset: 17/), {
      timeout: 20_000,
    });
    expect(output()).not.toContain('19');
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    const free = async () => expect((await run('gpioget', 'gpiochip0', '18')).output).toBe('1\n');
    await vi.waitFor(free, { timeout: 20_000 });
    expect(setup.ledger.map(({ detail }) => detail)).toEqual([
      { input: 2, state: 'open' },
      { input: 3, state: 'open' },
    ]);
  });

  it('go with their chip, and come back', async () => {
    const { child, output } = watch();
    await vi.waitFor(async () => expect((await run('gpioget', 'gpiochip0', '17')).output).toContain('busy'), {
      timeout: 20_000,
    });
    const gone = once(child, 'exit');
    await contacts.command('unplug');
    expect(await gone).toEqual([1, null]);
    expect(output()).toContain('No such device');
    expect((await run('gpioget', 'gpiochip0', '17')).code).toBe(1);
    await contacts.command('replug');
    expect((await run('gpioget', 'gpiochip0', '17')).output).toBe('0\n');
  });

  it('open for a time, and refuse what they do not have', async () => {
    await contacts.command('open', { forS: 5 });
    expect((await run('gpioget', 'gpiochip0', '17')).output).toBe('1\n');
    await setup.clock.advance(5_000);
    expect((await run('gpioget', 'gpiochip0', '17')).output).toBe('0\n');
    await expect(contacts.command('open', { input: 5 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(contacts.command('dance')).rejects.toMatchObject({ code: 'sim-command-unknown' });
  });
});
