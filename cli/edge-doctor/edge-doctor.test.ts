import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkEdgeConfig, type EdgeConfig } from '../../edge/config.ts';
import type { EdgeReport } from '../../edge/ops/report.ts';
import { MemoryTransport } from '../../edge/transport/memory-transport.test-support.ts';
import { type OpenTransport, TransportError, type TransportErrorCode } from '../../edge/transport/transport.ts';
import type { Clock } from '../../protocols/base/clock.ts';
import { systemClock } from '../system-clock.ts';
import { checkClock } from './clock.ts';
import { checkDevices, checkSharedPorts } from './devices.ts';
import { checkDisk } from './disk.ts';
import { holdersOf, isRunning, releaseAdvice } from './holders.ts';
import { checkHub } from './hub.ts';
import { checkModules } from './modules.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-doctor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nowMs = () => performance.now();

async function configOf(devices: string, hub = '{ url: mqtt://127.0.0.1:1 }'): Promise<EdgeConfig> {
  const text = `gateway: { id: box, facility: f }\nhub: ${hub}\nreadPoints: [{ id: p, businessStep: receiving }]\ndevices:\n${devices}`;
  const result = await checkEdgeConfig(text, 'edge.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const scanner = (path: string, id = 'scanner') =>
  `  - { id: ${id}, driver: serial-barcode, readPoint: p, options: { path: ${path} } }\n`;

/** A box in which this program has this file open. */
async function procWith(name: string, path: string): Promise<string> {
  const proc = join(folder, 'proc');
  await mkdir(join(proc, '4711/fd'), { recursive: true });
  await writeFile(join(proc, '4711/comm'), `${name}\n`);
  await symlink(path, join(proc, '4711/fd/3'));
  await mkdir(join(proc, 'self'), { recursive: true });
  return proc;
}

const refusing =
  (code: TransportErrorCode): OpenTransport =>
  async () => {
    throw new TransportError({ code, message: 'as the port says' });
  };

describe('disk', () => {
  it('is measured, and left as it was', async () => {
    const results = await checkDisk({ stateDir: folder, maxOutboxBytes: 1_000_000, nowMs });
    expect(results.map(({ check, level }) => [check, level])).toEqual([
      ['disk space', 'ok'],
      ['disk', expect.stringMatching(/^(ok|warn)$/)],
    ]);
    expect(results[1]?.message).toMatch(/a sync takes \d+\.\d ms/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is too small, is slow, does not exist, is a file', async () => {
    const huge = await checkDisk({ stateDir: folder, maxOutboxBytes: 2 ** 60, nowMs });
    expect(huge[0]).toMatchObject({ level: 'warn', advice: expect.stringContaining('outbox.maxSize') });
    let timeMs = 0;
    const slow = await checkDisk({ stateDir: folder, maxOutboxBytes: 1, nowMs: () => (timeMs += 100) });
    expect(slow[1]).toMatchObject({ level: 'warn', message: expect.stringContaining('100.0 ms') });
    timeMs = 0;
    const failing = await checkDisk({ stateDir: folder, maxOutboxBytes: 1, nowMs: () => (timeMs += 1_000) });
    expect(failing[1]).toMatchObject({ level: 'fail' });
    const missing = await checkDisk({ stateDir: join(folder, 'none'), maxOutboxBytes: 1, nowMs });
    expect(missing).toMatchObject([{ level: 'warn', advice: expect.stringContaining('install -d') }]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('that cannot be written to fails', async () => {
    await chmod(folder, 0o500);
    const [, sync] = await checkDisk({ stateDir: folder, maxOutboxBytes: 1, nowMs });
    await chmod(folder, 0o700);
    // Root writes all the same.
    expect(sync?.level).toBe(process.getuid?.() === 0 ? 'ok' : 'fail');
  });
});

describe('who holds a port', () => {
  it('is found by the open file, through links, and there is a way to free it', async () => {
    const device = join(folder, 'ttyUSB0');
    await writeFile(device, '');
    await symlink(device, join(folder, 'by-id'));
    const proc = await procWith('ModemManager', device);
    const holders = await holdersOf(join(folder, 'by-id'), proc);
    expect(holders).toEqual([{ pid: 4711, name: 'ModemManager' }]);
    expect(await isRunning('ModemManager', proc)).toBe(true);
    expect(await isRunning('gpsd', proc)).toBe(false);
    expect(releaseAdvice({ pid: 4711, name: 'ModemManager' }, device)).toContain('disable --now ModemManager');
    expect(releaseAdvice({ pid: 1, name: 'agetty' }, '/dev/ttyS0')).toContain('serial-getty@ttyS0');
    expect(releaseAdvice({ pid: 12, name: 'minicom' }, device)).toContain('process 12');
  });
});

describe('devices', () => {
  it('are opened as the daemon opens them, when there is no daemon', async () => {
    const config = await configOf(scanner('/dev/serial/by-id/a'));
    const transport = new MemoryTransport();
    const open: OpenTransport = async () => transport;
    expect(await checkDevices({ config, open, procFolder: folder })).toEqual([
      { check: 'device scanner', level: 'ok', message: '/dev/serial/by-id/a opens' },
    ]);
    expect(transport.closed).toBe(true);
  });

  it.each<[TransportErrorCode, string, RegExp]>([
    ['port-missing', 'warn', /plug it in/],
    ['port-denied', 'fail', /dialout/],
    ['native-module-missing', 'fail', /run the command/],
    ['host-unknown', 'fail', /docs\/errors\.md has 'host-unknown'/],
  ])('%s → %s', async (code, level, advice) => {
    const config = await configOf(scanner('/dev/serial/by-id/a'));
    const [result] = await checkDevices({ config, open: refusing(code), procFolder: folder });
    expect(result).toMatchObject({
      level,
      message: expect.stringContaining(code),
      advice: expect.stringMatching(advice),
    });
  });

  it('held by another program: its name, and how to end that', async () => {
    const path = join(folder, 'ttyUSB0');
    await writeFile(path, '');
    const procFolder = await procWith('ModemManager', path);
    const config = await configOf(scanner(path));
    const results = await checkDevices({ config, open: refusing('port-busy'), procFolder });
    expect(results).toMatchObject([
      { level: 'fail', message: expect.stringContaining('held by ModemManager (process 4711)') },
      { check: 'ModemManager', level: 'warn' },
    ]);
  });

  it('are the daemon’s word while it runs', async () => {
    const config = await configOf(scanner('/dev/a') + scanner('/dev/b', 'other') + scanner('/dev/c', 'third'));
    const stats = { bytes: 0, frames: 0, discardedBytes: 0, checksumErrors: 0 };
    const device = { driver: 'serial-barcode', message: '', reconnects: 0, stats, lastReadingSecondsAgo: 3 };
    const devices = [
      { ...device, id: 'scanner', state: 'online' as const, code: '' },
      { ...device, id: 'other', state: 'fault' as const, code: 'nonsense', message: 'bytes' },
    ];
    const report = { devices } as EdgeReport;
    const open: OpenTransport = () => Promise.reject(new Error('its ports are the daemon’s'));
    expect((await checkDevices({ config, report, open, procFolder: folder })).map(({ level }) => level)).toEqual([
      'ok',
      'fail',
      'warn',
    ]);
  });

  it('two on one port fail, none is worth a word', async () => {
    const path = join(folder, 'ttyUSB0');
    await writeFile(path, '');
    await symlink(path, join(folder, 'by-path'));
    const twice = await configOf(scanner(path) + scanner(join(folder, 'by-path'), 'other'));
    expect(await checkSharedPorts(twice)).toMatchObject([{ check: 'device other', level: 'fail' }]);
    expect(await checkDevices({ config: await configOf('  []'), procFolder: folder })).toMatchObject([
      { level: 'warn' },
    ]);
  });
});

describe('modules, clock, hub', () => {
  it('modules: only those that are needed, with the command that mends it', async () => {
    const config = await configOf(
      '  - { id: a, driver: hid-barcode, readPoint: p }\n  - { id: b, driver: gpsd, options: { host: localhost } }\n',
    );
    const results = await checkModules(config, async () => Promise.reject(new Error('no build\nfor this')));
    expect(results).toMatchObject([
      { check: 'module node-hid', level: 'fail', advice: expect.stringContaining('npm install node-hid') },
    ]);
    expect(await checkModules(config, async () => {})).toMatchObject([{ level: 'ok' }]);
  });

  it('clock: never set, nobody vouches, synchronised', () => {
    const at = (wallMs: number, state: 'ntp' | 'unsynced'): Clock => ({
      monotonicUs: () => 0,
      after: () => () => {},
      wall: () => ({ wallMs, state, uncertaintyMs: 1 }),
    });
    const now = Date.UTC(2026, 10, 23);
    expect(checkClock(at(0, 'unsynced')).level).toBe('fail');
    expect(checkClock(at(now, 'unsynced'))).toMatchObject({
      level: 'warn',
      advice: expect.stringContaining('timedatectl'),
    });
    expect(checkClock(at(now, 'ntp')).level).toBe('ok');
  });

  it('hub: nobody listens, a file is missing, the daemon’s word', async () => {
    const clock = systemClock();
    const config = await configOf('  []');
    expect(await checkHub(config, undefined, clock)).toMatchObject({
      level: 'fail',
      message: expect.stringContaining('hub-refused'),
    });
    const noFile = await configOf('  []', `{ url: mqtt://127.0.0.1:1, passwordFile: ${join(folder, 'none')} }`);
    expect(await checkHub(noFile, undefined, clock)).toMatchObject({
      level: 'fail',
      message: expect.stringContaining('ENOENT'),
    });
    const hub = { connected: true, url: 'mqtt://hub', code: '', message: '' };
    expect(await checkHub(config, { hub } as EdgeReport, clock)).toMatchObject({ level: 'ok' });
  });
});
