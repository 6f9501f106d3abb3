import { describe, expect, it } from 'vitest';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import aimIds from './fixtures/aim-ids.json' with { type: 'json' };
import maxicodes from './fixtures/maxicode-15434.json' with { type: 'json' };
import { interpretScan } from './scan-text.ts';

const OPTIONS = { path: '/dev/serial/by-id/usb-scanner' };

/** What one stream gives, cut at one offset with a pause shorter than any gap. */
async function scans(stream: string | Buffer, options: object = {}, at = 0) {
  const bytes = Buffer.from(stream);
  const device = new MemoryTransport();
  const run = runDriver(driver, { ...OPTIONS, ...options }, device);
  device.feed(bytes.subarray(0, at));
  await run.clock.advance(5);
  device.feed(bytes.subarray(at));
  await run.clock.advance(100);
  await run.stop();
  return run;
}

describe('serial-barcode', () => {
  it('reads outside labels with their symbology, split at every offset', async () => {
    const stream = aimIds.map(({ input }) => `${input}\r`).join('');
    const expected = aimIds.map(({ expected: { aim, data } }) => ({ kind: 'scan', text: data, aim }));
    for (let at = 1; at < stream.length; at++) {
      const run = await scans(stream, {}, at);
      expect(run.measured()).toEqual(expected);
      expect(run.stats).toMatchObject({ frames: expected.length, discardedBytes: 0 });
    }
  });

  it('reads MaxiCode with its control characters (one has CR in its data, so the reader frames by STX and ETX)', async () => {
    const stream = maxicodes.map(({ input }) => `\x02${input}\x03`).join('');
    for (let at = 1; at < stream.length; at += 3) {
      const run = await scans(stream, { prefix: 'stx', suffixes: ['etx'] }, at);
      expect(run.measured()).toEqual(maxicodes.map(({ input }) => ({ kind: 'scan', text: input })));
    }
  });

  it.each([
    ['CR', 'ABC\rDEF\r', {}],
    ['LF', 'ABC\nDEF\n', {}],
    ['CRLF', 'ABC\r\nDEF\r\n', {}],
    ['STX … ETX', '\x02ABC\x03\x02DEF\x03', { prefix: 'stx', suffixes: ['etx'] }],
    ['STX … ETX CRLF', '\x02ABC\x03\r\n\x02DEF\x03\r\n', { prefix: 'stx', suffixes: ['etx-crlf'] }],
    ['TAB', 'ABC\tDEF\t', { suffixes: ['tab'] }],
    ['bytes of one’s own', '>>ABC<<>>DEF<<', { prefix: '0x3e3E', suffixes: ['0x3c3c'] }],
  ])('frames by %s, split at every offset', async (_, stream, options) => {
    for (let at = 0; at <= stream.length; at++) {
      const run = await scans(stream, options, at);
      expect(run.measured()).toEqual([
        { kind: 'scan', text: 'ABC' },
        { kind: 'scan', text: 'DEF' },
      ]);
    }
  });

  it('ends a scan by quiet where the reader sends no suffix', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, { ...OPTIONS, suffixes: [], idleMs: 50 }, device);
    for (const piece of ['1Z999', 'AA1', '0123456784']) {
      device.feed(piece);
      await run.clock.advance(30);
    }
    expect(run.measured()).toEqual([]);
    await run.clock.advance(50);
    device.feed(']C0NEXT');
    await run.clock.advance(60);
    expect(run.measured()).toEqual([
      { kind: 'scan', text: '1Z999AA10123456784' },
      { kind: 'scan', text: 'NEXT', aim: ']C0' },
    ]);
    await run.stop();
    expect(run.clock.timers).toBe(0);
  });

  it('does not glue a torn scan to the next one', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    device.feed('TORN');
    await run.clock.advance(2_500);
    device.feed('WHOLE\r');
    await run.clock.advance(10);
    expect(run.measured()).toEqual([{ kind: 'scan', text: 'WHOLE' }]);
    expect(run.stats.discardedBytes).toBe(4);
    await run.stop();
  });

  it('stamps a scan with the moment at which it was whole', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    device.feed('ABC');
    await run.clock.advance(40);
    device.feed('D\r');
    const nowUs = run.clock.monotonicUs();
    await run.clock.advance(40);
    expect(run.readings).toEqual([{ kind: 'scan', text: 'ABCD', monotonicUs: nowUs }]);
    await run.stop();
  });

  it('takes no scan from bytes that no label has, says so, and counts them', async () => {
    // What 9600 baud makes of 115200: mostly high and low bits in runs.
    const noise = Buffer.from('0080f8e01cfc0d00e0fe0d8000f00d', 'hex');
    const run = await scans(noise);
    expect(run.measured()).toEqual([]);
    expect(run.statuses()).toEqual([expect.stringMatching(/^scan-unreadable: .*9600.*parity/)]);
    expect(run.stats.discardedBytes).toBeGreaterThan(noise.length / 2);
  });

  it('keeps latin1 and UTF-8 letters, and NUL around data out', async () => {
    const run = await scans(Buffer.concat([Buffer.from('\0\0Straße 5\r'), Buffer.from('Stra\xdfe\r', 'latin1')]));
    expect(run.measured()).toEqual([
      { kind: 'scan', text: 'Straße 5' },
      { kind: 'scan', text: 'Straße' },
    ]);
  });

  it('ends in order when the port ends, and with its error when it is lost', async () => {
    const [ended, lost] = [new MemoryTransport(), new MemoryTransport()];
    const [first, second] = [runDriver(driver, OPTIONS, ended), runDriver(driver, OPTIONS, lost)];
    ended.end();
    lost.lose();
    expect(await first.ended).toBeUndefined();
    expect(await second.ended).toMatchObject({ code: 'port-lost' });
  });
});

describe('the text of a scan', () => {
  const interpret = (bytes: string, options: object = {}) =>
    interpretScan(Buffer.from(bytes, 'latin1'), { aim: 'auto', binary: false, ...options });

  it.each(['\x04', '\t', '\n', '\r', '\x1c', '\x1d', '\x1e', '\x1f'])('keeps the control character %j', (control) => {
    expect(interpret(`10ABC${control}21X`)).toEqual({ ok: true, text: `10ABC${control}21X` });
  });

  it.each(['\x01', '\x02', '\x03', '\x05', '\x07', '\x08', '\x0b', '\x0e', '\x1b', '\x7f', '\x80', '\x9f'])(
    'refuses %j, unless told',
    (control) => {
      expect(interpret(`10ABC${control}21X`)).toMatchObject({
        ok: false,
        reason: expect.stringContaining('at position 5'),
      });
      expect(interpret(`10ABC${control}21X`, { binary: true })).toEqual({ ok: true, text: `10ABC${control}21X` });
    },
  );

  it('leaves an AIM identifier in the text when told, and refuses one without data', () => {
    expect(interpret(']C1011', { aim: 'off' })).toEqual({ ok: true, text: ']C1011' });
    expect(interpret(']C1')).toMatchObject({ ok: false });
    expect(interpret('\0')).toMatchObject({ ok: false });
  });
});

describe('serial-barcode options', () => {
  const parse = (options: object) => driver.options.safeParse({ ...OPTIONS, ...options });

  it.each([
    [{ suffixes: [] }],
    [{ suffixes: ['enter'] }],
    [{ prefix: '0x2' }],
    [{ prefix: '0x' }],
    [{ suffix: 'cr' }],
    [{ path: 'COM3' }],
    [{ dataBits: 9 }],
  ])('refuses %j', (options) => {
    expect(parse(options).success).toBe(false);
  });

  it('takes 7E1', () => {
    expect(driver.transport(driver.options.parse({ ...OPTIONS, dataBits: 7, parity: 'even' }))).toEqual({
      kind: 'serial',
      path: OPTIONS.path,
      baudRate: 9600,
      dataBits: 7,
      parity: 'even',
      stopBits: 1,
      rtscts: false,
    });
  });
});
