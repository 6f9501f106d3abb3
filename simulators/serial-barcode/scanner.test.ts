import { describe, expect, it } from 'vitest';
import { makeParcel } from '../parcels.ts';
import { START_MS, testContext } from '../testing/context.ts';
import { type ScannerOptions, scannerOptions, serialBarcode } from './scanner.ts';

const PARCEL = makeParcel({ companyPrefix: '952012', extensionDigit: 0, serial: 3456789123 });

async function started(options: Partial<ScannerOptions> = {}) {
  const { context, ledger, line } = testContext();
  const scanner = await serialBarcode('scanner-1', scannerOptions.parse(options), 'induction-1').start(context);
  const scan = async () => scanner.observe?.(PARCEL);
  return { scanner, scan, ledger, line: line('scanner-1') };
}

describe('serial bar code scanner', () => {
  it('sends AIM identifier, element string and suffix, and keeps the ledger', async () => {
    const { scan, ledger, line, scanner } = await started();
    expect(await scan()).toBe('intact');
    expect(line.text).toBe(']C100095201234567891235\r');
    expect(ledger).toEqual([
      {
        simulator: 'scanner-1',
        kind: 'scan',
        atMs: START_MS,
        text: '00095201234567891235',
        aim: ']C1',
        sscc: '095201234567891235',
        readPoint: 'induction-1',
      },
    ]);
    expect(scanner.address).toBe('/run-dir-of-the-test/scanner-1');
  });

  it.each([
    [{ aim: false, suffix: 'crlf' as const }, '00095201234567891235\r\n'],
    [{ prefix: '\x02', suffix: 'etx' as const }, '\x02]C100095201234567891235\x03'],
    [{ suffix: 'none' as const, aim: false }, '00095201234567891235'],
  ])('frames with %j', async (options, text) => {
    const { scan, line } = await started(options);
    await scan();
    expect(line.text).toBe(text);
  });

  it('loses a scan that nobody listens to, and says so', async () => {
    const { scan, ledger, line, scanner } = await started();
    line.hostListens = false;
    expect(await scan()).toBe('lost');
    line.hostListens = true;
    await scanner.command('unplug');
    expect(await scan()).toBe('lost');
    expect(ledger).toEqual([]);
    await scanner.command('replug');
    expect(await scan()).toBe('intact');
    expect(ledger).toHaveLength(1);
  });

  it('marks a misread, which has a wrong check digit, as damaged', async () => {
    const { scan, ledger, line, scanner } = await started();
    await scanner.command('checksum', { count: 1 });
    expect(await scan()).toBe('damaged');
    expect(ledger).toMatchObject([{ damage: 'checksum', sscc: PARCEL.sscc }]);
    expect(line.text).toHaveLength(24);
    expect(line.text).not.toContain(PARCEL.text);
  });

  it('marks the second trigger as duplicate', async () => {
    const { scan, ledger, line, scanner } = await started();
    await scanner.command('duplicate', { count: 1 });
    expect(await scan()).toBe('intact');
    expect(ledger.map(({ duplicate }) => duplicate)).toEqual([undefined, true]);
    expect(line.text.match(/\r/g)).toHaveLength(2);
  });

  it('scans any text on command', async () => {
    const { ledger, line, scanner } = await started();
    await scanner.command('scan', { text: '1Z5R89390357567127', aim: ']C0' });
    expect(line.text).toBe(']C01Z5R89390357567127\r');
    expect(ledger).toMatchObject([{ text: '1Z5R89390357567127', aim: ']C0', readPoint: 'induction-1' }]);
    await expect(scanner.command('scan')).rejects.toMatchObject({ code: 'sim-command-invalid' });
    line.hostListens = false;
    await expect(scanner.command('scan', { text: 'x' })).rejects.toMatchObject({ code: 'sim-not-heard' });
    await expect(scanner.command('explode')).rejects.toMatchObject({ code: 'sim-command-unknown' });
  });
});
