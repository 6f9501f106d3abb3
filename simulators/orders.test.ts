import { describe, expect, it } from 'vitest';
import { silentLog } from '../protocols/base/log.ts';
import { ManualClock } from '../protocols/base/manual-clock.ts';
import { parseCommandLine } from './command-line.ts';
import { runScenario } from './run.ts';
import { parseScenario } from './scenario.ts';
import { START_MS } from './testing/context.ts';
import { memoryLines } from './testing/memory-line.ts';
import { worldClock } from './world-clock.ts';

describe('command line', () => {
  it.each<[string, object | undefined]>([
    ['  shock van-shock peakG=8 axis=z ', { command: 'shock', device: 'van-shock', args: { peakG: '8', axis: 'z' } }],
    ['fault scanner-1 noise 0.01', { command: 'noise', device: 'scanner-1', args: { probability: 0.01 } }],
    ['fault scanner-1 drip 1min', { command: 'drip', device: 'scanner-1', args: { forS: 60 } }],
    ['noise all 0.5 30s', { command: 'noise', device: 'all', args: { probability: 0.5, forS: 30 } }],
    ['fault scanner-1 torn count=3', { command: 'torn', device: 'scanner-1', args: { count: '3' } }],
    ['fault scanner-1 clear', { command: 'clear', device: 'scanner-1', args: {} }],
    ['unplug scanner-1 500ms', { command: 'unplug', device: 'scanner-1', args: { forS: 0.5 } }],
    ['storm scanner-1 100/s 10s', { command: 'storm', device: 'scanner-1', args: { perSecond: 100, forS: 10 } }],
    ['storm scanner-1 30/min', { command: 'storm', device: 'scanner-1', args: { perSecond: 0.5 } }],
    ['   ', undefined],
    ['# a comment', undefined],
  ])('%j', (line, expected) => {
    expect(parseCommandLine(line)).toEqual(expected);
  });

  it.each([
    ['unplug', 'COMMAND DEVICE'],
    ['fault scanner-1', 'which?'],
    ['shock van 8', 'name=value was expected'],
    ['unplug scanner-1 100/s', 'a time such as 5s'],
    ['noise scanner-1 0.1 0.2', 'probability is given twice'],
  ])('refuses %j', (line, message) => {
    expect(() => parseCommandLine(line)).toThrow(message);
  });
});

async function setup() {
  const clock = new ManualClock(START_MS);
  const { open, line } = memoryLines();
  const scenario = parseScenario({
    name: 'orders',
    devices: [
      { id: 'scanner', kind: 'serial-barcode' },
      { id: 'gps', kind: 'nmea-gps' },
    ],
  });
  const options = { scenario, seed: 1, clock, log: silentLog, runDir: '/r', openLine: open };
  const run = await runScenario(options);
  return { clock, line, run };
}

describe('commands with an end', () => {
  it('plugs in again after the time, unless a newer command says otherwise', async () => {
    const { clock, line, run } = await setup();
    await run.command('scanner', 'unplug', { forS: 5 });
    await clock.advance(4900);
    expect(line('scanner').plugged).toBe(false);
    await clock.advance(200);
    expect(line('scanner').plugged).toBe(true);
    await run.command('scanner', 'unplug', { forS: 5 });
    await run.command('scanner', 'unplug');
    await clock.advance(60_000);
    expect(line('scanner').plugged).toBe(false);
    await run.stop();
    expect(clock.timers).toBe(0);
  });

  it('ends one fault after its time and leaves the others', async () => {
    const { clock, line, run } = await setup();
    await run.command('gps', 'silence', { forS: 3 });
    await run.command('gps', 'noise');
    await clock.advance(2500);
    expect(line('gps').text).toBe('');
    await clock.advance(2000);
    expect(line('gps').text).toContain('$GPRMC');
    expect(line('gps').text.startsWith('$')).toBe(false);
    await run.stop();
  });

  it('a storm shows a reader packages of their own, at the rate, for the time', async () => {
    const { clock, line, run } = await setup();
    await run.command('scanner', 'storm', { perSecond: 100, forS: 10 });
    await clock.advance(5000);
    const half = run.ledger.observations().length;
    expect(half).toBeGreaterThan(480);
    expect(half).toBeLessThan(520);
    await clock.advance(30_000);
    const seen = run.ledger.observations().map(({ sscc }) => sscc);
    expect(seen).toHaveLength(1000);
    expect(new Set(seen).size).toBe(1000);
    expect(line('scanner').text.split('\r')).toHaveLength(1001);
    await run.stop();
    expect(clock.timers).toBe(0);
  });

  it('a storm makes other serial devices chatter, and ends with the run', async () => {
    const { clock, line, run } = await setup();
    await run.command('gps', 'storm', { perSecond: 50, forS: 3600 });
    await clock.advance(2000);
    const frames = line('gps').sent.length;
    expect(frames).toBeGreaterThan(90);
    await run.finish();
    await clock.advance(1000);
    expect(line('gps').sent.length - frames).toBeLessThan(20);
    await run.stop();
    expect(clock.timers).toBe(0);
  });

  it('reaches all devices at once, and refuses what makes no sense', async () => {
    const { line, run } = await setup();
    await run.command('all', 'unplug');
    expect([line('scanner').plugged, line('gps').plugged]).toEqual([false, false]);
    for (const args of [{ forS: 0 }, { forS: 'x' }, { perSecond: 0 }, { perSecond: 5000 }]) {
      await expect(run.command('scanner', 'storm', args)).rejects.toMatchObject({ code: 'sim-command-invalid' });
    }
    await expect(run.command('moon', 'storm')).rejects.toMatchObject({ code: 'sim-device-unknown' });
    await run.stop();
  });
});

describe('scenario time', () => {
  it('opens doors whenever the vehicle arrives, in each of its rounds', async () => {
    const scenario = parseScenario({
      name: 'doors',
      vehicles: [
        {
          id: 'van',
          route: [
            { stop: 'hub', stopS: 20, latitude: 50, longitude: 8 },
            { stop: 'door', stopS: 20, latitude: 50.002, longitude: 8 },
          ],
        },
      ],
      devices: [{ id: 'doors', kind: 'modbus-contacts', vehicle: 'van' }],
      script: [{ vehicle: 'van', at: ['door'], afterS: 4, device: 'doors', command: 'open', args: { forS: 10 } }],
    });
    const clock = new ManualClock(START_MS);
    const options = { scenario, seed: 1, clock, log: silentLog, runDir: '/r', openLine: memoryLines().open };
    const run = await runScenario(options);
    await clock.advance(300_000);
    const times = run.ledger.entries.map(({ atMs }) => (atMs - START_MS) / 1000);
    // 222 m at 40 km/h take 26.2 s: there after 46.2 s, and every 92.4 s.
    expect(times.map(Math.round)).toEqual([50, 60, 143, 153, 235, 245]);
    await run.stop();
  });

  it('runs faster than the machine, from its own wall time on', async () => {
    const clock = new ManualClock(START_MS);
    const startMs = Date.UTC(2030, 0, 1);
    const world = worldClock(clock, { speed: 60, startMs });
    let rang = 0;
    world.after(60_000, () => rang++);
    await clock.advance(999);
    expect(rang).toBe(0);
    await clock.advance(1);
    expect(rang).toBe(1);
    expect(world.wall().wallMs).toBe(startMs + 60_000);
    expect(world.monotonicUs()).toBe(60e6);
    expect(worldClock(clock, {})).toBe(clock);
  });
});
