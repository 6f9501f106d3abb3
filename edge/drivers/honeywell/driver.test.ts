import { describe, expect, it } from 'vitest';
import { encodeHoneywellScan, honeywellCommand } from '../../../protocols/honeywell/index.ts';
import type { Reading } from '../../driver.ts';
import { settle } from '../../transport/event-loop-clock.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import fixtures from './fixtures/frames.json' with { type: 'json' };

const PATH = '/dev/serial/by-id/usb-scanner';
const PLAIN = { path: PATH, configure: false, checkMs: 0 };

const EAN = Buffer.from(fixtures[0]?.input ?? '', 'hex');
const scan = (text: string, aim = ']C1', honeywellId = 'I') =>
  encodeHoneywellScan({ honeywellId, aim, data: Buffer.from(text, 'latin1') });

/** A scanner that answers menu commands: what it says of each in place of ACK. */
function scanner(options: object, results: Record<string, string> = {}) {
  const device = new MemoryTransport((bytes, self) => {
    const text = bytes.toString('latin1');
    if (!text.startsWith('\x16M\r')) return;
    const command = text.slice(3, -1);
    const result = results[command] ?? '\x06';
    if (result !== '') self.feed(Buffer.from(`${command}${result}${text.at(-1)}`, 'latin1'));
  });
  const run = runDriver(driver, { path: PATH, ...options }, device);
  return { ...run, device, written: () => device.writes.splice(0).map((bytes) => bytes.toString('latin1')) };
}

const menu = (command: string, store = false) => honeywellCommand.menu(command, { store }).toString('latin1');

describe('framed scans', () => {
  it('an outside frame, split at every offset, between menu replies and noise', async () => {
    const reply = Buffer.from(fixtures[5]?.input ?? '', 'hex');
    const stream = Buffer.concat([Buffer.of(0, 0x16), EAN, reply, EAN]);
    for (let at = 0; at <= stream.length; at++) {
      const device = new MemoryTransport();
      const run = runDriver(driver, PLAIN, device);
      device.feed(stream.subarray(0, at));
      await run.clock.advance(5);
      device.feed(stream.subarray(at));
      await run.clock.advance(250);
      const expected = { kind: 'scan', text: '9999999999999', aim: ']E0' };
      expect(run.measured()).toEqual([expected, expected]);
      expect(run.stats).toMatchObject({ frames: 3, discardedBytes: 2 });
      await run.stop();
    }
  });

  it('control characters and letters of every kind stay', async () => {
    const run = scanner(PLAIN);
    await settle();
    for (const text of ['[)>\x1e06\x1dP12\r3\x1e\x04', '0103401234500000018\x1d10A', 'Stra\xdfe'])
      run.device.feed(scan(text));
    run.device.feed(scan('', ']d1', 'w'));
    await run.clock.advance(10);
    expect(run.measured()).toEqual([
      { kind: 'scan', text: '[)>\x1e06\x1dP12\r3\x1e\x04', aim: ']C1' },
      { kind: 'scan', text: '0103401234500000018\x1d10A', aim: ']C1' },
      { kind: 'scan', text: 'Straße', aim: ']C1' },
    ]);
    await run.stop();
    expect(run.clock.timers).toBe(0);
  });

  it('a torn frame is not glued to the next one', async () => {
    const run = scanner(PLAIN);
    run.device.feed(scan('TORN').subarray(0, 15));
    await run.clock.advance(250);
    run.device.feed(scan('WHOLE'));
    await run.clock.advance(10);
    expect(run.measured()).toMatchObject([{ text: 'WHOLE' }]);
    expect(run.stats.discardedBytes).toBe(15);
    await run.stop();
  });

  it.each([
    ['a wrong tag', (frame: Buffer) => frame.fill('X', 7, 8)],
    ['a wrong count', (frame: Buffer) => frame.fill('9', 15, 16)],
    ['no separator', (frame: Buffer) => frame.fill(0x20, 20, 21)],
  ])('a frame with %s is none', async (_, spoil) => {
    const run = scanner(PLAIN);
    run.device.feed(spoil(scan('A')));
    await run.clock.advance(300);
    run.device.feed(scan('B'));
    await run.clock.advance(10);
    expect(run.measured()).toMatchObject([{ text: 'B' }]);
    await run.stop();
  });

  it('end with the cable that is pulled in the middle of one', async () => {
    const run = scanner(PLAIN);
    run.device.feed(scan('A').subarray(0, 9));
    await run.clock.advance(10);
    run.device.lose();
    expect(await run.ended).toMatchObject({ code: 'port-lost' });
    expect(run.clock.timers).toBe(0);
  });
});

describe('set-up', () => {
  it('switches framed mode on, until power off or for good', async () => {
    const run = scanner({ menu: ['TRGMOD3'], safeBeep: true });
    await run.clock.advance(10);
    expect(run.written()).toEqual([menu('DECHDR1'), menu('BEPBEP0'), menu('TRGMOD3')]);
    expect(run.statuses()).toEqual([]);
    await run.stop();
    const stored = scanner({ store: true });
    await stored.clock.advance(10);
    expect(stored.written()).toEqual([menu('DECHDR1', true)]);
    await stored.stop();
  });

  it('says what the scanner does not know, and goes on', async () => {
    const run = scanner({ menu: ['NOSUCH1', 'TRGMOD9'] }, { NOSUCH1: '\x05', TRGMOD9: '\x15' });
    await run.clock.advance(10);
    expect(run.statuses()).toEqual(['reader-config-refused: the scanner does not know: NOSUCH1, TRGMOD9']);
    run.device.feed(EAN);
    await run.clock.advance(10);
    expect(run.measured()).toHaveLength(1);
    await run.stop();
  });

  it('refuses a scanner without framed mode, and one that says nothing', async () => {
    const without = scanner({}, { DECHDR1: '\x05' });
    await without.clock.advance(10);
    expect(await without.ended).toMatchObject({
      code: 'reader-refused',
      message: expect.stringContaining('serial-barcode'),
    });
    const silent = scanner({}, { DECHDR1: '' });
    await silent.clock.advance(3_100);
    expect(await silent.ended).toMatchObject({ code: 'device-silent', message: expect.stringContaining('115200') });
    expect(silent.written()).toEqual([menu('DECHDR1'), menu('DECHDR1'), menu('DECHDR1')]);
  });

  it('lets a scanner be that scans but does not answer, and loses no scan meanwhile', async () => {
    const run = scanner({}, { DECHDR1: '' });
    run.device.feed(EAN);
    await run.clock.advance(3_100);
    expect(run.measured()).toHaveLength(1);
    expect(run.statuses()).toEqual([expect.stringMatching(/^reader-config-refused: .*DECHDR1/)]);
    await run.stop();
  });

  it('is done again when the scanner lost it, and when it was silent for long', async () => {
    const run = scanner({ checkMs: 30_000 });
    await run.clock.advance(12_000);
    run.written();
    run.device.feed('9999999999999\r');
    await run.clock.advance(6_000);
    expect(run.written()).toEqual([menu('DECHDR1')]);
    await run.clock.advance(40_000);
    expect(run.written()).toEqual([menu('DECHDR1')]);
    await run.stop();
  });
});

describe('the host as operator', () => {
  it('pulls the trigger after each scan and now and then, and lets it go at the end', async () => {
    const run = scanner({ ...PLAIN, triggerEveryMs: 2_000 });
    const [ON, OFF] = [honeywellCommand.triggerOn(), honeywellCommand.triggerOff()].map((bytes) =>
      bytes.toString('latin1'),
    );
    await run.clock.advance(100);
    expect(run.written()).toEqual([ON]);
    run.device.feed(EAN);
    await run.clock.advance(100);
    expect(run.written()).toEqual([ON]);
    await run.clock.advance(2_100);
    expect(run.written()).toEqual([ON]);
    await run.stop();
    expect(run.written()).toEqual([OFF]);
  });

  it('beeps when the scan is on disk', async () => {
    const run = scanner({ safeBeep: true });
    await run.clock.advance(10);
    run.device.feed(scan('A'));
    run.device.feed(scan('B'));
    await run.clock.advance(10);
    run.written();
    const [first, second] = run.readings as Extract<Reading, { kind: 'scan' }>[];
    first?.acknowledge?.(false);
    expect(run.written()).toEqual([]);
    second?.acknowledge?.(true);
    expect(run.written()).toEqual([honeywellCommand.beep().toString('latin1')]);
    await run.stop();
  });
});

describe('honeywell options', () => {
  it.each([[{ menu: ['trg'] }], [{ menu: ['TRGMOD3.'] }], [{ checkMs: 10 }], [{ triggerEveryMs: 10 }]])(
    'refuses %j',
    (options) => {
      expect(driver.options.safeParse({ path: PATH, ...options }).success).toBe(false);
    },
  );
});
