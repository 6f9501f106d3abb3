/** What the driver tells the reader: set-up and feedback. */
import { describe, expect, it } from 'vitest';
import {
  ssiBeep,
  ssiDecoderAck,
  ssiDecoderNak,
  ssiLed,
  ssiRequestRevision,
  ssiResend,
  ssiScanEnable,
  ssiSetParameter,
} from '../../../protocols/ssi/index.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import { ACK, DENIED, hex, PATH, QUIET, reader, ready, revision, scan } from './ssi-reader.test-support.ts';

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
    expect(run.clock.timers).toBe(0);
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
    expect(run.clock.timers).toBe(0);
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
    expect(run.clock.timers).toBe(0);
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
