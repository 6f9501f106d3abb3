import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { type DriverRun, runDriver } from '../../transport/run-driver.test-support.ts';
import { portEndContract } from '../port-end.contract.ts';
import { driver } from './driver.ts';
import exchanges from './fixtures/exchanges.json' with { type: 'json' };

const OPTIONS = { path: '/dev/serial/by-id/x' };
const SETUP = ['ATZ', 'ATE0', 'ATL0', 'ATS0', 'ATH0', 'ATSP0'];
const BITMAPS = ['0100', '0120', '0140', '0160', '0180', '01A0'];
const DRIVING = { kind: 'vehicle', speedMetersPerSecond: 13.889, engineRpm: 1726 };

function answer(name: string): string {
  return named(exchanges, name).answer;
}

/** Names of fixtures by request, in place of the usual answers. */
type Answers = Record<string, string>;

function adapter(instead: Answers = {}, pieces: number[] = []): MemoryTransport {
  return new MemoryTransport((bytes, device) => {
    const name = instead[requestOf(bytes)];
    device.feed(name === undefined ? usual(bytes) : answer(name), pieces);
  });
}

const requestOf = (bytes: Buffer) => bytes.toString('latin1').trimEnd();

function usual(bytes: Buffer): string {
  const request = requestOf(bytes);
  const found = exchanges.find((one) => one.request === request);
  return found?.answer ?? answer(request.startsWith('AT') ? 'ok' : 'no data');
}

const sent = (device: MemoryTransport) => device.writes.map(requestOf);

async function ran(ms: number, device: MemoryTransport, options: object = {}): Promise<DriverRun> {
  const run = runDriver(driver, { ...OPTIONS, ...options }, device);
  await run.clock.advance(ms);
  return run;
}

describe('elm327', () => {
  it('sets the adapter up, asks what there is, then asks for it again and again', async () => {
    const device = adapter();
    const run = await ran(2_500, device);
    expect(sent(device)).toEqual([...SETUP, ...BITMAPS, '010D', '010C', '01A6', '010D', '010C', '010D', '010C']);
    expect(run.measured()).toEqual([{ ...DRIVING, odometerMeters: 100_000_000 }, DRIVING, DRIVING]);
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });

  it('reads the same however the answers are cut', async () => {
    for (const pieces of [[1], [2], [3, 1], [7, 2, 5], [15]]) {
      const run = await ran(1_000, adapter({}, pieces));
      expect(run.measured()).toEqual([{ ...DRIVING, odometerMeters: 100_000_000 }]);
      expect(run.stats.discardedBytes).toBe(0);
      await run.stop();
    }
  });

  it('takes copies as they are: echo, refused commands, SEARCHING, no bitmaps of later values', async () => {
    const device = adapter({
      ATE0: 'unknown command',
      ATS0: 'unknown command',
      '0100': 'searching, then supported',
      '010D': 'speed with echo',
    });
    const run = await ran(500, device, { protocol: 6 });
    expect(sent(device)).toEqual([...SETUP.slice(0, 5), 'ATSP6', '0100', '010D', '010C']);
    expect(run.measured()).toEqual([DRIVING]);
    await run.stop();
  });

  it('takes the highest where several modules answer', async () => {
    const run = await ran(500, adapter({ '010D': 'two modules' }));
    expect(run.measured()).toMatchObject([{ speedMetersPerSecond: 13.889 }]);
    await run.stop();
  });

  it('asks for the odometer less often, and for what the options say', async () => {
    const often = await ran(5_500, adapter(), { odometerIntervalMs: 2_000 });
    expect(often.measured().filter((reading) => 'odometerMeters' in reading)).toHaveLength(3);
    await often.stop();
    const since = await ran(500, adapter({ '0140': 'no data' }), { odometer: 'since-cleared' });
    expect(since.measured()).toEqual([{ ...DRIVING, odometerMeters: 12_345_000 }]);
    await since.stop();
    const none = await ran(500, adapter(), { odometer: 'none' });
    expect(none.measured()).toEqual([DRIVING]);
    await none.stop();
  });

  it('gives up a value that never comes, and goes on with the others', async () => {
    const device = adapter({ '010C': 'no data' });
    const run = await ran(20_500, device);
    expect(sent(device).filter((request) => request === '010C')).toHaveLength(5);
    expect(run.measured()).toHaveLength(21);
    await run.stop();
  });

  it('says once that a vehicle is parked, tries less often, and says that it is back', async () => {
    const answers: Answers = { '0100': 'unable to connect' };
    const device = adapter(answers);
    const run = await ran(65_000, device, { parkedIntervalMs: 30_000 });
    expect(run.statuses()).toEqual([
      'vehicle-not-answering: the vehicle does not answer: parked, or its ignition is off',
    ]);
    expect(sent(device)).toEqual([...SETUP, '0100', '0100', '0100']);
    delete answers['0100'];
    await run.clock.advance(30_000);
    expect(run.statuses().slice(1)).toEqual(['vehicle-answers: the vehicle answers again']);
    expect(run.measured()[0]).toMatchObject(DRIVING);
    Object.assign(answers, { '0100': 'no data', '010C': 'no data', '010D': 'no data' });
    await run.clock.advance(60_000);
    expect(run.statuses()).toHaveLength(3);
    await run.stop();
  });

  it('tells trouble on the bus', async () => {
    const run = await ran(1_000, adapter({ '0100': 'bus init error' }));
    expect(run.statuses()).toEqual([expect.stringMatching(/^vehicle-bus-error: .*bus-init-error/)]);
    await run.stop();
  });

  it.each(['low voltage reset', 'internal error 94', 'reset'])('sets up anew after "%s"', async (name) => {
    const answers: Answers = {};
    const device = adapter(answers);
    const run = await ran(1_500, device);
    answers['010D'] = name;
    await run.clock.advance(1_000);
    delete answers['010D'];
    await run.clock.advance(2_000);
    expect(sent(device).filter((request) => request === 'ATZ').length).toBeGreaterThan(1);
    expect(run.measured().length).toBeGreaterThan(3);
    await run.stop();
  });

  it('repeats a reset that stopped something', async () => {
    let first = true;
    const device = new MemoryTransport((bytes, transport) => {
      transport.feed(first ? answer('stopped') : usual(bytes));
      first = false;
    });
    const run = await ran(1_500, device);
    expect(sent(device).slice(0, 3)).toEqual(['ATZ', 'ATZ', 'ATE0']);
    expect(run.measured()).not.toEqual([]);
    await run.stop();
  });

  it('does not take a late answer for the next one’s', async () => {
    let late = true;
    const slow = new MemoryTransport((bytes, transport) => {
      const isSpeed = requestOf(bytes) === '010D';
      if (!isSpeed || !late) transport.feed(usual(bytes));
      // Speed 255, after its time.
      else run.clock.after(3_050, () => transport.feed('41 0D FF\r\r>'));
      if (isSpeed) late = false;
    });
    const run = runDriver(driver, { ...OPTIONS, odometer: 'none' }, slow);
    await run.clock.advance(6_000);
    expect(new Set(run.measured().map((reading) => JSON.stringify(reading)))).toEqual(
      new Set([JSON.stringify(DRIVING)]),
    );
    await run.stop();
  });

  it('counts noise, and reads on behind it', async () => {
    const device = adapter();
    const run = await ran(1_500, device);
    device.feed(Buffer.concat([Buffer.alloc(40, 0), Buffer.from('zz>41 0D>')]));
    await run.clock.advance(3_000);
    expect(run.measured().length).toBeGreaterThan(3);
    expect(run.stats.discardedBytes).toBeGreaterThanOrEqual(40);
    await run.stop();
  });

  it('ends with device-silent without a prompt, at the start and later', async () => {
    const nobody = await ran(30_000, new MemoryTransport());
    expect(await nobody.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringMatching(/no prompt in 3 tries of 3000 ms.*38400/),
    });
    let gone = false;
    const device = new MemoryTransport((bytes, transport) => {
      if (!gone) transport.feed(usual(bytes));
    });
    const run = await ran(2_500, device);
    gone = true;
    await run.clock.advance(30_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
  });

  portEndContract(async () => {
    const device = adapter();
    return { device, run: await ran(500, device) };
  }, '41 0');
});

it.each([[{ protocol: 13 }], [{ odometer: 'a6' }], [{ intervalMs: 10 }], [{ baud: 9600 }]])(
  'refuses the options %j',
  (options) => {
    expect(driver.options.safeParse({ ...OPTIONS, ...options }).success).toBe(false);
  },
);
