import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../protocols/base/log.ts';
import { ManualClock } from '../protocols/base/manual-clock.ts';
import { type RunningScenario, runScenario } from './run.ts';
import { parseScenario, type Scenario } from './scenario.ts';
import { START_MS } from './testing/context.ts';
import { memoryLines } from './testing/memory-line.ts';

/** Three scanners and a van with one stop at the hub and two at doors. */
function threeScanners(changes: object = {}): Scenario {
  return parseScenario({
    name: 'three-scanners',
    vehicles: [
      {
        id: 'van',
        route: [
          { stop: 'hub', stopS: 20, latitude: 50, longitude: 8, speedKmh: 50 },
          { stop: 'door-1', stopS: 10, latitude: 50.002, longitude: 8 },
          { stop: 'door-2', stopS: 10, latitude: 50.002, longitude: 8.002 },
        ],
      },
    ],
    devices: [
      { id: 'induction', kind: 'serial-barcode', readPoint: 'in' },
      { id: 'loader', kind: 'serial-barcode', readPoint: 'load', vehicle: 'van' },
      { id: 'handheld', kind: 'serial-barcode', readPoint: 'door', vehicle: 'van' },
      { id: 'shock', kind: 'witmotion', vehicle: 'van', options: { rateHz: 10 } },
    ],
    flow: {
      companyPrefix: '4012345',
      inductEveryMs: [500, 1500],
      maxInFlight: 15,
      steps: [
        { device: 'induction', afterMs: [0, 0] },
        { device: 'loader', vehicle: 'van', at: ['hub'] },
        { device: 'handheld', vehicle: 'van', at: ['door-1', 'door-2'] },
      ],
      ...changes,
    },
    script: [{ atS: 30, everyS: 60, device: 'shock', command: 'shock', args: { peakG: 5 } }],
  });
}

const running: RunningScenario[] = [];
afterEach(async () => {
  for (const scenario of running.splice(0)) await scenario.stop();
});

async function start(scenario: Scenario, seed: number | string = 1, signal?: AbortSignal) {
  const clock = new ManualClock(START_MS);
  const { open, line } = memoryLines();
  const run = await runScenario({
    scenario,
    seed,
    clock,
    log: silentLog,
    runDir: '/run-dir-of-the-test',
    openLine: open,
    ...(signal && { signal }),
  });
  running.push(run);
  return { clock, line, run };
}

const keyOf = ({ sscc, readPoint }: { sscc?: string; readPoint?: string }): string => `${sscc} ${readPoint}`;

describe('runScenario', () => {
  it('gives the same ledger for the same seed, another for another', async () => {
    const ledgerOf = async (seed: number) => {
      const { clock, run } = await start(threeScanners(), seed);
      await clock.advance(120_000);
      return (await run.finish()).entries;
    };
    const first = await ledgerOf(1);
    expect(first.length).toBeGreaterThan(40);
    expect(await ledgerOf(1)).toEqual(first);
    expect(await ledgerOf(2)).not.toEqual(first);
  });

  it('moves every package past every read point once, in order, and bounds what is on its way', async () => {
    const { clock, run } = await start(threeScanners());
    for (let minute = 0; minute < 10; minute++) {
      await clock.advance(60_000);
      expect(run.packages.inFlight).toBeLessThanOrEqual(15);
    }
    const { completed } = run.packages;
    expect(completed).toBeGreaterThan(50);
    const scans = (await run.finish()).observations();
    expect(new Set(scans.map(keyOf)).size).toBe(scans.length);
    const journeys = new Map<string, string[]>();
    for (const { sscc = '', readPoint = '' } of scans) journeys.set(sscc, [...(journeys.get(sscc) ?? []), readPoint]);
    for (const places of journeys.values()) expect(['in', 'load', 'door'].slice(0, places.length)).toEqual(places);
    expect([...journeys.values()].filter((places) => places.length === 3)).toHaveLength(completed);
  });

  it('scans at the van only where the van stands', async () => {
    const { clock, run } = await start(threeScanners());
    await clock.advance(20_000);
    const early = run.ledger.entries.map(({ readPoint }) => readPoint);
    expect(early).toContain('load');
    expect(early).not.toContain('door');
    await clock.advance(5000);
    const count = run.ledger.entries.filter(({ readPoint }) => readPoint === 'load' || readPoint === 'door').length;
    expect(count).toBe(early.filter((readPoint) => readPoint === 'load').length);
  });

  it('tries again what was lost or damaged, until it stands whole in the ledger', async () => {
    const { clock, run, line } = await start(threeScanners());
    await run.command('induction', 'checksum', { probability: 0.3 });
    await run.command('induction', 'duplicate', { probability: 0.2 });
    await run.command('loader', 'torn', { probability: 0.3 });
    await clock.advance(30_000);
    line('induction').hostListens = false;
    await clock.advance(20_000);
    line('induction').hostListens = true;
    await clock.advance(300_000);
    const ledger = await run.finish();
    expect(ledger.entries.some(({ damage }) => damage === 'checksum')).toBe(true);
    expect(ledger.entries.some(({ damage }) => damage === 'torn')).toBe(true);
    expect(ledger.entries.some(({ duplicate }) => duplicate)).toBe(true);
    const scans = ledger.observations();
    expect(new Set(scans.map(keyOf)).size).toBe(scans.length);
    expect(run.packages.completed).toBeGreaterThan(20);
  });

  it('enters exactly what went over the cable', async () => {
    const { clock, run, line } = await start(threeScanners());
    await clock.advance(60_000);
    await run.finish();
    const sent = ['induction', 'loader', 'handheld'].flatMap((id) => line(id).text.split('\r').filter(Boolean));
    const entered = run.ledger.observations().map(({ aim, text }) => `${aim}${text}`);
    expect(sent.sort()).toEqual(entered.sort());
  });

  it('finishes: nothing is scanned any more, sensors go on', async () => {
    const { clock, run, line } = await start(threeScanners());
    await clock.advance(10_000);
    const entries = (await run.finish()).entries.length;
    const samples = line('shock').sent.length;
    await clock.advance(60_000);
    expect(run.ledger.entries).toHaveLength(entries);
    expect(line('shock').sent.length).toBeGreaterThan(samples);
  });

  it('follows its script', async () => {
    const { clock, run } = await start(threeScanners());
    await clock.advance(95_000);
    const shocks = run.ledger.entries.filter(({ kind }) => kind === 'shock');
    expect(shocks.map(({ atMs }) => (atMs - START_MS) / 1000)).toEqual([30, 90]);
  });

  it('names its devices, and knows no others', async () => {
    const { run } = await start(threeScanners());
    expect(run.devices[1]).toEqual({
      id: 'loader',
      kind: 'serial-barcode',
      address: '/run-dir-of-the-test/loader',
      otherAddresses: [],
      vehicle: 'van',
    });
    await expect(run.command('moon', 'unplug')).rejects.toMatchObject({ code: 'sim-device-unknown' });
    await expect(run.command('loader', 'fly')).rejects.toMatchObject({ code: 'sim-command-unknown' });
  });

  it('leaves nothing behind when it is stopped or aborted', async () => {
    const controller = new AbortController();
    const { clock, run, line } = await start(threeScanners(), 1, controller.signal);
    await clock.advance(5000);
    controller.abort();
    await run.stop();
    await clock.advance(1000);
    expect(clock.timers).toBe(0);
    expect(line('induction').closed).toBe(true);
  });

  it('takes back what it started when a device cannot start', async () => {
    const { open, lines } = memoryLines();
    const options = {
      scenario: threeScanners(),
      seed: 1,
      clock: new ManualClock(START_MS),
      log: silentLog,
      runDir: '/r',
    };
    const failing = runScenario({
      ...options,
      openLine: (line) => (line.path === '/r/handheld' ? Promise.reject(new Error('no more')) : open(line)),
    });
    await expect(failing).rejects.toThrow('no more');
    expect([...lines.values()].map(({ closed }) => closed)).toEqual([true, true]);
    expect(options.clock.timers).toBe(0);
  });
});
