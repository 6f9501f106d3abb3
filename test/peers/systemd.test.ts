/** What systemd hears from the daemon, said through systemd's own program to a socket as systemd opens it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { openSupervisor } from '../../edge/ops/sd-notify.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { python } from '../servers/machine.ts';
import { describeWith } from '../servers/needs.ts';

const LISTENER = fileURLToPath(new URL('notify-socket.py', import.meta.url));
const WAIT = { timeout: 20_000, interval: 20 };

let listener: ChildProcess | undefined;
let folder = '';
afterEach(async () => {
  const running = listener;
  listener = undefined;
  if (running) {
    const gone = once(running, 'exit');
    running.kill();
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
});

describeWith(['systemd-notify', 'pymodbus'], 'notifications to systemd', () => {
  it('say that the daemon is ready and lives, as often as its unit wants to hear', async () => {
    folder = await mkdtemp(join(tmpdir(), 'milepost-notify-'));
    const path = join(folder, 'notify');
    listener = spawn(python, [LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines: string[] = [];
    listener.stdout?.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter(Boolean)));
    await vi.waitFor(() => expect(lines).toEqual(['ready']), WAIT);
    const environment = { ...process.env, NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000' };
    const supervisor = openSupervisor(environment, silentLog);
    expect(supervisor?.everyMs).toBe(10_000);
    supervisor?.notify('READY=1', 'STATUS=2 devices');
    await vi.waitFor(() => expect(lines.join()).toMatch(/READY=1.*STATUS=2 devices/), WAIT);
    expect(lines.join()).toContain(`MAINPID=${process.pid}`);
    supervisor?.notify('WATCHDOG=1');
    await vi.waitFor(() => expect(lines.join()).toContain('WATCHDOG=1'), WAIT);
  });

  it('are not made outside systemd, and no watchdog is answered that is meant for another process', () => {
    expect(openSupervisor({}, silentLog)).toBeUndefined();
    const other = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' };
    expect(openSupervisor(other, silentLog)?.everyMs).toBeUndefined();
  });
});
