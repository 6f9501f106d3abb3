/**
 * Pipeline, rules and Outbox on a disk in memory, killed at every operation on that disk, by a signal and by a power failure, in mid-excursion and
 * elsewhere: each excursion is raised once and cleared once all the same.
 */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import type { Rule } from '../../protocols/rules/rule.ts';
import type { AlertPayload } from '../../protocols/uplink/model.ts';
import { readRecord } from '../../protocols/uplink/record.ts';
import { readWhole, replaceFile } from '../outbox/disk.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import { Outbox } from '../outbox/outbox.ts';
import { Intake } from '../pipeline/intake.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import { storedPayload } from '../pipeline/stored-payload.ts';
import { RuleRunner } from './rule-runner.ts';
import { RuleState } from './rule-state.ts';

const STEP_MS = 500;
const WALL_MS = Date.UTC(2026, 2, 1);
const warm: Rule = {
  id: 'warm',
  kind: 'limit',
  target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
  high: 8,
  hysteresis: 1,
  dwellMs: 3_000,
  severity: 'critical',
};
const open: Rule = { id: 'open', kind: 'door', device: 'door', openLongerThanMs: 6_000, severity: 'warning' };
const silent: Rule = {
  id: 'silent',
  kind: 'missing',
  target: { device: 'cooler-1', quantity: 'temperatureCelsius' },
  afterMs: 5_000,
  severity: 'info',
};

/** A daemon on this disk, in a boot of the box that began at `bootedMs` of the story. */
async function start(at: {
  disk: MemoryDisk;
  bootId: number;
  bootedMs: number;
  nowMs: number;
  rules?: readonly Rule[];
  isTimeless?: boolean;
}) {
  const { disk, bootId, bootedMs, nowMs, rules: given = [warm, open] } = at;
  const clock = new ManualClock(WALL_MS + bootedMs);
  if (at.isTimeless) clock.state = 'unsynced';
  await clock.advance(nowMs - bootedMs);
  const outbox = await Outbox.open({
    disk,
    folder: '/state/outbox',
    clock,
    log: silentLog,
    bootId,
    newEpoch: () => '00000000000000aa',
    segmentBytes: 16_384,
    commitDelayMs: 0,
    diskReserveBytes: 0,
  });
  const intake = new Intake({ appender: outbox, clock, log: silentLog });
  let ids = 0;
  const runner = new RuleRunner({
    store: (payload, observedUs) => intake.store(payload, observedUs),
    lastSequence: () => outbox.lastSequence('alert'),
    place: () => ({ vehicleId: 'van-1' }),
    clock,
    log: silentLog,
    newId: () => `alert-${bootId}-${nowMs}-${++ids}`,
  });
  const pipeline = new Pipeline({
    devices: [{ id: 'cooler-1' }, { id: 'door' }],
    rules: runner,
    site: { vehicleId: 'van-1' },
    intake,
    identify: () => [],
    identifyTag: () => [],
    clock,
    log: silentLog,
  });
  const state = new RuleState({ runner, tail: outbox, disk, folder: '/state', clock, log: silentLog });
  await state.load(given);
  return { clock, outbox, intake, runner, pipeline, state };
}

type Gateway = Awaited<ReturnType<typeof start>>;

/** The alert lane, in order: `phase`, and when it was, in milliseconds of the story. */
async function lane({ outbox }: Gateway): Promise<(AlertPayload & { atMs: number })[]> {
  const records = await outbox.newest('alert', 1_000);
  const found: (AlertPayload & { atMs: number })[] = [];
  for (let at = 0; at < records.length; ) {
    const record = readRecord(records, at);
    if (typeof record === 'string') throw new Error(record);
    at = record.end;
    const payload = storedPayload(record.payload);
    if (payload?.kind === 'alert') found.push({ ...payload, atMs: Math.round(record.time.wallMs - WALL_MS) });
  }
  return found;
}

/** Two excursions of the temperature, trembling at the limit, and a door that stands open once. */
function celsiusAt(ms: number): number {
  const isWarm = (ms >= 4_000 && ms < 14_000) || (ms >= 22_000 && ms < 31_000);
  return isWarm ? (ms % 1_000 === 0 ? 9.5 : 8.5) : ms % 1_000 === 0 ? 6 : 5;
}
const END_MS = 40_000;
const DOOR: readonly [atMs: number, open: boolean][] = [
  [1_000, false],
  [10_000, true],
  [26_000, false],
];

async function step(gateway: Gateway, ms: number): Promise<void> {
  const monotonicUs = gateway.clock.monotonicUs();
  void gateway.pipeline.take('cooler-1', { kind: 'temperature', temperatureCelsius: celsiusAt(ms), monotonicUs });
  // A contact says what it is when it is opened, too.
  const door = DOOR.filter(([atMs]) => atMs <= ms).at(-1);
  if (door) void gateway.pipeline.take('door', { kind: 'contact', open: door[1], monotonicUs });
  gateway.pipeline.tick();
  gateway.state.tick();
  await gateway.clock.advance(STEP_MS);
}

/** Plays the story up to its end, or until the disk says that the process is dead. Gives the time that it came to. */
async function play(gateway: Gateway, disk: MemoryDisk, fromMs: number): Promise<number> {
  let ms = fromMs;
  for (; ms < END_MS && disk.operations < disk.dieAt; ms += STEP_MS) await step(gateway, ms);
  return ms;
}

function judge(alerts: readonly (AlertPayload & { atMs: number })[], what: string): void {
  const stories = new Map<string, (AlertPayload & { atMs: number })[]>();
  for (const alert of alerts) stories.set(alert.alertId, [...(stories.get(alert.alertId) ?? []), alert]);
  const seen = [...stories.values()].map(([raised, cleared, ...rest]) => ({
    rule: raised?.ruleId,
    phases: [raised?.phase, cleared?.phase, ...rest.map(({ phase }) => phase)].join(),
    raisedAt: raised?.atMs ?? 0,
    clearedAt: cleared?.atMs ?? 0,
  }));
  seen.sort((a, b) => a.raisedAt - b.raisedAt);
  const wanted = [
    { rule: 'warm', phases: 'raised,cleared', from: 7_000, to: 14_000 },
    { rule: 'open', phases: 'raised,cleared', from: 16_000, to: 26_000 },
    { rule: 'warm', phases: 'raised,cleared', from: 25_000, to: 31_000 },
  ];
  expect(
    seen.map(({ rule, phases }) => ({ rule, phases })),
    what,
  ).toEqual(wanted.map(({ rule, phases }) => ({ rule, phases })));
  for (const [index, { from, to }] of wanted.entries()) {
    const { raisedAt = 0, clearedAt = 0 } = seen[index] ?? {};
    // What was not on disk when it died is seen again with the next reading: that much later, never earlier.
    expect(raisedAt, `${what}: raised`).toBeGreaterThanOrEqual(from);
    expect(raisedAt, `${what}: raised`).toBeLessThanOrEqual(from + LATE_MS);
    expect(clearedAt, `${what}: cleared`).toBeGreaterThanOrEqual(to);
    expect(clearedAt, `${what}: cleared`).toBeLessThanOrEqual(to + LATE_MS);
  }
}

/** The pause of the restart and the readings that were under way. */
const PAUSE_MS = 1_500;
const LATE_MS = PAUSE_MS + 2 * STEP_MS;

async function operationsOfStory(): Promise<number> {
  const disk = new MemoryDisk();
  const gateway = await start({ disk, bootId: 1, bootedMs: 0, nowMs: 0 });
  await play(gateway, disk, 0);
  judge(await lane(gateway), 'no kill');
  return disk.operations;
}

describe('killed at any moment', () => {
  it.each([
    ['by a signal', 'signal'],
    ['by a power failure, and the next boot knows the time', 'power'],
    ['by a power failure, and the next boot does not', 'timeless'],
  ])('%s: one raise and one clear for each excursion', async (_, how) => {
    const operations = await operationsOfStory();
    expect(operations).toBeGreaterThan(150);
    const random = seededRandom(5);
    for (let dieAt = 8; dieAt < operations; dieAt += how === 'signal' ? 11 : 23) {
      const disk = new MemoryDisk();
      const first = await start({ disk, bootId: 1, bootedMs: 0, nowMs: 0 });
      disk.dieAt = dieAt;
      const diedMs = await play(first, disk, 0);
      const nowMs = Math.ceil((diedMs + PAUSE_MS) / STEP_MS) * STEP_MS;
      if (how !== 'signal') disk.crash(random);
      disk.dieAt = Number.POSITIVE_INFINITY;
      const second = await start({
        disk,
        ...(how === 'signal' ? { bootId: 1, bootedMs: 0 } : { bootId: 2, bootedMs: nowMs - 500 }),
        nowMs,
        isTimeless: how === 'timeless',
      });
      await play(second, disk, nowMs);
      judge(await lane(second), `killed at operation ${dieAt} of ${operations}`);
    }
  });
});

describe('a restart', () => {
  /** Warm from the beginning, and the daemon is stopped in order or not. */
  async function excursion(rules: readonly Rule[] = [warm]) {
    const disk = new MemoryDisk();
    const first = await start({ disk, bootId: 1, bootedMs: 0, nowMs: 0, rules });
    for (let ms = 4_000; ms < 9_000; ms += STEP_MS) await step(first, ms);
    expect(first.runner.open()[0]).toMatchObject({ ruleId: 'warm', deviceId: 'cooler-1', limit: 8 });
    const again = (more: { rules?: readonly Rule[]; nowMs?: number; isTimeless?: boolean; bootId?: number } = {}) => {
      const nowMs = more.nowMs ?? 10_000;
      const bootedMs = more.bootId === 2 ? nowMs - 1_000 : 0;
      return start({ disk, bootId: 1, bootedMs, rules, ...more, nowMs });
    };
    return { disk, first, again };
  }

  it('with a rule that is gone or was changed meanwhile says so', async () => {
    const { first, again } = await excursion();
    await first.state.save();
    const second = await again({ rules: [{ ...warm, high: 8.25 }] });
    await second.clock.advance(10);
    const alerts = await lane(second);
    expect(alerts.map(({ phase, message }) => [phase, message])).toEqual([
      ['raised', expect.stringContaining('above the limit')],
      ['cleared', "the rule 'warm' was changed"],
    ]);
    expect(alerts[0]?.alertId).toBe(alerts[1]?.alertId);
    expect(second.runner.open()).toEqual([]);
  });

  it.each(['lost', 'damaged', 'of before'])(
    'whose snapshot is %s learns what is open from the alert lane',
    async (what) => {
      const { disk, first, again } = await excursion();
      if (what === 'damaged') await replaceFile(disk, '/state', 'rules.state', Buffer.from('{"format":1}'));
      else if (what === 'lost') await first.clock.advance(1);
      else expect(await readWhole(disk, '/state/rules.state')).toBeDefined();
      if (what === 'lost' && (await readWhole(disk, '/state/rules.state'))) await disk.remove('/state/rules.state');
      const second = await again();
      expect(second.runner.open()).toMatchObject([
        { ruleId: 'warm', message: expect.stringContaining('above the limit') },
      ]);
      for (let ms = 14_000; ms < 16_000; ms += STEP_MS) await step(second, ms);
      expect((await lane(second)).map(({ phase }) => phase)).toEqual(['raised', 'cleared']);
    },
  );

  it('by a power failure does not count the pause as time without values', async () => {
    const { first, again } = await excursion([warm, silent]);
    await first.state.save();
    const second = await again({ rules: [warm, silent], nowMs: 600_000, bootId: 2 });
    second.pipeline.tick();
    expect(second.runner.open().map(({ ruleId }) => ruleId)).toEqual(['warm']);
    await second.clock.advance(5_500);
    second.pipeline.tick();
    expect(second.runner.open().map(({ ruleId }) => ruleId)).toEqual(['warm', 'silent']);
  });

  it('into a boot that learns the time later moves what was before it as far back as it was', async () => {
    const sum: Rule = {
      ...{ id: 'sum', kind: 'excursion-time', target: warm.target, high: 8, severity: 'warning' },
      ...{ maxTotalMs: 4_000, perMs: 60_000 },
    } as Rule;
    const { first, again } = await excursion([warm, sum]);
    await first.state.save();
    const second = await again({ rules: [warm, sum], nowMs: 7_300_000, bootId: 2, isTimeless: true });
    // As long as nobody knows how long the pause was, it was none.
    second.pipeline.tick();
    expect(
      second.runner
        .open()
        .map(({ ruleId }) => ruleId)
        .sort(),
    ).toEqual(['sum', 'warm']);
    second.clock.state = 'ntp';
    // It was two hours: the last reading holds for one, and then a minute is soon over.
    second.state.tick();
    second.pipeline.tick();
    expect(second.runner.open().map(({ ruleId }) => ruleId)).toEqual(['warm']);
  });
});

describe('the pipeline with rules', () => {
  it('knows no wall time: a clock that is stepped by ten years in mid-excursion changes nothing', async () => {
    for (const years of [10, -10]) {
      const disk = new MemoryDisk();
      const gateway = await start({ disk, bootId: 1, bootedMs: 0, nowMs: 0, rules: [warm, open, silent] });
      for (let ms = 0; ms < END_MS; ms += STEP_MS) {
        if (ms === 5_000) gateway.clock.wallOffsetMs += years * 365 * 86_400_000;
        if (ms === 11_000) gateway.clock.wallOffsetMs -= years * 365 * 86_400_000;
        await step(gateway, ms);
      }
      const phases = (await lane(gateway)).map(({ ruleId, phase }) => `${ruleId} ${phase}`);
      expect(phases).toEqual([
        ...['warm raised', 'warm cleared', 'open raised', 'warm raised', 'open cleared', 'warm cleared'],
      ]);
    }
  });

  it('takes an alert back when a reading comes late, and tells the readings around', async () => {
    const disk = new MemoryDisk();
    const gateway = await start({ disk, bootId: 1, bootedMs: 0, nowMs: 0, rules: [warm] });
    for (let ms = 4_000; ms < 9_000; ms += STEP_MS) await step(gateway, ms);
    const late = { kind: 'temperature', temperatureCelsius: 4, monotonicUs: 2_750_000 } as const;
    void gateway.pipeline.take('cooler-1', late);
    for (let ms = 14_000; ms < 15_000; ms += STEP_MS) await step(gateway, ms);
    const alerts = await lane(gateway);
    expect(alerts.map(({ phase, atMs }) => `${phase} ${atMs}`)).toEqual(['raised 3000', 'retracted 5000']);
    expect(alerts[0]?.context?.at(-1)).toEqual({ offsetMs: 0, value: 9.5 });
    expect(alerts[0]?.context).toHaveLength(7);
  });

  it('offers what the disk has refused again, and tells it once', async () => {
    const disk = new MemoryDisk();
    const gateway = await start({ disk, bootId: 1, bootedMs: 0, nowMs: 0, rules: [warm] });
    disk.failWrites = 'ENOSPC';
    for (let ms = 4_000; ms < 9_000; ms += STEP_MS) await step(gateway, ms);
    expect(gateway.runner.report()).toMatchObject({ untold: 1, alerts: 1, lost: 0, open: [{ ruleId: 'warm' }] });
    disk.failWrites = undefined;
    for (let ms = 9_000; ms < 14_000; ms += STEP_MS) await step(gateway, ms);
    expect(gateway.runner.untold).toBe(0);
    expect((await lane(gateway)).map(({ phase, atMs }) => `${phase} ${atMs}`)).toEqual(['raised 3000']);
  });
});
