import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { type DriverRun, runDriver } from '../../transport/run-driver.test-support.ts';
import { portEndContract } from '../port-end.contract.ts';
import { driver } from './driver.ts';
import exchanges from './fixtures/exchanges.json' with { type: 'json' };

const OPTIONS = { path: '/dev/serial/by-id/x' };
const MULTI_POLL = 'bb0027000322ffff4a7e';
const STOP = 'bb00280000287e';

const CAPTURED = { kind: 'tag', epcHex: 'e200001d7315016521408fc6', antenna: 1, rssiDbm: -60, reads: 1 };
const MANUAL = { kind: 'tag', epcHex: '30751feb705c5904e3d50d70', antenna: 1, rssiDbm: -55, reads: 1 };

function answer(name: string): Buffer {
  return Buffer.from(named(exchanges, name).answer, 'hex');
}

const tag = answer('multi poll, a captured tag');
const noTag = answer('multi poll, no tag');

/** A module that answers as the manual says; `refuses` are requests that it answers with "unknown command". */
function module(refuses: string[] = []): MemoryTransport {
  return new MemoryTransport((bytes, device) => {
    const request = bytes.toString('hex');
    if (request === MULTI_POLL) return;
    const known = exchanges.find((one) => one.request === request);
    if (refuses.some((start) => request.startsWith(start))) device.feed(answer('unknown command'));
    else if (known) device.feed(Buffer.from(known.answer, 'hex'));
  });
}

const sent = (device: MemoryTransport) => device.writes.map((bytes) => bytes.toString('hex'));

async function started(options: object = {}, device = module()): Promise<{ device: MemoryTransport; run: DriverRun }> {
  const run = runDriver(driver, { ...OPTIONS, ...options }, device);
  await run.clock.advance(10);
  return { device, run };
}

describe('r200', () => {
  it('stops what runs, asks who is there, and polls without end; nothing is set that is not configured', async () => {
    const { device, run } = await started();
    expect(sent(device)).toEqual([STOP, 'bb0003000100047e', MULTI_POLL]);
    await run.stop();
  });

  it('sets region and power', async () => {
    const { device, run } = await started({ region: 'china-900', transmitPowerDbm: 20 });
    expect(sent(device)).toEqual([
      STOP,
      'bb0003000100047e',
      'bb000700010109 7e'.replace(' ', ''),
      'bb00b6000207d08f7e',
      MULTI_POLL,
    ]);
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });

  it('reads outside frames, split at every offset', async () => {
    const stream = Buffer.concat([tag, noTag, answer("multi poll, the manual's tag"), noTag]);
    for (let at = 1; at < stream.length; at++) {
      const { device, run } = await started();
      device.feed(stream.subarray(0, at));
      await run.clock.advance(20);
      device.feed(stream.subarray(at));
      await run.clock.advance(20);
      expect(run.measured()).toEqual([CAPTURED, MANUAL]);
      expect(run.statuses()).toEqual([]);
      expect(run.stats).toMatchObject({ discardedBytes: 0, checksumErrors: 0 });
      await run.stop();
    }
  });

  it('finds tags in noise, behind a torn frame, and beside one with a wrong sum', async () => {
    const { device, run } = await started({ antenna: 3 });
    const wrong = Buffer.from(tag);
    wrong[10] = 0x55;
    device.feed(Buffer.from('00bb02ffbb0222', 'hex'));
    await run.clock.advance(200);
    device.feed(Buffer.concat([wrong, tag]));
    device.feed(tag.subarray(0, 12));
    await run.clock.advance(200);
    device.feed(tag);
    await run.clock.advance(200);
    expect(run.measured()).toEqual([
      { ...CAPTURED, antenna: 3 },
      { ...CAPTURED, antenna: 3 },
    ]);
    expect(run.stats).toMatchObject({ checksumErrors: 1, discardedBytes: 7 + wrong.length + 12 });
    await run.stop();
  });

  it('does not take a tag whose own CRC is wrong, and says so once', async () => {
    const { device, run } = await started();
    // Tag CRC b83e → b83f, and the frame's sum with it.
    const spoilt = Buffer.from(tag.toString('hex').replace('b83ec27e', 'b83fc37e'), 'hex');
    device.feed(Buffer.concat([spoilt, spoilt]));
    await run.clock.advance(10);
    expect(run.measured()).toEqual([]);
    expect(run.statuses()).toEqual([expect.stringMatching(/^tag-unreadable: /)]);
    expect(run.stats.discardedBytes).toBe(2 * spoilt.length);
    await run.stop();
  });

  it('tells an error that is not "no tag", once', async () => {
    const { device, run } = await started();
    const hopping = Buffer.from('bb01ff000120217e', 'hex');
    device.feed(Buffer.concat([noTag, hopping, noTag, hopping]));
    await run.clock.advance(10);
    expect(run.statuses()).toEqual(['reader-exception: the module reports an error: frequency-hopping-timeout']);
    await run.stop();
  });

  it('sets up and starts again when the module falls quiet', async () => {
    const { device, run } = await started({ quietMs: 1_000 });
    device.feed(tag);
    await run.clock.advance(900);
    expect(device.writes).toHaveLength(3);
    await run.clock.advance(200);
    expect(sent(device).slice(3)).toEqual([STOP, 'bb0003000100047e', MULTI_POLL]);
    await run.stop();
  });

  it('goes on with its own power where the module refuses another, and ends where it refuses the region', async () => {
    const weak = await started({ transmitPowerDbm: 20 }, module(['bb00b6']));
    expect(weak.run.statuses()).toEqual([
      'reader-config-refused: the module refuses 20 dBm (unknown-command), its own setting holds',
    ]);
    expect(sent(weak.device).at(-1)).toBe(MULTI_POLL);
    await weak.run.stop();

    const { run } = await started({ region: 'china-900' }, module(['bb0007']));
    expect(await run.ended).toMatchObject({ code: 'reader-refused', message: expect.stringContaining('china-900') });
  });

  it('ends with device-silent when nothing answers, and wakes a module that sleeps', async () => {
    const silent = runDriver(driver, OPTIONS, new MemoryTransport());
    await silent.clock.advance(5_000);
    expect(await silent.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringMatching(/3 tries of 500 ms.*115200/),
    });

    let heard = 0;
    const sleepy = new MemoryTransport((bytes, device) => {
      const known = exchanges.find((one) => one.request === bytes.toString('hex'));
      if (++heard > 2 && known) device.feed(Buffer.from(known.answer, 'hex'));
    });
    const run = runDriver(driver, OPTIONS, sleepy);
    await run.clock.advance(5_000);
    expect(run.measured()).toContainEqual(CAPTURED);
    await run.stop();
  });

  it('stops the poll when it is told to stop', async () => {
    const { device, run } = await started();
    await run.stop();
    expect(sent(device).at(-1)).toBe(STOP);
    expect(run.clock.timers).toBe(0);
  });

  portEndContract(started, tag.subarray(0, 9));

  it('stays within bounds and on time while the module floods it during setup', async () => {
    const device = new MemoryTransport((_bytes, transport) => {
      for (let i = 0; i < 1_000; i++) transport.feed(tag);
    });
    const run = runDriver(driver, OPTIONS, device);
    await run.clock.advance(10_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
    expect(run.readings).toEqual([]);
  });
});

it.each([[{ region: 'mars' }], [{ transmitPowerDbm: 40 }], [{ antenna: 0 }], [{ quietMs: 10 }], [{ power: 20 }]])(
  'refuses the options %j',
  (options) => {
    expect(driver.options.safeParse({ ...OPTIONS, ...options }).success).toBe(false);
  },
);
