import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import {
  decodeSsi,
  interpretSsi,
  ssiAck,
  ssiBeep,
  ssiMultipacket,
  ssiMultipacketAck,
  ssiNak,
  ssiRequestRevision,
  ssiScanDisable,
  ssiSetParameter,
} from '../../protocols/ssi/index.ts';
import { makeParcel } from '../parcels.ts';
import { testContext } from '../testing/context.ts';
import { type SsiReaderOptions, ssiReaderOptions, zebraSsi } from './reader.ts';

const PARCEL = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });

async function started(options: Partial<SsiReaderOptions> = {}) {
  const { context, ledger, line, clock } = testContext();
  const sounds: unknown[] = [];
  const log = { ...silentLog, info: (fields: object) => void sounds.push(...Object.values(fields)) };
  const parsed = ssiReaderOptions.parse({ packeted: true, ...options });
  const reader = await zebraSsi('reader-1', parsed, 'dock-4').start({ ...context, log });
  const cable = line('reader-1');
  return {
    reader,
    ledger,
    cable,
    clock,
    sounds,
    scan: async () => reader.observe?.(PARCEL),
    /** Messages since the last call. */
    sent: () => cable.sent.splice(0).map((bytes) => interpretSsi(decodeSsi(bytes))),
  };
}

describe('SSI reader', () => {
  it('sends DECODE_DATA, waits for ACK, and says so in the ledger', async () => {
    const { scan, sent, cable, clock, ledger, sounds } = await started();
    const fate = scan();
    await clock.advance(1_000);
    expect(ledger).toEqual([]);
    expect(sent()).toMatchObject([
      { opcodeName: 'DECODE_DATA', retransmit: false, body: { codeType: 0x0f, data: Buffer.from(PARCEL.text) } },
    ]);
    cable.fromHost(ssiAck());
    expect(await fate).toBe('intact');
    expect(ledger).toMatchObject([{ text: PARCEL.text, sscc: PARCEL.sscc, readPoint: 'dock-4', acknowledged: true }]);
    expect(sounds).toEqual(['decode']);
    expect(clock.timers).toBe(0);
  });

  it('sends twice more with the retransmit bit, then complains', async () => {
    const { scan, sent, clock, ledger, sounds } = await started();
    const fate = scan();
    await clock.advance(5_990);
    expect(sent().map(({ retransmit }) => retransmit)).toEqual([false, true, true]);
    await clock.advance(20);
    expect(await fate).toBe('damaged');
    expect(ledger).toMatchObject([{ acknowledged: false }]);
    expect(sounds).toEqual(['decode', 'transmission error']);
  });

  it('sends again at once when told to, and gives up when refused', async () => {
    const { scan, sent, cable, clock, ledger } = await started();
    const fate = scan();
    await clock.advance(10);
    cable.fromHost(ssiNak(1));
    await clock.advance(10);
    expect(sent().map(({ retransmit }) => retransmit)).toEqual([false, true]);
    cable.fromHost(ssiNak(6));
    await clock.advance(10);
    expect(await fate).toBe('damaged');
    expect(ledger).toMatchObject([{ acknowledged: false }]);
  });

  it('is a new one unless told: raw, and waiting for nobody, until it is set up; and again after it lost its power', async () => {
    const { scan, reader, sent, cable, clock, ledger } = await started({ packeted: false });
    expect(await scan()).toBe('intact');
    expect(cable.text).toBe(PARCEL.text);
    cable.sent.length = 0;
    cable.fromHost(ssiSetParameter(0xee, 1, { permanent: false, beepCode: 0xff }));
    cable.fromHost(ssiSetParameter(0x2d, 1, { permanent: false, beepCode: 0xff }));
    await clock.advance(10);
    expect(sent().map(({ opcodeName }) => opcodeName)).toEqual(['CMD_ACK', 'CMD_ACK']);
    const fate = scan();
    await clock.advance(10);
    expect(sent()).toMatchObject([{ body: { data: Buffer.from(`]C1${PARCEL.text}`) } }]);
    await reader.command('unplug');
    expect(await fate).toBe('damaged');
    await reader.command('replug');
    expect(await scan()).toBe('intact');
    expect(cable.text).toBe(PARCEL.text);
    expect(ledger.map(({ acknowledged, aim }) => [acknowledged, aim])).toEqual([
      [undefined, undefined],
      [false, ']C1'],
      [undefined, undefined],
    ]);
  });

  it('obeys the host, and refuses what it does not know', async () => {
    const { reader, sent, cable, clock, scan, sounds } = await started();
    const commands = [
      ssiRequestRevision(),
      ssiBeep(3),
      ssiBeep(40),
      Buffer.from('04a10400ff57', 'hex'),
      ssiScanDisable(),
    ];
    for (const command of [...commands, Buffer.from('04d00400ff29', 'hex')]) cable.fromHost(command);
    await clock.advance(10);
    expect(sent().map(({ body }) => (body.kind === 'nak' ? body.cause : body.kind))).toEqual([
      'revision',
      'ack',
      'denied',
      'bad-context',
      'ack',
      'resend',
    ]);
    expect(sounds).toEqual([3]);
    expect(await scan()).toBe('lost');
    await reader.stop();
    expect(clock.timers).toBe(0);
  });

  it('sends a long code in segments, each answered', async () => {
    const { reader, cable, clock, ledger } = await started({ longCodes: 'segments' });
    const text = 'Z'.repeat(500);
    const done = reader.command('scan', { text, aim: ']Q1' });
    for (const answer of [ssiMultipacketAck(), ssiMultipacketAck(), ssiAck()]) {
      await clock.advance(10);
      cable.fromHost(answer);
    }
    await done;
    expect(cable.sent).toEqual(ssiMultipacket(0x1c, Buffer.from(text)));
    expect(ledger).toMatchObject([{ acknowledged: true }]);
  });

  it('loses what comes while it wakes', async () => {
    const { sent, cable, clock } = await started({ lowPower: true });
    await clock.advance(2_000);
    cable.fromHost(ssiRequestRevision());
    await clock.advance(100);
    expect(sent()).toEqual([]);
    await clock.advance(2_000);
    cable.fromHost(Buffer.of(0));
    await clock.advance(15);
    cable.fromHost(ssiRequestRevision());
    await clock.advance(5);
    expect(sent()).toMatchObject([{ opcodeName: 'REPLY_REVISION' }]);
  });

  it('spoils one copy on command, and the next one is whole', async () => {
    const { reader, scan, cable, clock } = await started();
    await reader.command('checksum', { count: 1 });
    const fate = scan();
    await clock.advance(2_010);
    expect(cable.sent.map((bytes) => bytes.at(-1) === (cable.sent[1]?.at(-1) ?? 0))).toEqual([false, true]);
    expect(() => decodeSsi(cable.sent[0] ?? Buffer.alloc(0))).toThrow('checksum');
    cable.fromHost(ssiAck());
    expect(await fate).toBe('intact');
  });

  it('is not heard where nobody listens', async () => {
    const { reader, cable, clock, ledger } = await started();
    cable.hostListens = false;
    const scanned = expect(reader.command('scan', { text: 'X' })).rejects.toMatchObject({ code: 'sim-not-heard' });
    await clock.advance(7_000);
    await scanned;
    expect(ledger).toEqual([]);
    await expect(reader.command('scan')).rejects.toMatchObject({ code: 'sim-command-invalid' });
    await expect(reader.command('explode')).rejects.toMatchObject({ code: 'sim-command-unknown' });
  });
});
