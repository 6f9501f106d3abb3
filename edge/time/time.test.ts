/** Boots without a clock, steps of ten years, late GPS, leap seconds: what the gateway then says the time is (design, section 6). */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { encodeHubTime } from '../../protocols/uplink/batch.ts';
import { writeRecord } from '../../protocols/uplink/record.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import type { Link } from '../uplink/link.ts';
import { BootClocks } from './boot-clocks.ts';
import { GatewayClock } from './gateway-clock.ts';
import { GpsTime } from './gps-time.ts';
import { TimeAskingLink } from './time-asking-link.ts';

const TRUE_MS = Date.UTC(2026, 10, 23, 12);
const TEN_YEARS_MS = 10 * 365.25 * 86_400_000;

/** A box whose own clock is `wrongByMs` off; `ntp` says whether its kernel vouches for it. */
function box(options: { wrongByMs?: number; ntp?: boolean } = {}) {
  const base = new ManualClock(TRUE_MS + (options.wrongByMs ?? 0));
  base.state = options.ntp ? 'ntp' : 'unsynced';
  const clock = new GatewayClock({ base, bootId: 7, log: silentLog });
  const learned: string[] = [];
  clock.onLearned(({ state }) => learned.push(state));
  const errorMs = () => clock.wall().wallMs - (TRUE_MS + base.monotonicUs() / 1000);
  /** Lets time pass as the daemon does: a look at the system every second. */
  const pass = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      await base.advance(1000);
      clock.observeSystem();
    }
  };
  return { base, clock, learned, errorMs, pass };
}

describe('GatewayClock', () => {
  it('says what the box believes, marked unsynced, until somebody knows', async () => {
    const { base, clock, errorMs, learned } = box({ wrongByMs: -TEN_YEARS_MS });
    expect(clock.wall()).toMatchObject({ state: 'unsynced', uncertaintyMs: Number.POSITIVE_INFINITY });
    expect(errorMs()).toBe(-TEN_YEARS_MS);
    expect(clock.known()).toBeUndefined();
    await base.advance(5_000);
    clock.observeHub(TRUE_MS + 4_950, 4_900_000, 5_000_000);
    expect(Math.abs(errorMs())).toBeLessThanOrEqual(50);
    expect(clock.wall()).toMatchObject({ state: 'hub', uncertaintyMs: 50 });
    expect(learned).toEqual(['hub']);
  });

  it.each([TEN_YEARS_MS, -TEN_YEARS_MS, 3_600_000])(
    'keeps the time through a step of the box by %d ms',
    async (stepMs) => {
      const { base, clock, errorMs, pass } = box({ ntp: true });
      await pass(10);
      base.wallOffsetMs += stepMs;
      await pass(20);
      expect(Math.abs(errorMs())).toBeLessThan(1);
      expect(clock.wall().state).toBe('ntp');
      // settimeofday takes the kernel's mark of synchronisation away; without it the step is never believed.
      base.state = 'unsynced';
      await pass(3_600);
      expect(Math.abs(errorMs())).toBeLessThan(1);
      base.wallOffsetMs -= stepMs;
      base.state = 'ntp';
      await pass(60);
      expect(Math.abs(errorMs())).toBeLessThan(1);
    },
  );

  it('takes a stepped time that the kernel stands by for half a minute: the first may have been the wrong one', async () => {
    const { base, errorMs, pass } = box({ ntp: true, wrongByMs: TEN_YEARS_MS });
    base.wallOffsetMs -= TEN_YEARS_MS;
    await pass(25);
    expect(errorMs()).toBeCloseTo(TEN_YEARS_MS, -3);
    await pass(10);
    expect(Math.abs(errorMs())).toBeLessThan(1);
  });

  it('follows a smeared leap second, and one that is stepped, without a doubt', async () => {
    const { base, clock, pass } = box({ ntp: true });
    for (let n = 0; n < 1000; n++) {
      base.wallOffsetMs -= 1;
      await pass(1);
    }
    expect(clock.wall().wallMs).toBeCloseTo(base.wall().wallMs, 3);
    base.wallOffsetMs -= 1000;
    await pass(1);
    expect(clock.wall().wallMs).toBeCloseTo(base.wall().wallMs, 3);
  });

  it('prefers ntp to gps to the hub, and of one kind the more certain', async () => {
    const { base, clock, learned } = box({ wrongByMs: -TEN_YEARS_MS });
    await base.advance(1000);
    clock.observeHub(TRUE_MS + 800, 0, 1_000_000);
    expect(clock.wall().uncertaintyMs).toBe(500);
    clock.observeHub(TRUE_MS + 990, 980_000, 1_000_000);
    expect(clock.wall().uncertaintyMs).toBe(10);
    clock.observeHub(TRUE_MS + 400, 200_000, 1_000_000);
    expect(clock.wall().uncertaintyMs).toBe(10);
    clock.observeGps(TRUE_MS + 1000, 1_000_000, 1000);
    clock.observeHub(TRUE_MS + 990, 980_000, 1_000_000);
    expect(clock.wall()).toMatchObject({ state: 'gps', wallMs: TRUE_MS + 1000 });
    base.wallOffsetMs = TRUE_MS;
    base.state = 'ntp';
    clock.observeSystem();
    expect(learned).toEqual(['hub', 'gps', 'ntp']);
  });

  it('grows less certain with the age of what it knows', async () => {
    const { base, clock } = box();
    clock.observeHub(TRUE_MS, 0, 0);
    await base.advance(86_400_000);
    expect(clock.wall().uncertaintyMs).toBeCloseTo(1 + 8_640, 3);
  });
});

describe('GPS time', () => {
  const options = { earliestMs: Date.UTC(2025, 0, 1), latestMs: Date.UTC(2080, 0, 1) };
  const feed = (gps: GpsTime, times: readonly (readonly [utcMs: number, atMs: number])[]) =>
    times.map(([utcMs, atMs]) => gps.observe('gps-1', utcMs, atMs * 1000));

  it('is believed after five fixes that advance with monotonic time', () => {
    const times = [0, 1, 2, 3, 4].map((n) => [TRUE_MS + n * 1000, n * 1000 + (n % 2) * 300] as const);
    expect(feed(new GpsTime(options), times)).toEqual([false, false, false, false, true]);
  });

  it.each([
    ['stands still', [0, 1, 2, 3, 4, 5].map((n) => [TRUE_MS, n * 1000] as const)],
    ['jumps', [0, 1, 2, 3, 4, 5].map((n) => [TRUE_MS + n * 60_000, n * 1000] as const)],
    [
      'is 1,024 weeks behind',
      [0, 1, 2, 3, 4, 5].map((n) => [TRUE_MS - 1024 * 7 * 86_400_000 + n * 1000, n * 1000] as const),
    ],
    ['comes in one burst', [0, 1, 2, 3, 4, 5].map((n) => [TRUE_MS + n, n] as const)],
    ['is no number', [0, 1, 2, 3, 4, 5].map((n) => [Number.NaN, n * 1000] as const)],
  ])('is not believed when it %s', (_, times) => {
    expect(feed(new GpsTime(options), times)).not.toContain(true);
  });

  it('starts again after a receiver came back with another time', () => {
    const gps = new GpsTime(options);
    const run = (fromMs: number, utcMs: number) =>
      feed(
        gps,
        [0, 1, 2, 3, 4].map((n) => [utcMs + n * 1000, fromMs + n * 1000] as const),
      );
    expect(run(0, TRUE_MS).at(-1)).toBe(true);
    expect(run(10_000, TRUE_MS - TEN_YEARS_MS + 9 * TEN_YEARS_MS)).not.toContain(true);
    expect(run(20_000, TRUE_MS + 20_000)).toEqual([false, false, false, false, true]);
  });
});

describe('clocks of earlier boots', () => {
  const learned = { bootId: 3, monotonicUs: 5, wallMs: TRUE_MS, state: 'gps', uncertaintyMs: 9 } as const;
  const recordOf = (bootId: number) => {
    const buffer = Buffer.alloc(33);
    const time = { bootId, monotonicUs: 1, wallMs: 1, state: 'unsynced', uncertaintyMs: 1 } as const;
    writeRecord(buffer, 0, { sequence: 1, time, payload: Buffer.from('x') });
    return buffer;
  };

  it('survive a restart, and go with the records of their boots alone', async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder('/state');
    const first = await BootClocks.open({ disk, folder: '/state', log: silentLog });
    first.learn(learned);
    for (let bootId = 100; bootId < 110; bootId++) first.learn({ ...learned, bootId });
    await first.settled();
    const second = await BootClocks.open({ disk, folder: '/state', log: silentLog });
    expect(second.of(Buffer.concat([recordOf(3), recordOf(3), recordOf(9), recordOf(105)]), 105)).toEqual([learned]);
  });

  it.each(['', 'not json', '{"format":2,"boots":[]}', '{"format":1,"boots":[{"bootId":"x"}]}'])(
    'are none when the file is %j',
    async (content) => {
      const disk = new MemoryDisk();
      await disk.makeFolder('/state');
      const file = await disk.open('/state/clocks.json', { create: true });
      await file.write(Buffer.from(content), 0);
      const clocks = await BootClocks.open({ disk, folder: '/state', log: silentLog });
      expect(clocks.of(recordOf(3), 105)).toEqual([]);
    },
  );
});

describe('TimeAskingLink', () => {
  function connection(options: { ntp?: boolean } = {}) {
    const { base, clock } = box({ wrongByMs: -TEN_YEARS_MS, ...options });
    const asked: number[] = [];
    const states: boolean[] = [];
    let say = (_connected: boolean) => {};
    let tell = (_topic: string, _payload: Buffer) => {};
    const inner = { connected: false, publish: async () => {}, fault: () => undefined, close: async () => {} };
    const link: Link = Object.assign(inner, {
      onState: (listener: typeof say) => {
        say = listener;
      },
      onMessage: (listener: typeof tell) => {
        tell = listener;
      },
    });
    const asking = new TimeAskingLink({
      link,
      clock,
      log: silentLog,
      answerTopic: 'ack',
      ask: async (askedUs) => void asked.push(askedUs),
    });
    asking.onState((connected) => states.push(connected));
    const connect = (connected: boolean) => {
      inner.connected = connected;
      say(connected);
    };
    const answer = (askedUs: number) => {
      const hubWallMs = Math.round(TRUE_MS + base.monotonicUs() / 1000);
      tell('ack', encodeHubTime({ hubWallMs, askedUs }));
    };
    return { base, clock, asking, asked, states, connect, answer };
  }

  it('is connected once the hub has told the time', async () => {
    const { base, clock, asking, asked, states, connect, answer } = connection();
    connect(true);
    expect(asked).toEqual([0]);
    await base.advance(40);
    expect(asking.connected).toBe(false);
    answer(12_345);
    expect(states).toEqual([]);
    answer(0);
    expect(states).toEqual([true]);
    expect(clock.known()).toMatchObject({ state: 'hub', uncertaintyMs: 20 });
    connect(false);
    expect(states).toEqual([true, false]);
    connect(true);
    expect(states).toEqual([true, false, true]);
    expect(asked).toEqual([0]);
  });

  it('does not wait for ever, and asks again later', async () => {
    const { base, clock, asked, states, connect, answer } = connection();
    connect(true);
    await base.advance(4_999);
    expect(states).toEqual([]);
    await base.advance(2);
    expect(states).toEqual([true]);
    await base.advance(900_000);
    expect(asked).toHaveLength(6);
    answer(asked.at(-1) ?? 0);
    expect(clock.wall().state).toBe('hub');
  });

  it('asks nobody when the box knows the time', () => {
    const { asked, states, connect } = connection({ ntp: true });
    connect(true);
    expect([asked, states]).toEqual([[], [true]]);
  });
});
