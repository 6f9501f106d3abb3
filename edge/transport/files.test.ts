import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFiles } from './files.ts';
import type { FileAnswer, FileRequest, Transport } from './transport.ts';

const never = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function ask(transport: Transport, request: FileRequest): Promise<FileAnswer> {
  await transport.write(Buffer.from(JSON.stringify(request)));
  const { value } = await transport.incoming[Symbol.asyncIterator]().next();
  expect(value?.at(-1)).toBe(0x0a);
  return JSON.parse(Buffer.from(value ?? []).toString('utf8')) as FileAnswer;
}

describe('a folder of files', () => {
  it('lists, reads and writes', async () => {
    await mkdir(join(folder, '28-0316a2795aff'));
    await writeFile(join(folder, '28-0316a2795aff/temperature'), '21500\n');
    await writeFile(join(folder, 'w1_bus_master1'), '');
    const transport = await openFiles({ kind: 'files', folder }, never);
    expect(await ask(transport, { list: true })).toEqual({ names: ['28-0316a2795aff', 'w1_bus_master1'] });
    const read = '28-0316a2795aff/temperature';
    expect(await ask(transport, { read })).toEqual({ read, text: '21500\n' });
    expect(await ask(transport, { write: read, text: '20875\n' })).toEqual({ wrote: read });
    expect(await ask(transport, { read })).toEqual({ read, text: '20875\n' });
    await transport.close();
  });

  it('answers in the order of the questions', async () => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), name);
    const transport = await openFiles({ kind: 'files', folder }, never);
    for (const read of ['c', 'a', 'b']) await transport.write(Buffer.from(JSON.stringify({ read })));
    const answers = transport.incoming[Symbol.asyncIterator]();
    const read = [];
    for (let i = 0; i < 3; i++) read.push(JSON.parse(String((await answers.next()).value)).read);
    expect(read).toEqual(['c', 'a', 'b']);
    await transport.close();
  });

  it('says what the system says, creates nothing, and stays in its folder', async () => {
    const transport = await openFiles({ kind: 'files', folder }, never);
    expect(await ask(transport, { read: 'gone' })).toEqual({ error: 'ENOENT', path: 'gone' });
    expect(await ask(transport, { write: 'new', text: 'x' })).toEqual({ error: 'ENOENT', path: 'new' });
    for (const read of ['../other', '/etc/hostname', 'a/../../b']) {
      expect(await ask(transport, { read })).toEqual({ error: 'EACCES', path: read });
    }
    await transport.close();
  });

  it('is lost when its folder goes', async () => {
    const transport = await openFiles({ kind: 'files', folder }, never);
    await rm(folder, { recursive: true });
    await transport.write(Buffer.from(JSON.stringify({ list: true })));
    await expect(transport.incoming[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'port-lost' });
    await expect(transport.write(Buffer.from('{"list":true}'))).rejects.toMatchObject({ code: 'port-lost' });
  });

  it('is missing when there is no such folder', async () => {
    const missing = openFiles({ kind: 'files', folder: join(folder, 'none') }, never);
    await expect(missing).rejects.toMatchObject({ code: 'port-missing', message: expect.stringContaining('w1') });
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(openFiles({ kind: 'files', folder: file }, never)).rejects.toMatchObject({ code: 'port-failed' });
  });
});
