/** What the reader tells the driver: scans, in all their pieces and faults. What it is told stands in setup.test.ts. */
import { describe, expect, it } from 'vitest';
import {
  ssiDecodeData,
  ssiLongDecodeData,
  ssiMultipacket,
  ssiMultipacketAck,
  ssiResend,
} from '../../../protocols/ssi/index.ts';
import { settle } from '../../transport/event-loop-clock.test-support.ts';
import { driver } from './driver.ts';
import fixtures from './fixtures/packets.json' with { type: 'json' };
import { ACK, BAD_CONTEXT, DENIED, hex, PATH, QUIET, RESEND, ready, scan } from './ssi-reader.test-support.ts';

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
    expect(run.clock.timers).toBe(0);
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
    expect(run.clock.timers).toBe(0);
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
