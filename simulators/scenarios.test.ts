/** The scenarios that come with Milepost: the same seed gives the same bytes, and what their files promise is what happens. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../protocols/base/log.ts';
import { ManualClock } from '../protocols/base/manual-clock.ts';
import { encodeRequestPdu, encodeRtu } from '../protocols/modbus/index.ts';
import { scenarioFolder, scenarioNames } from './cli.ts';
import { type RunningScenario, runScenario } from './run.ts';
import { loadScenario, type Scenario } from './scenario.ts';
import type { LedgerEntry } from './simulator.ts';
import { START_MS } from './testing/context.ts';
import { memoryLines } from './testing/memory-line.ts';

const running: RunningScenario[] = [];
afterEach(async () => {
  for (const scenario of running.splice(0)) await scenario.stop();
});

async function start(name: string, seed: string, change: (scenario: Scenario) => Scenario = (same) => same) {
  const scenario = change(await loadScenario(join(scenarioFolder(), `${name}.yaml`)));
  const clock = new ManualClock(START_MS);
  const { open, lines } = memoryLines();
  const options = { scenario, seed, clock, log: silentLog, runDir: '/run-dir-of-the-test', openLine: open };
  const run = await runScenario(options);
  running.push(run);
  return { clock, lines, run, scenario };
}

const readingOf = (functionCode: 2 | 4, address: number, quantity: number) =>
  encodeRequestPdu({ kind: 'read', functionCode, address, quantity });

/** Every byte that left a device within so many seconds, with all Modbus devices polled once a second; and the ledger. */
async function streams(name: string, seed: string, seconds: number): Promise<{ digest: string; bytes: number }> {
  const { clock, lines, run, scenario } = await start(name, seed);
  const polled = scenario.devices.flatMap(({ id, kind, options }) => {
    if (kind !== 'modbus-thermometer' && kind !== 'modbus-contacts') return [];
    const pdu = kind === 'modbus-thermometer' ? readingOf(4, 1, 2) : readingOf(2, 0, 1);
    return [{ line: lines.get(id), request: encodeRtu({ unitId: options.unitId, pdu }) }];
  });
  for (let second = 0; second < seconds; second++) {
    for (const { line, request } of polled) line?.fromHost(request);
    await clock.advance(1000);
  }
  const { entries } = await run.finish();
  const hash = createHash('sha256').update(JSON.stringify(entries));
  let bytes = 0;
  for (const [id, line] of lines) {
    const sent = Buffer.concat(line.sent);
    bytes += sent.length;
    hash.update(id).update(sent);
  }
  return { digest: hash.digest('hex'), bytes };
}

const kindIs = (kind: LedgerEntry['kind']) => (entry: LedgerEntry) => entry.kind === kind;
const only = (ids: readonly string[]) => (scenario: Scenario) => ({
  ...scenario,
  flow: undefined,
  flows: [],
  devices: scenario.devices.filter(({ id }) => ids.includes(id)),
  script: scenario.script.filter(({ device }) => ids.includes(device)),
});

describe('scenarios', () => {
  it.each(scenarioNames().map((name) => [name, name === 'hub-shift' ? 330 : 45] as const))(
    '%s gives the same bytes for the same seed, others for another',
    async (name, seconds) => {
      const first = await streams(name, 'one', seconds);
      expect(first.bytes).toBeGreaterThan(300);
      expect(await streams(name, 'one', seconds)).toEqual(first);
      // Nothing is left to chance where the temperature has neither noise nor swing.
      if (name !== 'cold-chain-excursion') expect((await streams(name, 'two', seconds)).digest).not.toBe(first.digest);
    },
  );

  it('cold-chain-excursion is above 8 °C from second 540 to 1680, by the ledger and by the register', async () => {
    const { clock, lines, run } = await start('cold-chain-excursion', '1');
    const line = lines.get('cold-room-thermometer');
    const request = encodeRtu({ unitId: 1, pdu: readingOf(4, 1, 1) });
    const above: number[] = [];
    for (let second = 0; second < 2000; second++) {
      line?.sent.splice(0);
      line?.fromHost(request);
      await clock.advance(10);
      if ((line?.sent[0]?.readInt16BE(3) ?? 0) > 80) above.push(second);
      await clock.advance(990);
    }
    expect([above[0], above.at(-1)]).toEqual([543, 1676]);
    const [entry] = run.ledger.entries.filter(kindIs('excursion'));
    expect(entry?.detail).toMatchObject({ beyondFromMs: START_MS + 540_000, beyondUntilMs: START_MS + 1_680_000 });
    expect(run.ledger.entries.filter(kindIs('contact')).map(({ detail }) => detail?.state)).toEqual([
      'open',
      'closed',
      'open',
      'closed',
    ]);
  });

  it('dropped-parcel falls for 350 ms at 0 g and hits with 9.16 g', async () => {
    const { clock, lines, run } = await start('dropped-parcel', '1');
    await clock.advance(22_000);
    const drop = run.ledger.entries.find(({ detail }) => detail?.heightCm === 60);
    expect(drop?.detail).toMatchObject({ peakG: 9.158, durationMs: 60, fallMs: 349.808 });
    expect((drop?.atMs ?? 0) - START_MS).toBe(20_350);
    const frames = Buffer.concat(lines.get('parcel-shock')?.sent ?? []);
    const upG = Array.from({ length: frames.length / 11 }, (_, i) => (frames.readInt16LE(i * 11 + 6) / 32768) * 16);
    const falling = upG.slice(4010, 4065);
    expect(Math.max(...falling.map(Math.abs))).toBeLessThan(0.1);
    expect(Math.max(...upG)).toBeCloseTo(10.16, 0);
  });

  it('van-day: the rear door opens at the stops, and the receiver moves no faster than the streets allow', async () => {
    const { clock, lines, run } = await start('van-day', '1', only(['van-gps', 'van-doors']));
    for (let minute = 0; minute < 70; minute++) await clock.advance(60_000);
    const doors = run.ledger.entries.filter(kindIs('contact')).map(({ detail }) => detail?.state);
    expect(doors.slice(0, 4)).toEqual(['open', 'closed', 'open', 'closed']);
    const knots = [...(lines.get('van-gps')?.text ?? '').matchAll(/^\$GPRMC,[^,]*,A,[^,]*,N,[^,]*,E,([\d.]+)/gm)];
    const kmh = knots.map(([, speed]) => Number(speed) * 1.852);
    expect(Math.max(...kmh)).toBeGreaterThan(70);
    expect(Math.max(...kmh)).toBeLessThan(80.01);
    expect(kmh.filter((speed) => speed === 0).length).toBeGreaterThan(2600);
  });

  it('hub-shift ends after eight hours and has its doors open while trailers stand there', async () => {
    const { clock, run, scenario } = await start('hub-shift', '1', only(['inbound-doors']));
    expect(scenario.durationS).toBe(8 * 3600);
    await clock.advance(3_500_000);
    const first = run.ledger.entries.filter(({ detail }) => detail?.input === 1);
    expect(first.map(({ atMs, detail }) => [(atMs - START_MS) / 1000, detail?.state])).toEqual([
      [240, 'open'],
      [3360, 'closed'],
    ]);
  });
});
