import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openControl, tell } from './control.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-control-'));
});
afterAll(() => rm(folder, { recursive: true }));

const echo = async (line: string) => (line === '' ? undefined : { ok: true, line });

describe('control socket', () => {
  it('answers each line in order', async () => {
    const path = join(folder, 'answers.sock');
    const control = await openControl(path, echo);
    expect(await tell(path, 'unplug scanner 5s')).toEqual({ ok: true, line: 'unplug scanner 5s' });
    const socket = connect(path);
    socket.end('one\n\ntwo\n');
    let answers = '';
    for await (const chunk of socket) answers += chunk;
    expect(answers).toBe('{"ok":true,"line":"one"}\n{"ok":true,"line":"two"}\n');
    await control.close();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('ends a connection that sends a line without end', async () => {
    const path = join(folder, 'long.sock');
    const control = await openControl(path, echo);
    const socket = connect(path);
    socket.on('error', () => {});
    socket.write('x'.repeat(10_000));
    await new Promise((resolve) => socket.once('close', resolve));
    await control.close();
  });

  it('replaces a socket that was left behind, but nothing else', async () => {
    const left = join(folder, 'left.sock');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(left, resolve));
    await expect(openControl(left, echo)).rejects.toMatchObject({ code: 'sim-control-unavailable' });
    await new Promise((resolve) => server.close(resolve));
    const first = await openControl(left, echo);
    await first.close();
    const file = join(folder, 'precious.txt');
    await writeFile(file, 'x');
    await expect(openControl(file, echo)).rejects.toMatchObject({ code: 'sim-control-unavailable' });
    await expect(tell(join(folder, 'nobody.sock'), 'x')).rejects.toMatchObject({ code: 'sim-control-unavailable' });
  });
});
