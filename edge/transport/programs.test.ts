import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openPrograms } from './programs.ts';
import type { ProgramEvent, ProgramRequest, Transport } from './transport.ts';

const never = new AbortController().signal;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-programs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function tool(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function open(...programs: string[]): Promise<Transport> {
  return openPrograms({ kind: 'programs', programs, folder, install: 'apt-get install gpiod', subject: 'chip' }, never);
}

async function send(transport: Transport, request: ProgramRequest): Promise<void> {
  await transport.write(Buffer.from(JSON.stringify(request)));
}

/** Events up to the end of this program. */
async function untilExit(transport: Transport, id: string): Promise<ProgramEvent[]> {
  const events: ProgramEvent[] = [];
  const chunks = transport.incoming[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await chunks.next();
    if (done) throw new Error('ended');
    const event = JSON.parse(Buffer.from(value).toString('utf8')) as ProgramEvent;
    events.push(event);
    if (event.id === id && 'exit' in event) return events;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('programs as a device', () => {
  it('gives lines as they come, arguments as they are, the exit code and the complaint', async () => {
    await tool('speak', 'echo "one: $1"; printf "two\\r\\n"; echo "no such thing" >&2; exit 3');
    const transport = await open('speak');
    await send(transport, { start: 's', program: 'speak', args: ['$HOME; a "b"'] });
    expect(await untilExit(transport, 's')).toEqual([
      { id: 's', line: 'one: $HOME; a "b"' },
      { id: 's', line: 'two' },
      { id: 's', exit: 3, complaint: 'no such thing' },
    ]);
    await transport.close();
  });

  it('says which program is missing, and how to install it', async () => {
    await expect(open('gpiomon')).rejects.toMatchObject({
      code: 'program-missing',
      message: expect.stringMatching(/'gpiomon' is not in .*: run 'apt-get install gpiod'/),
    });
  });

  it('starts no other program, and none twice under one name', async () => {
    await tool('wait', 'exec sleep 30');
    const transport = await open('wait');
    await expect(send(transport, { start: 'a', program: 'sh', args: [] })).rejects.toThrow(TypeError);
    await send(transport, { start: 'a', program: 'wait', args: [] });
    await expect(send(transport, { start: 'a', program: 'wait', args: [] })).rejects.toThrow(TypeError);
    await transport.close();
    await expect(send(transport, { start: 'b', program: 'wait', args: [] })).rejects.toMatchObject({
      code: 'port-lost',
    });
  });

  it('ends one program when asked', async () => {
    await tool('wait', 'echo ready; exec sleep 30');
    const transport = await open('wait');
    await send(transport, { start: 'a', program: 'wait', args: [] });
    await send(transport, { stop: 'a' });
    const events = await untilExit(transport, 'a');
    expect(events.at(-1)).toEqual({ id: 'a', exit: null, complaint: 'ended by SIGTERM' });
    await transport.close();
  });

  it('leaves no program behind, not even one that will not go', async () => {
    await tool('stubborn', 'trap "" TERM; echo $$; while :; do sleep 0.1; done');
    const transport = await open('stubborn');
    await send(transport, { start: 'a', program: 'stubborn', args: [] });
    const { value } = await transport.incoming[Symbol.asyncIterator]().next();
    const pid = Number((JSON.parse(String(Buffer.from(value ?? []))) as { line: string }).line);
    expect(isAlive(pid)).toBe(true);
    await transport.close();
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 15_000 });
  });

  it('does not read a program that prints without end into memory', async () => {
    await tool('yes', 'exec yes 0123456789');
    const transport = await open('yes');
    await send(transport, { start: 'y', program: 'yes', args: [] });
    const incoming = transport.incoming as AsyncIterable<Uint8Array> & { isFull: boolean };
    await vi.waitFor(() => expect(incoming.isFull).toBe(true), { timeout: 15_000 });
    let chunks = 0;
    for await (const _ of transport.incoming) if (++chunks === 50_000) break;
    expect(chunks).toBe(50_000);
    await transport.close();
  });
});
