import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { decodeHoneywell, honeywellCommand } from '../../protocols/honeywell/index.ts';
import { makeParcel } from '../parcels.ts';
import { testContext } from '../testing/context.ts';
import { Menu } from './menu.ts';
import { type HoneywellOptions, honeywell, honeywellOptions } from './scanner.ts';

const PARCEL = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });

async function started(options: Partial<HoneywellOptions> = {}) {
  const { context, ledger, line, clock } = testContext();
  const events: unknown[] = [];
  const log = { ...silentLog, info: (fields: object) => void events.push(...Object.values(fields)) };
  const scanner = await honeywell('scanner-1', honeywellOptions.parse(options), 'dock-4').start({ ...context, log });
  return { scanner, ledger, cable: line('scanner-1'), clock, events, scan: async () => scanner.observe?.(PARCEL) };
}

describe('Honeywell scanner', () => {
  it('sends plain data until the decode header is on, and again after it lost its power', async () => {
    const { scanner, scan, cable, clock, ledger } = await started();
    expect(await scan()).toBe('intact');
    expect(cable.text).toBe(`${PARCEL.text}\r`);
    cable.fromHost(honeywellCommand.menu('DECHDR1', { store: false }));
    await clock.advance(10);
    expect(decodeHoneywell(cable.sent[1] ?? Buffer.alloc(0))).toMatchObject({
      replies: [{ command: 'DECHDR1', result: 'accepted' }],
      stored: false,
    });
    await scan();
    expect(decodeHoneywell(cable.sent[2] ?? Buffer.alloc(0))).toEqual({
      kind: 'scan',
      honeywellId: 'I',
      aim: ']C1',
      data: Buffer.from(PARCEL.text),
    });
    await scanner.command('unplug');
    await scanner.command('replug');
    await scan();
    expect(cable.sent[3]?.toString()).toBe(`${PARCEL.text}\r`);
    expect(ledger.map(({ aim }) => aim)).toEqual([undefined, ']C1', undefined]);
  });

  it('keeps what was stored', async () => {
    const { scanner, scan, cable, clock } = await started();
    cable.fromHost(honeywellCommand.menu('DECHDR1', { store: true }));
    await clock.advance(10);
    await scanner.command('unplug');
    await scanner.command('replug');
    await scan();
    expect(cable.sent.at(-1)?.[0]).toBe(0x16);
  });

  it('obeys trigger and beeper, in pieces and behind noise', async () => {
    const { cable, events } = await started();
    cable.fromHost(Buffer.from('garbage'));
    const bytes = Buffer.concat([honeywellCommand.triggerOn(), honeywellCommand.beep(), honeywellCommand.triggerOff()]);
    for (const byte of bytes) cable.fromHost(Buffer.of(byte));
    expect(events).toEqual(['pulled', 'host', 'released']);
  });

  it('spoils a frame so that it is none, and says so', async () => {
    const { scanner, scan, cable, ledger } = await started({ framed: true });
    await scanner.command('checksum', { count: 1 });
    expect(await scan()).toBe('damaged');
    expect(() => decodeHoneywell(cable.sent[0] ?? Buffer.alloc(0))).toThrow('MSGGET');
    expect(ledger).toMatchObject([{ damage: 'checksum' }]);
    cable.hostListens = false;
    await expect(scanner.command('scan', { text: 'X' })).rejects.toMatchObject({ code: 'sim-not-heard' });
    await expect(scanner.command('scan')).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(scanner.command('explode')).rejects.toMatchObject({ code: 'sim-command-unknown' });
  });
});

describe('the menu', () => {
  it.each([
    ['DECHDR1!', 'DECHDR1\x06!'],
    ['dechdr1.', 'dechdr1\x06.'],
    ['DECHDR?.', 'DECHDR0\x06.'],
    ['BEPBEP^!', 'BEPBEP1\x06!'],
    ['TRGMOD*!', 'TRGMOD0-5\x06!'],
    ['DECHDR7!', 'DECHDR7\x15!'],
    ['NOSUCH1!', 'NOSUCH1\x05!'],
    ['DECHDR1;BEPBEP0;NOSUCH1.', 'DECHDR1\x06;BEPBEP0\x06;NOSUCH1\x05.'],
    ['TRGMOD3,XXX1!', 'TRGMOD3\x06,XXX1\x05!'],
  ])('%j: %j', (line, answer) => {
    expect(new Menu().answer(line)).toBe(answer);
  });
});
