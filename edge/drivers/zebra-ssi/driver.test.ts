import { describe, expect, it } from 'vitest';
import {
  ssiAck,
  ssiBeep,
  ssiDecodeData,
  ssiDecoderAck,
  ssiDecoderNak,
  ssiLed,
  ssiLongDecodeData,
  ssiMultipacket,
  ssiMultipacketAck,
  ssiNak,
  ssiRequestRevision,
  ssiResend,
  ssiScanEnable,
  ssiSetParameter,
} from '../../../protocols/ssi/index.ts';
import type { Reading } from '../../driver.ts';
import { settle } from '../../transport/manual-clock.ts';
import { MemoryTransport } from '../../transport/memory-transport.ts';
import { runDriver } from '../../transport/run-driver.ts';
import { driver } from './driver.ts';
import fixtures from './fixtures/packets.json' with { type: 'json' };

const PATH = '/dev/serial/by-id/usb-reader';
/** Neither set-up nor feedback, so that what is written is answers alone. */
const QUIET = {
  path: PATH,
  configure: false,
  checkMs: 0,
  wakeUp: false,
  safeBeep: 'none',
  refusedBeep: 'none',
  ledMs: 0,
};
const REVISION = Buffer.from('0ea400005041415353424e302d303030', 'hex');
const ACK = ssiAck().toString('hex');
const RESEND = ssiNak(1).toString('hex');
const BAD_CONTEXT = ssiNak(2).toString('hex');
const DENIED = ssiNak(6).toString('hex');

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const scan = (text: string, retransmit = false) => ssiDecodeData(0x03, Buffer.from(text), { retransmit });

type Scan = Extract<Reading, { kind: 'scan' }>;

/** A reader that answers set-up, and whatever else it is told to. */
function reader(options: object = QUIET, answers: (packet: string) => Uint8Array | undefined = () => ssiDecoderAck()) {
  const device = new MemoryTransport((bytes, self) => {
    const packet = hex(bytes);
    const isReply = [ACK, RESEND, BAD_CONTEXT, DENIED, hex(ssiMultipacketAck()), '00'].includes(packet);
    const answer = isReply ? undefined : packet === hex(ssiRequestRevision()) ? revision() : answers(packet);
    if (answer) self.feed(answer);
  });
  const run = runDriver(driver, options, device);
  const scans = () => run.readings.filter((reading): reading is Scan => reading.kind === 'scan');
  return {
    ...run,
    device,
    scans,
    last: () => scans().at(-1) as Scan,
    /** What was written since the last call. */
    written: () => device.writes.splice(0).map(hex),
    async hears(bytes: Uint8Array, pieces: readonly number[] = []) {
      device.feed(bytes, pieces);
      await settle();
    },
  };
}

function revision(): Buffer {
  const bytes = Buffer.concat([REVISION, Buffer.alloc(2)]);
  bytes[0] = REVISION.length;
  let sum = 0;
  for (const byte of bytes.subarray(0, -2)) sum += byte;
  bytes.writeUInt16BE(-sum & 0xffff, REVISION.length);
  return bytes;
}

async function ready(options: object = QUIET) {
  const started = reader(options);
  await settle();
  await started.clock.advance(3_000);
  started.written();
  return started;
}

describe('a reader that lost its set-up', () => {
  const AIM = hex(ssiSetParameter(0x2d, 1, { permanent: false, beepCode: 0xff }));

  it('is set up again when its scans come without their identifiers, but not without end', async () => {
    const run = await ready({ ...QUIET, configure: true });
    await run.clock.advance(5_000);
    const again = async (text: string) => {
      await run.hears(scan(text));
      run.last().acknowledge?.(true);
      await run.clock.advance(6_000);
      return run.written().includes(AIM);
    };
    expect([await again('A'), await again('B'), await again('C'), await again('D')]).toEqual([true, true, true, false]);
    expect(await again(']C0E')).toBe(false);
    expect(await again('F')).toBe(true);
    await run.stop();
  });
});

describe('a scan', () => {
  it('is acknowledged when it is on disk, and not before', async () => {
    const run = await ready();
    await run.hears(scan('1Z5R89390357567127'));
    await run.clock.advance(1_500);
    expect(run.measured()).toEqual([
      { kind: 'scan', text: '1Z5R89390357567127', aim: ']C0', acknowledge: expect.any(Function) },
    ]);
    expect(run.written()).toEqual([]);
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([ACK]);
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([]);
    await run.stop();
    expect(run.clock.waiting).toBe(0);
  });

  it('that was given up is denied, so that the reader does not send it again', async () => {
    const run = await ready();
    await run.hears(scan('A'));
    run.last().acknowledge?.(false);
    expect(run.written()).toEqual([DENIED]);
    await run.stop();
  });

  it('gets no answer once the reader waits no more', async () => {
    const run = await ready();
    await run.hears(scan('A'));
    await run.clock.advance(1_760);
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([]);
    await run.stop();
  });

  it('is one reading while the disk takes its time, and the copy that came last is the one that is answered', async () => {
    const run = await ready();
    await run.hears(scan('A'));
    await run.clock.advance(2_000);
    await run.hears(scan('A', true));
    await run.clock.advance(1_000);
    expect(run.scans()).toHaveLength(1);
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([ACK]);
    await run.stop();
  });

  it('never leaves two open: another one gets no answer, nor does the first any more', async () => {
    const run = await ready();
    await run.hears(scan('A'));
    const { acknowledge } = run.last();
    await run.clock.advance(100);
    await run.hears(scan('B'));
    await run.hears(ssiLongDecodeData(0x11, Buffer.alloc(300, 0x41))[0] ?? Buffer.alloc(0));
    expect(run.scans().map(({ text }) => text)).toEqual(['A']);
    acknowledge?.(true);
    expect(run.written()).toEqual([]);
    // The reader sends it again, and now it is taken.
    await run.hears(scan('B', true));
    expect(run.last()).toMatchObject({ text: 'B', resentWithinMs: 6_000 });
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([ACK]);
    await run.stop();
  });

  it('that the disk does not take is told of, once', async () => {
    const run = await ready();
    await run.hears(scan('A'));
    await run.clock.advance(30_000);
    expect(run.statuses()).toEqual([expect.stringMatching(/^scan-unanswered: /)]);
    expect(run.written()).toEqual([]);
    await run.stop();
  });

  it('still gets its answer when the daemon is told to stop', async () => {
    const run = await ready();
    await run.hears(scan('A'));
    const stopped = run.stop();
    await settle();
    run.last().acknowledge?.(true);
    await stopped;
    expect(run.written()).toEqual([ACK]);
  });
});

describe('what the reader sends again', () => {
  it('is said to be, unless the first copy may have been the one that nobody understood', async () => {
    const run = await ready();
    await run.hears(scan('A', true));
    expect(run.last().resentWithinMs).toBe(6_000);
    run.last().acknowledge?.(true);
    await run.hears(scan('B').subarray(0, 5));
    await run.clock.advance(250);
    await run.hears(scan('B', true));
    expect(run.last()).toMatchObject({ text: 'B' });
    expect(run.last().resentWithinMs).toBeUndefined();
    await run.stop();
  });

  it('is the end of a long code: the whole is given again', async () => {
    const run = await ready();
    const text = Buffer.from('0123456789'.repeat(60));
    const packets = ssiLongDecodeData(0x11, text);
    for (const packet of packets) await run.hears(packet);
    run.last().acknowledge?.(true);
    await run.hears(ssiResend(packets.at(-1) ?? Buffer.alloc(0)));
    expect(run.scans().map((reading) => reading.text)).toEqual([text.toString(), text.toString()]);
    expect(run.last().resentWithinMs).toBe(6_000);
    await run.stop();
  });
});

describe('outside packets', () => {
  /** What each packet from a reader gets at once; a scan gets nothing before it is stored. */
  const answers: Record<string, string[]> = {
    'decoder EVENT 0x20': [ACK],
    'decoder EVENT 0x21': [ACK],
    'decoder PARAM_SEND word param 318=1279': [ACK],
    'decoder SSI_MGMT RSM attribute reply': [BAD_CONTEXT],
    'decoder DECODE_DATA code type 0x01 "NR" (no read)': [ACK],
    'NEG bad checksum': [RESEND],
    'decoder DECODE_DATA QR 0x1C, status 0x03 (retransmit + continuation), full 255-byte packet': [ACK],
    'MULTIPACKET_SEGMENT 1/3 (500 x Z, QR)': [hex(ssiMultipacketAck())],
    'MULTIPACKET_SEGMENT 2/3 (500 x Z, QR)': [DENIED],
    'MULTIPACKET_SEGMENT 3/3 (500 x Z, QR)': [DENIED],
  };

  it.each(fixtures.map(({ name, input }) => [name, input] as const))(
    '%s, split at every offset',
    async (name, input) => {
      const packet = Buffer.from(input, 'hex');
      for (let at = 0; at <= packet.length; at += packet.length > 60 ? 7 : 1) {
        const run = await ready();
        run.device.feed(packet.subarray(0, at));
        await run.clock.advance(5);
        run.device.feed(packet.subarray(at));
        await run.clock.advance(400);
        expect(run.written()).toEqual(answers[name] ?? []);
        expect(run.scans()).toEqual([]);
        await run.stop();
      }
    },
  );

  it('the captured segments are one code', async () => {
    const run = await ready();
    for (const { name, input } of fixtures) {
      if (name.startsWith('MULTIPACKET_SEGMENT')) await run.hears(Buffer.from(input, 'hex'));
    }
    expect(run.scans().map(({ text }) => text)).toEqual(['Z'.repeat(500)]);
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([hex(ssiMultipacketAck()), hex(ssiMultipacketAck()), ACK]);
    await run.stop();
  });

  it('a packet that nobody knows is refused, and one that its opcode does not allow', async () => {
    const run = await ready();
    await run.hears(Buffer.from('04990000ff63', 'hex'));
    await run.hears(Buffer.from('04f30000ff09', 'hex'));
    expect(run.written()).toEqual([BAD_CONTEXT, BAD_CONTEXT]);
    await run.stop();
  });
});

describe('long codes', () => {
  const text = '[)>\x1e01\x1d96'.padEnd(600, 'x');

  it.each([
    ['packets', ssiLongDecodeData(0x25, Buffer.from(text)), ACK],
    ['segments', ssiMultipacket(0x25, Buffer.from(text)), hex(ssiMultipacketAck())],
  ])('in %s are acknowledged part by part, and at last when they are on disk', async (_, parts, partAck) => {
    const run = await ready();
    for (const part of parts) {
      await run.hears(part);
      await run.clock.advance(300);
    }
    expect(run.written()).toEqual([partAck, partAck]);
    expect(run.scans().map((reading) => reading.text)).toEqual([text]);
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([ACK]);
    await run.stop();
  });

  it('are not mixed with what was left of one that the reader gave up', async () => {
    const run = await ready();
    const [first, ...rest] = ssiLongDecodeData(0x11, Buffer.from(text));
    await run.hears(first ?? Buffer.alloc(0));
    await run.clock.advance(7_000);
    for (const part of [first ?? Buffer.alloc(0), ...rest]) await run.hears(part);
    expect(run.scans().map((reading) => reading.text)).toEqual([text]);
    await run.stop();
  });

  it('without an end are refused, and told of', async () => {
    const run = await ready();
    const endless = ssiLongDecodeData(0x11, Buffer.alloc(40_000, 0x41)).slice(0, -1);
    for (const part of endless) await run.hears(part);
    expect(run.written()).toContain(DENIED);
    expect(run.statuses()).toEqual([expect.stringMatching(/^scan-incomplete: /)]);
    expect(run.scans()).toEqual([]);
    await run.stop();
  });
});

describe('a bad line', () => {
  it('asks for a torn frame again, and takes what comes', async () => {
    const run = await ready();
    await run.hears(scan('WHOLE').subarray(0, 7));
    await run.clock.advance(190);
    expect(run.written()).toEqual([]);
    await run.clock.advance(20);
    expect(run.written()).toEqual([RESEND]);
    await run.hears(scan('WHOLE', true));
    expect(run.scans().map(({ text }) => text)).toEqual(['WHOLE']);
    await run.stop();
  });

  it('finds a packet behind noise that announces a long one', async () => {
    const run = await ready();
    await run.hears(Buffer.concat([Buffer.of(0xfa, 0x41), scan('A')]));
    await run.clock.advance(250);
    expect(run.scans().map(({ text }) => text)).toEqual(['A']);
    expect(run.written()).toEqual([]);
    expect(run.stats).toMatchObject({ frames: 2, discardedBytes: 2 });
    await run.stop();
  });

  it('does not ask for ever: a babbling line is left alone until it makes sense', async () => {
    const run = await ready();
    for (let turn = 0; turn < 10; turn++) {
      await run.hears(Buffer.of(0x80, 0x55, 0xaa));
      await run.clock.advance(300);
    }
    expect(run.written()).toEqual([RESEND, RESEND, RESEND]);
    await run.hears(scan('A'));
    run.last().acknowledge?.(true);
    await run.hears(Buffer.of(0x80));
    await run.clock.advance(300);
    expect(run.written()).toEqual([ACK, RESEND]);
    await run.stop();
  });

  it('says nothing to bytes that only wake', async () => {
    const run = await ready();
    await run.hears(Buffer.of(0, 0, 0));
    await run.clock.advance(500);
    expect(run.written()).toEqual([]);
    await run.stop();
  });

  it('that is pulled in the middle of a frame ends the run, also while a scan is open', async () => {
    const run = await ready();
    await run.hears(Buffer.concat([scan('A'), scan('B').subarray(0, 6)]));
    run.device.lose();
    expect(await run.ended).toMatchObject({ code: 'port-lost' });
    run.last().acknowledge?.(true);
    await settle();
    expect(run.clock.waiting).toBe(0);
  });
});

describe('set-up', () => {
  const parameter = (number: number, value: number) =>
    ssiSetParameter(number, value, { permanent: false, beepCode: 0xff });
  const COMMANDS = [
    parameter(0xee, 1),
    ssiRequestRevision(),
    parameter(0x9f, 1),
    parameter(0x9b, 25),
    parameter(0x2d, 1),
    parameter(0x38, 0),
    ssiScanEnable(),
  ].map(hex);
  const OPTIONS = { path: PATH, checkMs: 0, responseTimeoutMs: 2_500 };

  it('wakes the reader and tells it all, one after the other, until it is switched off', async () => {
    const run = reader(OPTIONS);
    await run.clock.advance(100);
    expect(run.written()).toEqual(['00', ...COMMANDS]);
    expect(run.statuses()).toEqual([]);
    await run.stop();
    expect(run.clock.waiting).toBe(0);
  });

  it('sends a command three times, the second and third marked, and then calls the reader silent', async () => {
    const run = reader(OPTIONS, () => undefined);
    await run.clock.advance(7_400);
    const marked = hex(ssiResend(parameter(0xee, 1)));
    expect(run.written()).toEqual(['00', COMMANDS[0], '00', marked, '00', marked]);
    await run.clock.advance(500);
    expect(await run.ended).toMatchObject({
      code: 'device-silent',
      message: expect.stringMatching(/baud rate \(9600/),
    });
    expect(run.clock.waiting).toBe(0);
  });

  it('is told to a reader that sends raw data without a pause', async () => {
    let isDeaf = true;
    const run = reader({ ...OPTIONS, wakeUp: false }, () => (isDeaf ? undefined : ssiDecoderAck()));
    const babble = async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 100) {
        await run.hears(Buffer.from('raw'.repeat(20)));
        await run.clock.advance(100);
      }
    };
    await babble(2_900);
    expect(run.written()).toEqual([COMMANDS[0]]);
    isDeaf = false;
    await babble(2_000);
    expect(run.written()).toEqual([hex(ssiResend(parameter(0xee, 1))), ...COMMANDS.slice(1)]);
    await run.stop();
  });

  it('sends a command again at once when the reader did not understand it', async () => {
    let refusals = 1;
    const run = reader({ ...OPTIONS, wakeUp: false }, () => (refusals-- > 0 ? ssiDecoderNak(1) : ssiDecoderAck()));
    await run.clock.advance(100);
    expect(run.written().slice(0, 2)).toEqual([COMMANDS[0], hex(ssiResend(parameter(0xee, 1)))]);
    await run.stop();
  });

  it('goes on without what the reader does not know, and says so once', async () => {
    const run = reader({ ...OPTIONS, wakeUp: false }, (packet) =>
      packet === COMMANDS[4] || packet === COMMANDS[5] ? ssiDecoderNak(6) : ssiDecoderAck(),
    );
    await run.clock.advance(3_000);
    expect(run.written()).toEqual(COMMANDS);
    expect(run.statuses()).toEqual([
      'reader-config-refused: the reader does not know: AIM identifiers, no beep before the scan is safe',
    ]);
    await run.stop();
  });

  it('refuses a reader that sends no packets', async () => {
    const run = reader(OPTIONS, () => ssiDecoderNak(6));
    await run.clock.advance(100);
    expect(await run.ended).toMatchObject({
      code: 'reader-refused',
      message: expect.stringContaining('serial-barcode'),
    });
  });

  it('takes scans meanwhile, and lets a reader be that scans but answers no command', async () => {
    const run = reader(OPTIONS, () => undefined);
    await run.clock.advance(100);
    await run.hears(scan('A'));
    run.last().acknowledge?.(true);
    expect(run.written()).toContain(ACK);
    await run.clock.advance(60_000);
    expect(run.statuses()).toEqual([expect.stringMatching(/^reader-config-refused: .*scans in packets/)]);
    await run.hears(scan('B'));
    expect(run.last().text).toBe('B');
    await run.stop();
  });

  it('asks a reader that was silent for long whether it is there', async () => {
    let isThere = true;
    const device = new MemoryTransport((bytes, self) => {
      if (hex(bytes) === hex(ssiRequestRevision()) && isThere) self.feed(revision());
    });
    const run = runDriver(driver, { ...QUIET, checkMs: 10_000 }, device);
    await run.clock.advance(25_000);
    expect(device.writes.map(hex)).toEqual(Array.from({ length: 3 }, () => hex(ssiRequestRevision())));
    isThere = false;
    await run.clock.advance(20_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
  });
});

describe('feedback', () => {
  const OPTIONS = { ...QUIET, safeBeep: 'two-short-high', refusedBeep: 'four-long-low', ledMs: 200 };
  const [BEEP, LIGHT, DARK] = [ssiBeep(0x01), ssiLed(true), ssiLed(false)].map(hex);

  it('beeps and lights when the scan is safe, each after the reader’s answer', async () => {
    const run = await ready(OPTIONS);
    await run.hears(scan('A'));
    run.last().acknowledge?.(true);
    expect(run.written()).toEqual([ACK]);
    await run.clock.advance(21);
    expect(run.written()).toEqual([BEEP]);
    await run.clock.advance(21);
    expect(run.written()).toEqual([LIGHT]);
    await run.clock.advance(220);
    expect(run.written()).toEqual([DARK]);
    await run.stop();
    expect(run.clock.waiting).toBe(0);
  });

  it('sounds otherwise when the scan was given up', async () => {
    const run = await ready(OPTIONS);
    await run.hears(scan('A'));
    run.last().acknowledge?.(false);
    await run.clock.advance(1_000);
    expect(run.written()).toEqual([DENIED, hex(ssiBeep(0x12))]);
    await run.stop();
  });

  it('is dropped when the next scan comes, but a light does not stay on', async () => {
    const run = await ready(OPTIONS);
    await run.hears(scan('A'));
    run.last().acknowledge?.(true);
    await run.clock.advance(60);
    expect(run.written()).toEqual([ACK, BEEP, LIGHT]);
    await run.hears(scan('B'));
    await run.clock.advance(1_000);
    expect(run.written()).toEqual([]);
    run.last().acknowledge?.(true);
    await run.clock.advance(100);
    expect(run.written()).toEqual([ACK, DARK, BEEP, LIGHT]);
    await run.stop();
  });

  it('is left out where the reader has no such thing', async () => {
    const run = reader(OPTIONS, (packet) => (packet === BEEP ? ssiDecoderAck() : ssiDecoderNak(6)));
    await run.clock.advance(100);
    run.written();
    for (const text of ['A', 'B']) {
      await run.hears(scan(text));
      run.last().acknowledge?.(true);
      await run.clock.advance(1_000);
    }
    expect(run.written()).toEqual([ACK, BEEP, LIGHT, ACK, BEEP]);
    expect(run.statuses()).toEqual([]);
    await run.stop();
  });
});

describe('labels', () => {
  it.each([
    ['a code type that settles the symbology', 0x0f, '0012345', {}, { text: '0012345', aim: ']C1' }],
    ['one that does not', 0x1b, 'X', {}, { text: 'X' }],
    [
      'the reader’s own identifier, which is exact',
      0x1b,
      ']d20109501101530003',
      {},
      { text: '0109501101530003', aim: ']d2' },
    ],
    ['a suffix, when told', 0x03, 'A\r', { suffix: 'cr' }, { text: 'A', aim: ']C0' }],
    ['a control character that belongs to the code', 0x25, '[)>\x1eA\x1e\x04\r', {}, { text: '[)>\x1eA\x1e\x04\r' }],
  ])('%s', async (_, codeType, data, options, expected) => {
    const run = await ready({ ...QUIET, ...options });
    await run.hears(ssiDecodeData(codeType, Buffer.from(data)));
    expect(run.last()).toMatchObject(expected);
    await run.stop();
  });

  it.each([
    ['nothing', 0x03, ''],
    ['no read', 0x01, 'NR'],
    ['a bar code that sets the reader up', 0x33, '0x01'],
  ])('%s is no scan, and acknowledged', async (_, codeType, data) => {
    const run = await ready();
    await run.hears(ssiDecodeData(codeType, Buffer.from(data)));
    expect(run.scans()).toEqual([]);
    expect(run.written()).toEqual([ACK]);
    await run.stop();
  });
});

describe('zebra-ssi options', () => {
  it.each([
    [{ safeBeep: 'loud' }],
    [{ responseTimeoutMs: 2_050 }],
    [{ responseTimeoutMs: 12_000 }],
    [{ checkMs: 100 }],
    [{ suffix: 'enter' }],
  ])('refuses %j', (options) => {
    expect(driver.options.safeParse({ path: PATH, ...options }).success).toBe(false);
  });
});
