/**
 * Bar code readers with set-up and acknowledgement, driver and simulator on real pseudo-terminals. That ACK waits for the disk is proven in
 * edge/drivers/zebra-ssi/safe-scan.test.ts; here the disk is whoever answers the readings.
 */
import { beforeEach, expect, it, vi } from 'vitest';
import type { Reading } from '../../edge/driver.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { honeywell, honeywellOptions } from '../../simulators/honeywell/scanner.ts';
import type { LedgerEntry, RunningSimulator, Simulator } from '../../simulators/simulator.ts';
import { ssiReaderOptions, zebraSsi } from '../../simulators/zebra-ssi/reader.ts';
import { driverBench } from './driver-bench.ts';

type Scan = Extract<Reading, { kind: 'scan' }>;

const LABEL = { text: '00340123450000000018', aim: ']C1' };

const bench = driverBench();
let ledger: LedgerEntry[];
let sounds: unknown[];

beforeEach(() => {
  [ledger, sounds] = [[], []];
});

function simulate(simulator: Simulator): Promise<RunningSimulator> {
  const log = { ...silentLog, info: (fields: object) => void sounds.push(...Object.values(fields)) };
  return bench.simulate(simulator, { log, emit: (entry) => ledger.push(entry) });
}

async function supervise(kind: string, path: string, take: (scan: Scan) => void): Promise<Reading[]> {
  const { device, readings } = await bench.supervise(kind, { path }, (reading) => {
    if (reading.kind === 'scan') take(reading);
  });
  await vi.waitFor(() => expect(device.health.stats.frames).toBeGreaterThan(0), { timeout: 20_000, interval: 20 });
  return readings;
}

it('zebra-ssi: set up by the driver, each scan acknowledged once it is taken, through faults on the line', async () => {
  const reader = await simulate(zebraSsi('reader', ssiReaderOptions.parse({ lowPower: true })));
  const readings = await supervise('zebra-ssi', reader.address, ({ acknowledge }) => acknowledge?.(true));
  // A scan made ahead of the set-up's end comes raw or without its identifier.
  await vi.waitFor(
    async () => {
      await reader.command('scan', LABEL).catch(() => {});
      expect(ledger.at(-1)).toMatchObject({ ...LABEL, acknowledged: true });
    },
    { timeout: 30_000, interval: 400 },
  );
  expect(readings.at(-1)).toMatchObject({ kind: 'scan', ...LABEL });
  await vi.waitFor(() => expect(sounds).toContain(0), { timeout: 5_000, interval: 20 });
  for (const [fault, text] of [
    ['checksum', 'SPOILT ONCE'],
    ['torn', 'TORN ONCE'],
    ['noise', 'BEHIND NOISE'],
    ['drip', 'BYTE BY BYTE'],
    ['silence', 'LOST ONCE'],
  ] as const) {
    await reader.command(fault, { count: 1 });
    await reader.command('scan', { text, aim: ']C0' });
    expect(ledger.at(-1)).toMatchObject({ text, acknowledged: true });
    expect(readings.at(-1)).toMatchObject({ text, aim: ']C0' });
    await reader.command('clear');
  }
  await reader.command('scan', { text: 'x'.repeat(900), aim: ']L0' });
  expect(readings.at(-1)).toMatchObject({ text: 'x'.repeat(900) });
  // Last: both copies are answered, and the second answer has no number that would keep it from counting for whatever comes next.
  await reader.command('duplicate', { count: 1 });
  await reader.command('scan', { text: 'SENT TWICE', aim: ']C0' });
  expect(ledger.at(-1)).toMatchObject({ text: 'SENT TWICE', acknowledged: true });
  expect(readings.at(-1)).toMatchObject({ text: 'SENT TWICE' });
});

it('zebra-ssi: a scan that nobody takes is complained of, and the reader goes on', async () => {
  const reader = await simulate(zebraSsi('reader', ssiReaderOptions.parse({ packeted: true })));
  let isTaken = false;
  const readings = await supervise('zebra-ssi', reader.address, ({ acknowledge }) => {
    if (isTaken) acknowledge?.(true);
    else setTimeout(() => acknowledge?.(false), 8_000);
  });
  await expect(reader.command('scan', LABEL)).rejects.toMatchObject({ code: 'sim-not-heard' });
  expect(sounds).toContain('transmission error');
  expect(readings.filter(({ kind }) => kind === 'scan')).toHaveLength(1);
  isTaken = true;
  await vi.waitFor(
    async () => {
      await reader.command('scan', LABEL).catch(() => {});
      expect(ledger.at(-1)).toMatchObject({ acknowledged: true });
    },
    { timeout: 30_000, interval: 100 },
  );
});

it('honeywell: framed mode is switched on, and again after the scanner lost its power', async () => {
  const scanner = await simulate(honeywell('scanner', honeywellOptions.parse({})));
  const readings = await supervise('honeywell', scanner.address, () => {});
  for (const turn of ['first', 'after the cable was out']) {
    await vi.waitFor(
      async () => {
        await scanner.command('scan', { ...LABEL, text: turn });
        expect(readings.at(-1)).toMatchObject({ kind: 'scan', text: turn, aim: ']C1' });
      },
      { timeout: 20_000, interval: 100 },
    );
    await scanner.command('unplug');
    await scanner.command('replug');
  }
});
