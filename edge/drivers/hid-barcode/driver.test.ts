import { describe, expect, it } from 'vitest';
import { encodeHidPosScan } from '../../../protocols/hid/index.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { parseHidReport } from '../../transport/transport.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/hid-pos.json' with { type: 'json' };

function report(name: string): Buffer {
  const found = vectors.find((entry) => entry.name.startsWith(name));
  if (!found) throw new Error(`no fixture '${name}'`);
  return Buffer.from(found.input, 'hex');
}

const CODE_128 = report('HID POS single report Code128');
const FIRST_OF_TWO = report('Access-IS LSR118 HID report 1 of 2');

function start(options: object = {}) {
  const device = new MemoryTransport();
  return { device, run: runDriver(driver, options, device) };
}

describe('hid-barcode', () => {
  it('wants a point-of-sale scanner, by what is configured', () => {
    const transport = (options: object) => driver.transport(driver.options.parse(options));
    expect(transport({})).toEqual({ kind: 'hid', usage: { page: 0x8c, id: 2 } });
    expect(transport({ usbId: '05E0:1200', usbPort: '1-1.4' })).toEqual({
      kind: 'hid',
      usage: { page: 0x8c, id: 2 },
      usbIds: ['05e0:1200'],
      usbPort: '1-1.4',
    });
  });

  it('reads a scan', async () => {
    const { device, run } = start();
    device.feed(CODE_128);
    await run.clock.advance(1);
    expect(run.measured()).toEqual([{ kind: 'scan', text: '1Z999AA10123456784', aim: ']C0' }]);
    expect(run.stats).toEqual({ bytes: 64, frames: 1, discardedBytes: 0, checksumErrors: 0 });
    await run.stop();
  });

  it('joins a long scan, and keeps the separators of GS1', async () => {
    const { device, run } = start();
    const text = `01034531200000111719112510ABCD1234\u001d${'21'.padEnd(150, '7')}`;
    for (const part of encodeHidPosScan({ aim: ']d2', data: Buffer.from(text) })) {
      device.feed(part);
      await run.clock.advance(10);
    }
    expect(run.measured()).toEqual([{ kind: 'scan', text, aim: ']d2' }]);
    await run.stop();
  });

  it('drops a long scan whose rest does not come, and takes the next', async () => {
    const { device, run } = start();
    device.feed(FIRST_OF_TWO);
    await run.clock.advance(1_100);
    expect(run.statuses()).toEqual([expect.stringMatching(/^scan-torn: /)]);
    expect(run.stats.discardedBytes).toBe(64);
    device.feed(CODE_128);
    await run.clock.advance(1_100);
    expect(run.measured()).toEqual([expect.objectContaining({ text: '1Z999AA10123456784' })]);
    await run.stop();
  });

  it('takes no report that is none, no empty scan, and none that is too long', async () => {
    const { device, run } = start({ maxLength: 100 });
    device.feed(Buffer.from([4, 1, 2, 3]));
    device.feed(encodeHidPosScan({ aim: ']C0', data: Buffer.alloc(0) })[0] ?? Buffer.alloc(0));
    for (const part of encodeHidPosScan({ aim: ']Q1', data: Buffer.alloc(101, 0x41) })) device.feed(part);
    await run.clock.advance(10);
    expect(run.measured()).toEqual([]);
    expect(run.stats).toMatchObject({ bytes: 4 + 64 + 128, frames: 3, discardedBytes: 4 + 64 + 128 });
    expect(run.statuses()).toEqual([expect.stringMatching(/^scan-unreadable: .* is empty/)]);
    await run.stop();
  });

  it('takes the AIM identifier from the maker’s letter only where that is configured', async () => {
    const scan = encodeHidPosScan({ data: Buffer.from('4006381333931'), vendorSymbology: 0x64 });
    for (const [codeIds, aim] of [['none'], ['honeywell', ']E0']]) {
      const { device, run } = start({ codeIds });
      for (const part of scan) device.feed(part);
      await run.clock.advance(1);
      expect(run.measured()).toEqual([{ kind: 'scan', text: '4006381333931', ...(aim !== undefined && { aim }) }]);
      await run.stop();
    }
  });

  it('switches a Honeywell reader to point-of-sale reports', async () => {
    const { device, run } = start({ honeywellPos: true });
    await run.clock.advance(1);
    expect(device.writes.map(parseHidReport)).toEqual([{ kind: 'feature', bytes: Buffer.of(254, 1) }]);
    await run.stop();
  });
});
