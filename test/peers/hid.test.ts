/** The HID drivers through node-hid on device files that the kernel does not have (umockdev). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import posVectors from '../../edge/drivers/hid-barcode/fixtures/hid-pos.json' with { type: 'json' };
import temperVectors from '../../edge/drivers/temper-hid/fixtures/temper-hid.json' with { type: 'json' };
import { program } from '../servers/machine.ts';
import { describeWith } from '../servers/needs.ts';
import { type MockHid, mockHid } from './umockdev.ts';

const CHILD = fileURLToPath(new URL('hid-child.ts', import.meta.url));
/** HID 1.11, 6.2.2: page 8C, usage 2, application; report 2: 63 bytes in; report 254: one byte, feature. */
const POS_SCANNER = '058c0902a1010a12008502150026ff007508953f810285fe95010911b102c0';
/** Page 1, usage 6, application; eight bytes in. */
const KEYBOARD = '05010906a101150026ff007508950809018102c0';
/** A vendor's page; eight bytes in and out. */
const VENDOR = '0600ff0901a101150026ff007508950809018102950809019102c0';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-hid-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    // The whole group: umockdev-run does not take its program with it.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
});

function hex(vectors: readonly { name: string; input: string }[], name: string): string {
  const found = vectors.find((vector) => vector.name.includes(name));
  if (!found) throw new Error(`no fixture '${name}'`);
  return found.input;
}

interface Said {
  reading?: { kind: string; text?: string };
  health?: { state: string; code: string; message: string };
}

async function run(devices: readonly MockHid[], kind: string, options: object): Promise<Said[]> {
  const arguments_ = [...(await mockHid(folder, devices)), '--', process.execPath, '--import', 'tsx', CHILD, kind];
  const child = spawn(program('umockdev-run'), [...arguments_, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  children.push(child);
  const said: Said[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line) as Said));
  return said;
}

async function until(said: readonly Said[], condition: (line: Said) => boolean): Promise<Said> {
  await vi.waitFor(() => expect(said.some(condition), JSON.stringify(said)).toBe(true), {
    timeout: 20_000,
    interval: 50,
  });
  return said.find(condition) ?? {};
}

const isReading = ({ reading }: Said): boolean => reading !== undefined;
const isFault = ({ health }: Said): boolean => health !== undefined && health.code !== '';

function scanner(number: number, more: Partial<MockHid> = {}): MockHid {
  return {
    number,
    vendorId: '05e0',
    productId: '1200',
    usbPort: `1-${number + 1}`,
    descriptor: POS_SCANNER,
    script: [['r', 300, hex(posVectors, 'single report Code128')]],
    ...more,
  };
}

describeWith(['umockdev-run'], 'HID devices under umockdev', () => {
  // Where the machine stalls for longer than the reports are apart, umockdev gives them as one: tried again then.
  it('reads a bar code reader that it finds by its usage, after switching it on', { retry: 3 }, async () => {
    const first = hex(posVectors, 'report 1 of 2');
    // The rest of the boarding pass is not published: eight bytes of our own.
    const second = `02085d5130${Buffer.from('REST-1-8').toString('hex')}`.padEnd(128, '0');
    // Well apart: umockdev's device file is a stream, in which two reports at once would be one read.
    const devices = [
      { ...scanner(0), descriptor: KEYBOARD, vendorId: '046d', productId: 'c31c' },
      scanner(1, {
        features: ['fe01'],
        script: [
          ['r', 300, first],
          ['r', 700, second],
        ],
      }),
    ];
    const said = await run(devices, 'hid-barcode', { honeywellPos: true });
    const { reading } = await until(said, isReading);
    expect(reading).toMatchObject({ kind: 'scan', aim: ']Q0' });
    expect(reading?.text).toMatch(/^M1GATHERGOOD.*REST-1-8$/);
  });

  it('says that a reader is in keyboard mode', async () => {
    const said = await run([scanner(0, { descriptor: KEYBOARD, script: [] })], 'hid-barcode', { usbId: '05e0:1200' });
    const { health } = await until(said, isFault);
    expect(health).toMatchObject({ state: 'fault', code: 'hid-mode', message: expect.stringContaining('keyboard') });
  });

  it('never takes one of two readers for the other', async () => {
    const other = `02045d4330${Buffer.from('NO-2').toString('hex')}`.padEnd(128, '0');
    const two = [scanner(0), scanner(1, { script: [['r', 300, other]] })];
    const ambiguous = await run(two, 'hid-barcode', { usbId: '05e0:1200' });
    expect((await until(ambiguous, isFault)).health).toMatchObject({ code: 'hid-ambiguous' });
    expect(ambiguous.some(isReading)).toBe(false);
    const second = await run(two, 'hid-barcode', { usbPort: '1-2' });
    expect((await until(second, isReading)).reading).toMatchObject({ text: 'NO-2' });
  });

  it('asks a TEMPer for its firmware and reads it', async () => {
    const [query, firmware] = [
      `00${hex(temperVectors, 'query temperature')}`,
      `00${hex(temperVectors, 'query firmware')}`,
    ];
    const name = hex(temperVectors, 'firmware reply');
    const stick: MockHid = {
      number: 0,
      vendorId: '413d',
      productId: '2107',
      usbPort: '1-1.4',
      interfaceNumber: 1,
      descriptor: VENDOR,
      script: [
        ['w', firmware],
        ['r', 10, name.slice(0, 16)],
        ['r', 10, name.slice(16)],
        ['w', query],
        ['r', 10, hex(temperVectors, 'TEMPerHUM temperature+RH')],
      ],
    };
    const said = await run([stick], 'temper-hid', { usbPort: '1-1.4' });
    await until(said, ({ reading }) => reading?.kind === 'humidity');
    expect(said.flatMap(({ reading }) => reading ?? [])).toEqual([
      { kind: 'temperature', temperatureCelsius: 33.88 },
      { kind: 'humidity', relativeHumidityPercent: 31.01 },
    ]);
  });
});
