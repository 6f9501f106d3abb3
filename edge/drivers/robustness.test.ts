/** Whatever bytes a device sends: a driver emits readings, or ends with an error that has a code; it never hangs, and never fails otherwise. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryTransport } from '../transport/memory-transport.test-support.ts';
import { runDriver } from '../transport/run-driver.test-support.ts';
import { DRIVERS } from './index.ts';

const SERIAL = { path: '/dev/serial/by-id/x' };
const UNITS = { units: [{ unitId: 1, map: 'xy-md02' }], timeoutMs: 50, intervalMs: 100, retries: 1 };
const CONTACT = { chip: 'gpiochip0', inputs: [{ line: 4, channel: 'door' }] };
const OPTIONS: Record<string, { options: object; fixture: string }> = {
  'serial-barcode': { options: SERIAL, fixture: 'maxicode-15434.json' },
  'zebra-ssi': { options: SERIAL, fixture: 'packets.json' },
  honeywell: { options: SERIAL, fixture: 'frames.json' },
  llrp: { options: { host: 'reader' }, fixture: 'messages.json' },
  r200: { options: { ...SERIAL, answerTimeoutMs: 50 }, fixture: 'exchanges.json' },
  uhfreader18: { options: { ...SERIAL, answerTimeoutMs: 50 }, fixture: 'exchanges.json' },
  thingmagic: { options: { ...SERIAL, answerTimeoutMs: 50 }, fixture: 'exchanges.json' },
  'modbus-rtu': { options: { ...SERIAL, ...UNITS }, fixture: 'exchanges.json' },
  'modbus-tcp': { options: { host: 'plc', ...UNITS }, fixture: 'exchanges.json' },
  witmotion: { options: SERIAL, fixture: 'frames.json' },
  elm327: { options: { ...SERIAL, answerTimeoutMs: 200 }, fixture: 'exchanges.json' },
  nmea: { options: SERIAL, fixture: 'sentences.json' },
  gpsd: { options: { host: 'localhost' }, fixture: 'reports.json' },
  'hid-barcode': { options: {}, fixture: 'hid-pos.json' },
  'temper-hid': { options: { intervalMs: 500 }, fixture: 'temper-hid.json' },
  'one-wire': { options: { intervalMs: 1_000 }, fixture: 'w1-slave.json' },
  'gpio-contact': { options: CONTACT, fixture: 'lines.json' },
};

/** READER_EVENT_NOTIFICATION with ConnectionAttemptEvent 0 (LLRP 1.1, 17.1): random bytes never get past the greeting otherwise. */
const LLRP_WELCOME = Buffer.from('043f000000200000000000f600160080000c0000000000000001010000060000', 'hex');

async function pieces(kind: string, fixture: string): Promise<Buffer[]> {
  const url = new URL(`${kind}/fixtures/${fixture}`, import.meta.url);
  const entries = JSON.parse(await readFile(url, 'utf8')) as { input?: string; answer?: string }[];
  return entries.map(({ input, answer }) => {
    const text = input ?? answer ?? '';
    return /^([0-9a-f]{2})+$/.test(text) ? Buffer.from(text, 'hex') : Buffer.from(`${text}\r\n`);
  });
}

it('covers every driver', () => {
  expect(Object.keys(OPTIONS).sort()).toEqual(Object.keys(DRIVERS).sort());
});

describe.each(Object.entries(OPTIONS))('%s', (kind, { options, fixture }) => {
  it('survives any bytes', async () => {
    const driver = await DRIVERS[kind]?.();
    if (!driver) throw new Error(`no driver '${kind}'`);
    const known = await pieces(kind, fixture);
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(...known),
      // A known frame with one byte changed, and cut short.
      fc.tuple(fc.constantFrom(...known), fc.nat(), fc.nat(255)).map(([frame, at, value]) => {
        const changed = Buffer.from(frame);
        changed[at % changed.length] = value;
        return changed.subarray(0, 1 + ((at >> 4) % changed.length));
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (stream) => {
        const device = new MemoryTransport();
        const run = runDriver(driver, options, device);
        if (kind === 'llrp') device.feed(LLRP_WELCOME);
        for (const bytes of stream) {
          device.feed(bytes);
          await run.clock.advance(30);
        }
        await run.clock.advance(1_000);
        device.end();
        await run.clock.advance(20_000);
        const error = await run.ended;
        if (error !== undefined) expect(error).toMatchObject({ code: expect.stringMatching(/^[a-z-]+$/) });
        expect(run.stats.discardedBytes).toBeLessThanOrEqual(run.stats.bytes);
      }),
      { seed: 20261123, numRuns: 60 },
    );
  });
});
