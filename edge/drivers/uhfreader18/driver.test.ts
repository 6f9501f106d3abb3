import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { type DriverRun, runDriver } from '../../transport/run-driver.test-support.ts';
import { portEndContract } from '../port-end.contract.ts';
import { driver } from './driver.ts';
import exchanges from './fixtures/exchanges.json' with { type: 'json' };

const OPTIONS = { path: '/dev/serial/by-path/x' };
const INVENTORY = exchange('inventory, no tag').request;

const LONG = { kind: 'tag', epcHex: 'e284361100001000094944aa', antenna: 1, reads: 1 };
const SHORT = { kind: 'tag', epcHex: '596f596f', antenna: 1, reads: 1 };

function exchange(name: string): { request: string; answer: string } {
  return named(exchanges, name);
}

/** A reader that answers these exchanges, and is in answer mode; of several for one request the next each time, the last for ever. */
function reader(names: string[], pieces: number[] = []): MemoryTransport {
  const known = names.map(exchange);
  const usual = ['reader information', 'work mode: answer'].map(exchange);
  const turns = new Map<string, number>();
  return new MemoryTransport((bytes, device) => {
    const request = bytes.toString('hex');
    const turn = turns.get(request) ?? 0;
    turns.set(request, turn + 1);
    const answers = known.filter((one) => one.request === request);
    const answer = answers[Math.min(turn, answers.length - 1)] ?? usual.find((one) => one.request === request);
    if (answer) device.feed(Buffer.from(answer.answer, 'hex'), pieces);
  });
}

const sent = (device: MemoryTransport) => device.writes.map((bytes) => bytes.toString('hex'));

async function ran(ms: number, options: object, device: MemoryTransport): Promise<DriverRun> {
  const run = runDriver(driver, { ...OPTIONS, ...options }, device);
  await run.clock.advance(ms);
  return run;
}

describe('uhfreader18', () => {
  it('asks who is there, and inventories again and again; nothing is written that is not configured', async () => {
    const device = reader(['inventory, no tag']);
    const run = await ran(110, { pauseMs: 50 }, device);
    expect(sent(device)).toEqual([
      exchange('reader information').request,
      exchange('work mode: answer').request,
      INVENTORY,
      INVENTORY,
      INVENTORY,
    ]);
    expect(run.readings).toEqual([]);
    await run.stop();
  });

  it('reads tags of different length, split at every offset', async () => {
    const length = exchange('inventory, two tags of different length').answer.length / 2;
    for (let at = 1; at < length; at++) {
      const device = reader(['inventory, two tags of different length', 'inventory, no tag'], [at, 99]);
      const run = await ran(100, {}, device);
      expect(run.measured()).toEqual([LONG, SHORT]);
      expect(run.stats).toMatchObject({ discardedBytes: 0, checksumErrors: 0 });
      await run.stop();
    }
  });

  it('puts an inventory of several frames together', async () => {
    const device = reader(['inventory in two frames', 'inventory, no tag']);
    const run = await ran(100, { antenna: 4 }, device);
    expect(run.measured()).toEqual([
      { ...LONG, antenna: 4 },
      { ...LONG, antenna: 4, epcHex: '300833b2ddd9014000000001' },
    ]);
    await run.stop();
  });

  it('writes to the EEPROM only what differs', async () => {
    const names = ['set power 20 dBm', 'set region us', 'set scan time 300 ms', 'inventory, no tag'];
    const differs = reader(names);
    const run = await ran(20, { transmitPowerDbm: 20, region: { band: 'us' }, scanTimeMs: 300 }, differs);
    expect(sent(differs).slice(1, 4)).toEqual(
      ['set region us', 'set power 20 dBm', 'set scan time 300 ms'].map((name) => exchange(name).request),
    );
    await run.stop();

    const same = reader(['inventory, no tag']);
    const region = { band: 'user', firstChannel: 0, lastChannel: 32 };
    const other = await ran(20, { transmitPowerDbm: 30, region, scanTimeMs: 1000 }, same);
    expect(new Set(sent(same))).toEqual(
      new Set(['reader information', 'work mode: answer', 'inventory, no tag'].map((name) => exchange(name).request)),
    );
    await other.stop();
  });

  it('goes on with its own power where the reader refuses another, and ends where it refuses the band', async () => {
    const weak = reader(['power not adjustable', 'inventory, no tag']);
    const run = await ran(20, { transmitPowerDbm: 20 }, weak);
    expect(run.statuses()).toEqual(['reader-config-refused: the reader refuses 20 dBm: power-not-adjustable']);
    expect(sent(weak)).toContain(INVENTORY);
    await run.stop();
    const refused = await ran(20, { region: { band: 'us' } }, reader(['wrong region']));
    expect(await refused.ended).toMatchObject({ code: 'reader-refused', message: expect.stringContaining("'us'") });
  });

  it('takes a reader out of scan mode, and counts what it reports until then', async () => {
    const device = reader(['work mode: scan', 'set answer mode', 'inventory, no tag']);
    device.feed(Buffer.from(exchange('tag report in scan mode').answer, 'hex'));
    const run = await ran(100, {}, device);
    expect(sent(device)).toContain(exchange('set answer mode').request);
    expect(run.measured()).toEqual([{ ...LONG, epcHex: '2000708c2b380b2d00000000' }]);
    await run.stop();
  });

  it('takes one that knows no work mode for one in answer mode', async () => {
    const known = reader(['illegal command', 'inventory, no tag']);
    const run = await ran(20, {}, known);
    expect(sent(known)).toContain(INVENTORY);
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });

  it('tells what ails the reader, each once, and goes on', async () => {
    const names = ['inventory, antenna error', 'inventory, execution error', 'inventory, antenna error'];
    const device = reader([...names, 'inventory, two tags of different length', 'inventory, no tag']);
    const run = await ran(500, {}, device);
    expect(run.statuses()).toEqual([
      'antenna-disconnected: the reader finds no antenna: check its cable',
      'reader-exception: the reader reports an error: execution-error',
    ]);
    expect(run.measured()).toEqual([LONG, SHORT]);
    await run.stop();
  });

  it('finds the answer in noise, and asks again where its CRC is wrong', async () => {
    const good = Buffer.from(exchange('inventory, two tags of different length').answer, 'hex');
    const wrong = Buffer.from(good);
    wrong[9] = 0;
    let inventories = 0;
    const device = new MemoryTransport((bytes, transport) => {
      const request = bytes.toString('hex');
      const found = exchanges.find((one) => one.request === request);
      if (request !== INVENTORY) transport.feed(Buffer.from(found?.answer ?? '', 'hex'));
      else if (++inventories === 1) transport.feed(wrong);
      else if (inventories === 2) transport.feed(Buffer.concat([Buffer.from('00ff01', 'hex'), good]));
    });
    const run = await ran(3_600, {}, device);
    expect(run.measured()).toEqual([LONG, SHORT]);
    expect(run.stats.checksumErrors).toBeGreaterThan(0);
    await run.stop();
  });

  it('ends with device-silent when nobody answers, and when a reader falls silent', async () => {
    const nobody = await ran(10_000, {}, new MemoryTransport());
    expect(await nobody.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringMatching(/address 0 .*3 tries of 500 ms.*57600/),
    });
    const mute = reader([]);
    const run = await ran(30_000, {}, mute);
    expect(await run.ended).toMatchObject({ code: 'device-silent', message: expect.stringContaining('3 inventories') });
    expect(sent(mute).filter((request) => request === INVENTORY)).toHaveLength(3);
  });

  portEndContract(
    async () => {
      const device = reader(['inventory, no tag']);
      return { device, run: await ran(50, {}, device) };
    },
    Buffer.from('180001', 'hex'),
  );
});

it.each([
  [{ region: { band: 'us', lastChannel: 60 } }],
  [{ region: { band: 'korea', firstChannel: 20, lastChannel: 10 } }],
  [{ region: 'us' }],
  [{ scanTimeMs: 350 }],
  [{ transmitPowerDbm: 31 }],
  [{ address: 256 }],
])('refuses the options %j', (options) => {
  expect(driver.options.safeParse({ ...OPTIONS, ...options }).success).toBe(false);
});
