import { describe, expect, it } from 'vitest';
import { R200Framer } from '../../protocols/rfid-serial/index.ts';
import { EventLoopClock } from './event-loop-clock.test-support.ts';
import { FrameLink } from './frame-link.ts';
import { MemoryTransport } from './memory-transport.test-support.ts';

// Answers and a notice of an R200 module, from its manual.
const STOPPED = Buffer.from('bb01280001002a7e', 'hex');
const REGION_SET = Buffer.from('bb0107000100097e', 'hex');
const NO_TAG = Buffer.from('bb01ff000115167e', 'hex');

function linked() {
  const clock = new EventLoopClock();
  const transport = new MemoryTransport();
  const stop = new AbortController();
  const stats = { bytes: 0, frames: 0, discardedBytes: 0, checksumErrors: 0 };
  const link = new FrameLink({ transport, clock, signal: stop.signal, stats }, new R200Framer(), { quietMs: 50 });
  const ask = (command: number, timeoutMs = 100) =>
    link.ask({ request: Buffer.of(command), timeoutMs, isAnswer: (frame) => frame.command === command });
  return { clock, transport, stop, stats, link, ask };
}

describe('FrameLink', () => {
  it('gives an answer, and keeps what came before it for next', async () => {
    const { transport, link, ask } = linked();
    transport.feed(Buffer.concat([NO_TAG, REGION_SET, STOPPED, NO_TAG]));
    expect(await ask(0x28)).toMatchObject({ command: 0x28 });
    expect(await link.next(0)).toMatchObject({ command: 0xff });
    expect(link.takeKept()).toMatchObject([{ command: 0x07 }]);
    expect(await link.next(0)).toMatchObject({ command: 0xff });
  });

  it('ends in time, also when the device talks without end', async () => {
    const { clock, transport, ask } = linked();
    const quiet = ask(0x28);
    await clock.advance(100);
    expect(await quiet).toBe('timeout');
    const flooded = ask(0x28);
    for (let i = 0; i < 20; i++) {
      transport.feed(NO_TAG);
      await clock.advance(10);
    }
    expect(await flooded).toBe('timeout');
  });

  it('keeps a bounded number of frames, the newest', async () => {
    const { transport, link, ask } = linked();
    transport.feed(Buffer.concat([REGION_SET, ...Array.from({ length: 600 }, () => NO_TAG), STOPPED]));
    await ask(0x28);
    expect(link.takeKept()).toHaveLength(512);
    expect(link.dropped).toBe(601 - 512);
  });

  it('finds what stands behind a torn frame once the line is quiet', async () => {
    const { clock, transport, stats, link } = linked();
    transport.feed(Buffer.concat([STOPPED.subarray(0, 5), Buffer.from([0x00]), NO_TAG]));
    const frame = link.next(1_000);
    await clock.advance(60);
    expect(await frame).toMatchObject({ command: 0xff });
    expect(stats).toMatchObject({ frames: 1, discardedBytes: 6 });
    link.refuse(8);
    expect(stats.discardedBytes).toBe(14);
  });

  it('rests, keeps what arrives meanwhile, and forgets it when told', async () => {
    const { clock, transport, link } = linked();
    const rest = link.rest(100);
    transport.feed(NO_TAG);
    await clock.advance(100);
    expect(await rest).toBe('rested');
    link.forget();
    const next = link.next(10);
    await clock.advance(10);
    expect(await next).toBe('timeout');
  });

  it('is over after a stop, and hears the answer to a goodbye all the same', async () => {
    const { clock, transport, stop, link, ask } = linked();
    stop.abort();
    expect(await link.next(100)).toBe('over');
    expect(await ask(0x28)).toBe('over');
    const goodbye = { request: Buffer.of(0x28), timeoutMs: 100, isAnswer: () => true };
    const answer = link.askAfterStop(goodbye);
    transport.feed(STOPPED);
    await clock.advance(10);
    expect(await answer).toMatchObject({ command: 0x28 });
    transport.lose();
    await expect(link.askAfterStop(goodbye)).rejects.toMatchObject({ code: 'port-lost' });
  });
});
