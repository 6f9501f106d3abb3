import { describe, expect, it } from 'vitest';
import { makeParcel } from '../parcels.ts';
import { testContext } from '../testing/context.ts';
import { type UhfReader18Options, uhfReader18, uhfReader18Options } from './reader.ts';

const parcel = (serial: number) => makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial });
const INVENTORY = withCrc('040001');
const NO_TAG = '050001fbf23d';

async function started(options: Partial<UhfReader18Options> = {}) {
  const test = testContext();
  const reader = await uhfReader18('u', uhfReader18Options.parse(options), new Map([[1, 'desk']])).start(test.context);
  const line = test.line('u');
  const ask = async (request: string, ms = 100): Promise<string> => {
    line.sent.length = 0;
    line.fromHost(Buffer.from(request, 'hex'));
    await test.clock.advance(ms);
    return Buffer.concat(line.sent).toString('hex');
  };
  return { ...test, reader, line, ask };
}

describe('UHFReader18', () => {
  it('answers an inventory like the documentation: no tag, then the tags in the field', async () => {
    const { ask, clock, ledger, reader } = await started();
    expect(await ask(INVENTORY)).toBe(NO_TAG);
    void reader.observe?.({ ...parcel(1), dwellMs: 60_000 });
    let answer = NO_TAG;
    for (let tries = 0; answer === NO_TAG && tries < 20; tries++) answer = await ask(INVENTORY);
    expect(answer.slice(0, 12)).toBe('13000101010c');
    expect(answer.slice(12, 36)).toBe(parcel(1).epcHex);
    expect(ledger).toMatchObject([{ kind: 'tag', epcHex: parcel(1).epcHex, readPoint: 'desk' }]);
    await reader.stop();
    expect(clock.timers).toBe(0);
  });

  it('tells many tags in several frames', async () => {
    const { line, ask, ledger, reader } = await started();
    for (let serial = 0; serial < 40; serial++) void reader.observe?.({ ...parcel(serial), dwellMs: 60_000 });
    await ask(INVENTORY, 300);
    expect(line.sent.map((frame) => frame[3])).toEqual([0x03, 0x03, 0x01].slice(-line.sent.length));
    expect(line.sent.length).toBeGreaterThan(1);
    expect(new Set(ledger.map(({ epcHex }) => epcHex)).size).toBe(
      line.sent.reduce((sum, frame) => sum + (frame[4] ?? 0), 0),
    );
    await reader.stop();
  });

  it('tells and keeps its settings, and refuses what it does not know', async () => {
    const { ask, reader } = await started({ powerDbm: 26 });
    const information = (answer: string) => answer.slice(8, -4);
    // Get reader information; set power 20; set power 31; an unknown command. CRCs: derived.
    expect(information(await ask('040021d96a'))).toBe('0224090231801a0a');
    expect((await ask(withCrc('05002f14'))).slice(0, 8)).toBe('05002f00');
    await reader.command('unplug');
    await reader.command('replug');
    expect(information(await ask('040021d96a')).slice(12, 14)).toBe('14');
    expect((await ask(withCrc('05002f1f'))).slice(0, 8)).toBe('05002fff');
    expect((await ask(withCrc('06002f1414'))).slice(0, 8)).toBe('05002ffd');
    expect((await ask(withCrc('040099'))).slice(0, 8)).toBe('050000fe');
    expect(await ask(withCrc('040721'))).toBe('');
    expect(await ask(withCrc('04ff21'))).not.toBe('');
    await reader.stop();
  });

  it('reports unasked in scan mode, and executes no inventory until it is taken out', async () => {
    const { line, clock, ask, reader } = await started({ scanMode: true });
    void reader.observe?.({ ...parcel(1), dwellMs: 60_000 });
    await clock.advance(1_000);
    expect(line.sent.length).toBeGreaterThan(4);
    expect(line.sent.every((frame) => frame.toString('hex').startsWith(`1100ee00${parcel(1).epcHex}`))).toBe(true);
    await ask(withCrc('0a0035000204000100'), 500);
    expect((await ask(withCrc('040036'))).slice(16, 18)).toBe('00');
    expect(await ask('', 1_000)).toBe('');
    await reader.stop();
  });

  it('loses a command that comes during an inventory, as the manual says', async () => {
    const { ask, reader } = await started();
    expect(await ask(INVENTORY + INVENTORY)).toBe(NO_TAG);
    await reader.command('error', { code: 'f8' });
    expect((await ask(INVENTORY)).slice(0, 8)).toBe('050001f8');
    await reader.stop();
  });
});

/** CRC-16/MCRF4XX, written a second time: the reader's own must not hide behind itself. */
function withCrc(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  return hex + Buffer.of(crc & 0xff, crc >> 8).toString('hex');
}
