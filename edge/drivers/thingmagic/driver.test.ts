import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { type DriverRun, runDriver } from '../../transport/run-driver.test-support.ts';
import { portEndContract } from '../port-end.contract.ts';
import { driver } from './driver.ts';
import exchanges from './fixtures/exchanges.json' with { type: 'json' };

const OPTIONS = { path: '/dev/serial/by-id/x', region: 'na2' };
const START = exchange('start streaming').request;
const STOP = exchange('stop streaming').request;

const FIRST = { kind: 'tag', epcHex: '000000000000000000001545', antenna: 1, rssiDbm: -51, reads: 1 };
const SHORT = { kind: 'tag', epcHex: '596f596f', antenna: 1, rssiDbm: -57, reads: 1 };
const streamed = frame('streamed tag, -51 dBm');
const idle = frame('streaming, cycle without tag');

function exchange(name: string): { request: string; answer: string } {
  return named(exchanges, name);
}

function frame(name: string): Buffer {
  return Buffer.from(exchange(name).answer, 'hex');
}

/** A module that answers as the log of a real one; `instead` are exchanges that take precedence. */
function module(instead: string[] = [], pieces: number[] = []): MemoryTransport {
  const known = [...instead.map(exchange), ...exchanges.filter(({ name }) => name !== 'region: none')];
  return new MemoryTransport((bytes, device) => {
    const found = known.find((one) => one.request === bytes.toString('hex'));
    if (found) device.feed(Buffer.from(found.answer, 'hex'), pieces);
  });
}

const sent = (device: MemoryTransport) => device.writes.map((bytes) => bytes.toString('hex'));

async function started(options: object = {}, device = module()): Promise<{ device: MemoryTransport; run: DriverRun }> {
  const run = runDriver(driver, { ...OPTIONS, ...options }, device);
  await run.clock.advance(10);
  return { device, run };
}

describe('thingmagic', () => {
  it('goes through the same dialogue as the maker’s own program', async () => {
    const { device, run } = await started({ transmitPowerDbm: 27 });
    const names = ['stop streaming', 'version', 'current program: application', 'set region NA2', 'set Gen 2'];
    const more = ['set antennas 1', 'set power 27 dBm', 'read filter off', 'start streaming'];
    expect(sent(device)).toEqual([...names, ...more].map((name) => exchange(name).request));
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });

  it('reads streamed tags of the log, split at every offset', async () => {
    const stream = Buffer.concat([streamed, idle, frame('streamed tag, EPC of 32 bits')]);
    for (let at = 1; at < stream.length; at++) {
      const { device, run } = await started();
      device.feed(stream.subarray(0, at));
      await run.clock.advance(20);
      device.feed(stream.subarray(at));
      await run.clock.advance(20);
      expect(run.measured()).toEqual([FIRST, SHORT]);
      expect(run.stats).toMatchObject({ discardedBytes: 0, checksumErrors: 0 });
      await run.stop();
    }
  });

  it('boots a module that is in its boot loader', async () => {
    const { device, run } = await started({}, module(['current program: boot loader']));
    expect(sent(device).slice(2, 4)).toEqual([
      exchange('current program: application').request,
      exchange('boot firmware').request,
    ]);
    expect(sent(device).at(-1)).toBe(START);
    await run.stop();
  });

  it('takes the region that the module has, and says what is missing when it has none', async () => {
    const own = { region: undefined };
    const { device, run } = await started(own);
    expect(sent(device)).toContain(exchange('region: NA2').request);
    expect(sent(device).at(-1)).toBe(START);
    await run.stop();
    const none = await started(own, module(['region: none']));
    expect(await none.run.ended).toMatchObject({
      code: 'reader-refused',
      message: expect.stringContaining("'region'"),
    });
  });

  it('finds tags in noise, behind a torn frame, and beside one with a wrong CRC', async () => {
    const { device, run } = await started();
    const wrong = Buffer.from(streamed);
    wrong[20] = 0x55;
    device.feed(Buffer.from('00ff28220000', 'hex'));
    await run.clock.advance(200);
    device.feed(Buffer.concat([wrong, streamed]));
    device.feed(streamed.subarray(0, 30));
    await run.clock.advance(200);
    device.feed(streamed);
    await run.clock.advance(200);
    expect(run.measured()).toEqual([FIRST, FIRST]);
    expect(run.stats.discardedBytes).toBe(6 + wrong.length + 30);
    expect(run.stats.checksumErrors).toBeGreaterThan(0);
    await run.stop();
  });

  it('tells what ails the module, each once, and goes on', async () => {
    const { device, run } = await started();
    const names = ['too hot', 'antenna not connected', 'high return loss', 'input voltage', 'too hot'];
    device.feed(Buffer.concat([...names.map(frame), idle, streamed]));
    await run.clock.advance(10);
    expect(run.statuses().map((text) => text.split(':')[0])).toEqual([
      'reader-too-hot',
      'antenna-disconnected',
      'antenna-return-loss',
      'reader-exception',
    ]);
    expect(run.measured()).toEqual([FIRST]);
    await run.stop();
  });

  it('sets up and starts again when the module falls quiet, or says that it has stopped', async () => {
    const { device, run } = await started({ cycleMs: 1_000, answerTimeoutMs: 500 });
    for (let i = 0; i < 3; i++) {
      await run.clock.advance(3_000);
      device.feed(idle);
    }
    expect(sent(device).filter((request) => request === START)).toHaveLength(1);
    await run.clock.advance(3_600);
    expect(sent(device).filter((request) => request === START)).toHaveLength(2);
    device.feed(frame('stop streaming'));
    await run.clock.advance(50);
    expect(sent(device).filter((request) => request === START)).toHaveLength(3);
    await run.stop();
  });

  it('goes on with its own power where the module refuses another, and ends where it refuses the region', async () => {
    const { device, run } = await started({ transmitPowerDbm: 27 }, module(['power too high']));
    expect(run.statuses()).toEqual([
      'reader-config-refused: the module refuses 27 dBm, its own setting holds: power-too-high',
    ]);
    expect(sent(device).at(-1)).toBe(START);
    await run.stop();
    const refused = await started({}, module(['invalid region']));
    expect(await refused.run.ended).toMatchObject({
      code: 'reader-refused',
      message: "the module refuses the region 'na2': invalid-region",
    });
  });

  it('asks a module that knows no streaming cycle by cycle, through its buffer', async () => {
    const answers = module(['unknown command 2F']);
    let reads = 0;
    const device = new MemoryTransport((bytes, transport) => {
      const opcode = bytes[2];
      if (opcode === 0x22)
        transport.feed(frame(++reads === 1 ? 'read multiple, 2 tags' : 'streaming, cycle without tag'));
      else if (opcode === 0x29) transport.feed(frame('tag buffer, 2 tags'));
      else {
        void answers.write(bytes).then(async () => {
          const { value } = await answers.incoming.next();
          if (value) transport.feed(value);
        });
      }
    });
    const { run } = await started({}, device);
    await run.clock.advance(100);
    expect(run.measured()).toEqual([
      { ...FIRST, rssiDbm: -33, reads: 11 },
      { ...SHORT, rssiDbm: -60, reads: 1 },
    ]);
    await run.stop();
  });

  it('ends with device-silent when nothing answers', async () => {
    const run = runDriver(driver, OPTIONS, new MemoryTransport());
    await run.clock.advance(10_000);
    expect(await run.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringMatching(/3 tries of 1000 ms.*115200/),
    });
  });

  it('tells the module to stop when it is told to stop', async () => {
    const { device, run } = await started();
    await run.stop();
    expect(sent(device).at(-1)).toBe(STOP);
    expect(run.clock.timers).toBe(0);
  });

  portEndContract(started, streamed.subarray(0, 20));
});

it.each([[{ region: 'mars' }], [{ antennas: [] }], [{ antennas: [17] }], [{ transmitPowerDbm: 40 }], [{ cycleMs: 5 }]])(
  'refuses the options %j',
  (options) => {
    expect(driver.options.safeParse({ ...OPTIONS, ...options }).success).toBe(false);
  },
);
