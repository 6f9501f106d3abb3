import { describe, expect, it } from 'vitest';
import { makeParcel } from '../parcels.ts';
import { testContext } from '../testing/context.ts';
import { type R200Options, r200Module, r200Options } from './module.ts';

const PARCEL = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });
const NO_TAG = 'bb01ff000115167e';

async function started(options: Partial<R200Options> = {}) {
  const test = testContext();
  const module = await r200Module('m', r200Options.parse(options), new Map([[1, 'gate']])).start(test.context);
  const line = test.line('m');
  const ask = async (request: string, ms = 20): Promise<string> => {
    line.sent.length = 0;
    line.fromHost(Buffer.from(request, 'hex'));
    await test.clock.advance(ms);
    return Buffer.concat(line.sent).toString('hex');
  };
  return { ...test, module, line, ask };
}

describe('R200 module', () => {
  // Requests and answers as the manual's examples have them.
  it.each([
    ['bb0003000100047e', 'bb01030010004d31303020323664426d2056312e30927e'],
    ['bb00280000287e', 'bb01280001002a7e'],
    ['bb0007000101097e', 'bb0107000100097e'],
    ['bb00080000087e', 'bb01080001010b7e'],
    ['bb00b6000207d08f7e', 'bb01b6000100b87e'],
    ['bb00220000227e', NO_TAG],
    ['bb00f10000f17e', 'bb01ff000117187e'],
    ['bb00b600020bb87b7e', 'bb01ff000117187e'],
  ])('answers %s with %s', async (request, answer) => {
    const { ask, module } = await started();
    expect(await ask(request)).toBe(answer);
    await module.stop();
  });

  it('says nothing to a wrong sum, nor to its own kind of frames', async () => {
    const { ask, module } = await started();
    expect(await ask('bb00280000297e')).toBe('');
    expect(await ask(NO_TAG)).toBe('');
    await module.stop();
  });

  it('polls until it is stopped, and keeps the ledger', async () => {
    const { ask, line, clock, ledger, module } = await started();
    void module.observe?.({ ...PARCEL, dwellMs: 1_000 });
    await ask('bb0027000322ffff4a7e', 3_050);
    const sent = line.sent.map((frame) => frame.toString('hex'));
    const notices = sent.filter((frame) => frame.startsWith('bb0222001'));
    expect(notices.length).toBeGreaterThan(4);
    expect(notices.every((frame) => frame.slice(12, 16) === '3000' && frame.includes(PARCEL.epcHex))).toBe(true);
    expect(sent.at(-1)).toBe(NO_TAG);
    expect(ledger).toMatchObject([{ kind: 'tag', epcHex: PARCEL.epcHex, antenna: 1, readPoint: 'gate' }]);
    expect(await ask('bb00280000287e')).toBe('bb01280001002a7e');
    expect(await ask('', 1_000)).toBe('');
    await module.stop();
    expect(clock.timers).toBe(0);
  });

  it('stops when its rounds are done, and when its power fails', async () => {
    const { ask, module } = await started();
    expect((await ask('bb002700032200034f7e', 2_000)).length / NO_TAG.length).toBe(3);
    await ask('bb0027000322ffff4a7e', 500);
    await module.command('unplug');
    await module.command('replug');
    expect(await ask('', 1_000)).toBe('');
    await module.stop();
  });

  it('errors, faults and antennas on command', async () => {
    const { ask, ledger, module } = await started();
    await module.command('error', { code: '20', count: 1 });
    expect(await ask('bb00220000227e')).toBe('bb01ff000120217e');
    await module.command('checksum', { count: 1 });
    expect(await ask('bb00220000227e')).toBe('bb01ff000115437e');
    await module.command('tag', { epc: PARCEL.epcHex, dwellMs: 60_000 });
    await module.command('antenna', { number: 1, connected: 'false' });
    expect(await ask('bb00220000227e')).toBe(NO_TAG);
    await module.command('antenna', { number: 1 });
    await module.command('torn', { count: 1 });
    await ask('bb0027000322ffff4a7e', 1_000);
    expect(ledger.map(({ damage }) => damage)).toEqual(['torn', undefined]);
    await expect(module.command('tag', { epc: 'xyz' })).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(module.command('antenna', { number: 2 })).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(module.command('error', { code: 'hot' })).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(module.command('explode')).rejects.toMatchObject({ code: 'sim-command-unknown' });
    await module.stop();
  });

  it('loses a tag that nobody hears of', async () => {
    const { line, clock, ledger, module, ask } = await started();
    await ask('bb0027000322ffff4a7e');
    line.hostListens = false;
    const fate = module.observe?.({ ...PARCEL, dwellMs: 500 });
    await clock.advance(1_000);
    expect(await fate).toBe('lost');
    expect(ledger).toEqual([]);
    await module.stop();
  });
});
