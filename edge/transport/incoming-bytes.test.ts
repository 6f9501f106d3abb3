import { describe, expect, it } from 'vitest';
import { ChunkReader } from './chunk-reader.ts';
import { EventLoopClock } from './event-loop-clock.test-support.ts';
import { IncomingBytes } from './incoming-bytes.ts';
import { MemoryTransport } from './memory-transport.test-support.ts';

const bytes = (text: string) => Buffer.from(text);

async function drain(incoming: IncomingBytes): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += Buffer.from(chunk).toString();
  return text;
}

describe('IncomingBytes', () => {
  it('gives everything before the end', async () => {
    const incoming = new IncomingBytes();
    incoming.push(bytes('ab'));
    incoming.push(bytes('c'));
    incoming.end();
    incoming.push(bytes('too late'));
    expect(await drain(incoming)).toBe('abc');
  });

  it('gives everything before the error, then ends', async () => {
    const incoming = new IncomingBytes();
    incoming.push(bytes('ab'));
    incoming.fail(new Error('lost'));
    expect(await incoming.next()).toEqual({ done: false, value: bytes('ab') });
    await expect(incoming.next()).rejects.toThrow('lost');
    expect(await incoming.next()).toEqual({ done: true, value: undefined });
  });

  it('wakes a reader that waits', async () => {
    const incoming = new IncomingBytes();
    const waiting = incoming.next();
    incoming.push(bytes('x'));
    expect(await waiting).toEqual({ done: false, value: bytes('x') });
    const again = incoming.next();
    await expect(incoming.next()).rejects.toThrow('one reader');
    incoming.fail(new Error('lost'));
    await expect(again).rejects.toThrow('lost');
  });

  it('makes the port wait for room, and lets it go on when some was taken or it is over', async () => {
    const incoming = new IncomingBytes(4);
    incoming.push(bytes('abc'));
    expect(incoming.isFull).toBe(false);
    incoming.push(bytes('def'));
    expect(incoming.isFull).toBe(true);
    let room = 0;
    const waits = () => incoming.whenRoom().then(() => room++);
    const first = waits();
    await Promise.resolve();
    expect(room).toBe(0);
    await incoming.next();
    await first;
    incoming.push(bytes('ghi'));
    const second = waits();
    incoming.discard();
    await second;
    expect(room).toBe(2);
    expect(await drain(incoming)).toBe('');
  });
});

describe('ChunkReader', () => {
  function reader() {
    const transport = new MemoryTransport();
    const clock = new EventLoopClock();
    const stop = new AbortController();
    return { transport, clock, stop, reader: new ChunkReader({ transport, clock, signal: stop.signal }) };
  }

  it('loses no chunk to a time-out', async () => {
    const t = reader();
    for (let turn = 0; turn < 3; turn++) {
      const read = t.reader.read(100);
      await t.clock.advance(100);
      expect(await read).toBe('timeout');
    }
    // Nobody reads at the moment at which this arrives.
    t.transport.feed('a');
    await t.clock.advance(0);
    t.transport.feed('b');
    expect(await t.reader.read(100)).toEqual(bytes('a'));
    expect(await t.reader.read()).toEqual(bytes('b'));
    expect(t.clock.timers).toBe(0);
  });

  it('stops by signal, and before anything else when it is aborted already', async () => {
    const t = reader();
    const read = t.reader.read();
    t.stop.abort();
    expect(await read).toBe('stopped');
    t.transport.feed('a');
    expect(await t.reader.read()).toBe('stopped');
  });

  it('ends for good, and throws what lost the port', async () => {
    const ended = reader();
    ended.transport.feed('a');
    ended.transport.end();
    expect(await ended.reader.read()).toEqual(bytes('a'));
    expect(await ended.reader.read(10)).toBe('end');
    expect(await ended.reader.read(10)).toBe('end');

    const lost = reader();
    const read = lost.reader.read(10);
    await lost.clock.advance(10);
    expect(await read).toBe('timeout');
    lost.transport.lose();
    await expect(lost.reader.read()).rejects.toMatchObject({ code: 'port-lost' });
    await expect(lost.reader.read()).rejects.toMatchObject({ code: 'port-lost' });
  });
});
