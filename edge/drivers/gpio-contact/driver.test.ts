import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import type { ProgramRequest } from '../../transport/transport.ts';
import { Debounce } from './debounce.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/lines.json' with { type: 'json' };
import { parseLevels, parseMonitorLine, toolsVersion } from './gpio-tools.ts';

const DOORS = {
  chip: 'gpiochip0',
  inputs: [
    { line: 4, channel: 'dock-4' },
    { line: 17, channel: 'dock-5', openWhen: 'low' },
  ],
};
const V1 = 'gpiomon (libgpiod) v1.6.3';
const V2 = 'gpiomon (libgpiod) v2.1.2';

/** libgpiod's tools; `levels` is what gpioget reads. Answers are `gpioget`'s in version 1 and 2 with --numeric. */
function box(version: string, levels: Record<number, number>, pieces: number[] = []) {
  const commands: string[] = [];
  const box = {
    commands,
    complaint: '',
    watch: '',
    say: (event: object) => device.feed(`${JSON.stringify(event)}\n`, pieces),
    edge: (line: string) => box.say({ id: box.watch, line }),
  };
  const device: MemoryTransport = new MemoryTransport((bytes) => {
    const request = JSON.parse(bytes.toString()) as ProgramRequest;
    if ('stop' in request) return box.say({ id: request.stop, exit: 0, complaint: '' });
    const { start: id, program, args } = request;
    commands.push([program, ...args].join(' '));
    const isVersion = args.includes('--version');
    if (box.complaint && !isVersion) return box.say({ id, exit: 1, complaint: box.complaint });
    if (program === 'gpiomon' && !isVersion) {
      box.watch = id;
      return;
    }
    const offsets = args.flatMap((arg) => (/^\d+$/.test(arg) ? [Number(arg)] : []));
    box.say({ id, line: isVersion ? version : offsets.map((offset) => levels[offset] ?? 0).join(' ') });
    box.say({ id, exit: 0, complaint: '' });
  });
  return { ...box, box, device };
}

const falling = (offset: number) => `event: FALLING EDGE offset: ${offset} timestamp: [     132.286218099]`;
const rising = (offset: number) => `event:  RISING EDGE offset: ${offset} timestamp: [     122.943878429]`;
const contact = (channel: string, open: boolean) => ({ kind: 'contact', channel, open });

describe('output of the tools', () => {
  it.each(vectors)('$name', ({ input, expected }) => {
    expect(parseMonitorLine(input)).toEqual(expected);
  });

  it('banner, and what is none of theirs', () => {
    expect(parseMonitorLine('Monitoring line 4...')).toBe('banner');
    expect(parseMonitorLine('Monitoring lines 4, 17...')).toBe('banner');
    for (const line of ['', 'event', '1124.88 falling gpiochip2 15', 'usage: gpiomon']) {
      expect(parseMonitorLine(line)).toBeUndefined();
    }
  });

  it.each([
    [V1, 1],
    ['gpiomon (libgpiod) v2.2.1', 2],
    ['gpiomon (libgpiod) v3.0.0', undefined],
    ['bash: gpiomon: command not found', undefined],
  ])('version: %s', (line, version) => {
    expect(toolsVersion(line)).toBe(version);
  });

  it.each([
    ['0 1', 2, [false, true]],
    // gpioget 2.x as published: names and states.
    ['"GPIO5"=active "GPIO6"=inactive', 2, [true, false]],
    ['"4"=inactive', 1, [false]],
    ['0', 2, undefined],
    ['0 2', 2, undefined],
    ['', 1, undefined],
  ])('levels: %s', (line, count, levels) => {
    expect(parseLevels(line, count)).toEqual(levels);
  });

  it('any text is a line or none', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...vectors), fc.nat(), (noise, { input }, at) => {
        parseMonitorLine(noise);
        parseLevels(noise, 2);
        parseMonitorLine(input.slice(0, at % input.length) + noise);
      }),
      { seed: 20261123, numRuns: 300 },
    );
  });
});

describe('debounce', () => {
  it('dates a change from its beginning, and takes a bounce for none', () => {
    const door = new Debounce(50);
    expect(door.level(false, 0)).toBeUndefined();
    expect(door.due(49_999)).toBeUndefined();
    expect(door.dueUs).toBe(50_000);
    expect(door.due(50_000)).toEqual({ open: false, monotonicUs: 0 });
    expect(door.level(true, 100_000)).toBeUndefined();
    expect(door.level(false, 110_000)).toBeUndefined();
    expect(door.dueUs).toBeUndefined();
    expect(door.level(true, 120_000)).toBeUndefined();
    expect(door.level(true, 130_000)).toBeUndefined();
    expect(door.level(false, 170_000)).toEqual({ open: true, monotonicUs: 120_000 });
  });

  it('gives alternating states that each lasted, whatever comes', () => {
    const step = fc.record({ open: fc.boolean(), afterUs: fc.nat(120_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const door = new Debounce(50);
        let nowUs = 0;
        const given = steps.flatMap(({ open, afterUs }) => {
          nowUs += afterUs;
          return door.level(open, nowUs) ?? [];
        });
        given.forEach((change, index) => {
          const before = given[index - 1];
          if (!before) return;
          expect(change.open).toBe(!before.open);
          expect(change.monotonicUs - before.monotonicUs).toBeGreaterThanOrEqual(50_000);
        });
      }),
      { seed: 20261123, numRuns: 300 },
    );
  });
});

describe('gpio-contact', () => {
  it.each([
    [
      V1,
      [
        'gpiomon --version',
        'gpioget --bias=disable gpiochip0 4 17',
        'gpiomon --line-buffered --bias=disable gpiochip0 4 17',
      ],
    ],
    [
      V2,
      [
        'gpiomon --version',
        'gpioget --numeric --bias=disabled --chip gpiochip0 4 17',
        'gpiomon --banner --bias=disabled --chip gpiochip0 4 17',
      ],
    ],
  ])('reads the levels, then watches: %s', async (version, commands) => {
    for (const size of [1, 2, 5, 40]) {
      const { device, box: tools } = box(version, { 4: 1, 17: 1 }, [size]);
      const run = runDriver(driver, { ...DOORS, bias: 'disabled' }, device);
      await run.clock.advance(60);
      expect(tools.commands).toEqual(commands);
      expect(run.measured()).toEqual([contact('dock-4', true), contact('dock-5', false)]);
      tools.edge(version === V1 ? falling(4) : '1124.883605060\tfalling\tgpiochip0 4 "GPIO4"');
      await run.clock.advance(60);
      expect(run.measured().slice(2)).toEqual([contact('dock-4', false)]);
      expect(run.stats.discardedBytes).toBe(0);
      await run.stop();
    }
  });

  it('debounces, and dates a change from its first edge', async () => {
    const { device, box: tools } = box(V1, { 4: 0, 17: 1 });
    const run = runDriver(driver, DOORS, device);
    await run.clock.advance(1_000);
    const beganUs = run.clock.monotonicUs();
    for (let bounce = 0; bounce < 5; bounce++) {
      tools.edge(rising(4));
      await run.clock.advance(5);
      tools.edge(falling(4));
      await run.clock.advance(5);
    }
    await run.clock.advance(100);
    expect(run.measured()).toHaveLength(2);
    tools.edge(rising(4));
    await run.clock.advance(100);
    expect(run.readings.slice(2)).toEqual([{ ...contact('dock-4', true), monotonicUs: expect.any(Number) }]);
    expect(run.readings[2]?.monotonicUs).toBe(beganUs + 150_000);
    await run.stop();
  });

  it('reads the levels again in a while, and reports what it had missed', async () => {
    const levels: Record<number, number> = { 4: 0, 17: 1 };
    const { device, box: tools } = box(V1, levels);
    const run = runDriver(driver, { ...DOORS, resyncMs: 10_000 }, device);
    await run.clock.advance(9_000);
    levels[4] = 1;
    await run.clock.advance(2_000);
    expect(run.measured().slice(2)).toEqual([contact('dock-4', true)]);
    expect(tools.commands.map((command) => command.split(' ')[0])).toEqual([
      'gpiomon',
      'gpioget',
      'gpiomon',
      'gpioget',
      'gpiomon',
    ]);
    tools.edge(falling(4));
    await run.clock.advance(100);
    expect(run.measured().at(-1)).toEqual(contact('dock-4', false));
    await run.stop();
  });

  it.each([
    ['gpioget: error reading GPIO values: No such file or directory', 'port-missing'],
    ['gpioget: error reading GPIO values: Permission denied', 'port-denied'],
    ['gpiomon: unable to request lines: Device or resource busy', 'port-busy'],
    ['gpioget: error reading GPIO values: Invalid argument', 'gpio-tools-failed'],
  ])('%s → %s', async (complaint, code) => {
    const { device, box: tools } = box(V1, {});
    tools.complaint = complaint;
    const run = runDriver(driver, DOORS, device);
    await run.clock.advance(10);
    expect(await run.ended).toMatchObject({
      code,
      message: expect.stringContaining(complaint.split(': ').at(-1) ?? ''),
    });
  });

  it('ends when gpiomon ends, says why, and knows other tools when it sees them', async () => {
    const { device, box: tools } = box(V1, {});
    const run = runDriver(driver, DOORS, device);
    await run.clock.advance(100);
    tools.say({ id: tools.watch, exit: 1, complaint: 'gpiomon: error waiting for events: No such device' });
    expect(await run.ended).toMatchObject({ code: 'port-missing' });

    const other = runDriver(driver, DOORS, box('gpiomon, a game', {}).device);
    await other.clock.advance(10);
    expect(await other.ended).toMatchObject({ code: 'gpio-tools-unknown', message: expect.stringContaining('a game') });
  });

  it('ends with device-silent when a tool hangs', async () => {
    const run = runDriver(
      driver,
      DOORS,
      new MemoryTransport((bytes, device) => {
        const request = JSON.parse(bytes.toString()) as ProgramRequest;
        if (!('start' in request) || !request.args.includes('--version')) return;
        device.feed(`${JSON.stringify({ id: request.start, line: V2 })}\n`);
        device.feed(`${JSON.stringify({ id: request.start, exit: 0, complaint: '' })}\n`);
      }),
    );
    await run.clock.advance(5_100);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
  });

  it('refuses a line or channel that occurs twice', () => {
    const twice = (inputs: object[]) => driver.options.safeParse({ chip: 'gpiochip0', inputs }).success;
    expect(
      twice([
        { line: 4, channel: 'a' },
        { line: 4, channel: 'b' },
      ]),
    ).toBe(false);
    expect(
      twice([
        { line: 4, channel: 'a' },
        { line: 5, channel: 'a' },
      ]),
    ).toBe(false);
    expect(
      twice([
        { line: 4, channel: 'a' },
        { line: 5, channel: 'b' },
      ]),
    ).toBe(true);
  });
});
