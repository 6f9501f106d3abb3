import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { LlrpFramer } from './framer.ts';

const KEEPALIVE = fromHex('043e0000000a00000007');
const REPORT = fromHex('043d0000002c4095892f00f000228d3005fb63ac1f3841ec88046781000186ce820004ec2ea8354c09880001');

describe('LlrpFramer', () => {
  it('finds the next message after noise and counts what it skipped', () => {
    const framer = new LlrpFramer();
    const noise = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
    const frames = framer.push(Buffer.concat([noise, KEEPALIVE, REPORT]));
    expect(frames.map(toHex)).toEqual([toHex(KEEPALIVE), toHex(REPORT)]);
    expect(framer.stats.discardedBytes).toBe(noise.length);
  });

  it('finds the next message when it joins in the middle of one, at every offset', () => {
    for (let from = 1; from < REPORT.length; from++) {
      const framer = new LlrpFramer();
      const frames = framer.push(Buffer.concat([REPORT.subarray(from), KEEPALIVE, REPORT]));
      expect(frames.map(toHex).slice(-2), `joined at ${from}`).toEqual([toHex(KEEPALIVE), toHex(REPORT)]);
    }
  });

  it.each([
    ['a length below the header', '043e00000009 00000000'],
    ['a length above the bound', '043e00100001 00000000'],
    ['reserved bits set', 'e43e0000000a 00000000'],
    ['version 0', '003e0000000a 00000000'],
  ])('skips %s', (_name, header) => {
    const framer = new LlrpFramer();
    expect(framer.push(Buffer.concat([fromHex(header), KEEPALIVE])).map(toHex)).toEqual([toHex(KEEPALIVE)]);
    expect(framer.stats).toEqual({ bytes: 20, frames: 1, discardedBytes: 10, checksumErrors: 0 });
  });

  it('passes an unknown type and an unsupported version in step, so that they can be answered', () => {
    const framer = new LlrpFramer();
    const unknown = fromHex('07e70000000b00000001ff');
    const future = fromHex('0c3e0000000a00000002');
    expect(framer.push(Buffer.concat([KEEPALIVE, unknown, future, KEEPALIVE]))).toHaveLength(4);
    expect(framer.stats.discardedBytes).toBe(0);
  });

  it('takes the longest message in small pieces, and holds no more than that', () => {
    const longest = Buffer.alloc(1 << 20);
    longest.writeUInt16BE((1 << 10) | 61, 0);
    longest.writeUInt32BE(longest.length, 2);
    const framer = new LlrpFramer();
    const frames: Buffer[] = [];
    for (let at = 0; at < longest.length; at += 1000) frames.push(...framer.push(longest.subarray(at, at + 1000)));
    expect(frames.map((frame) => frame.length)).toEqual([longest.length]);
    expect(framer.push(KEEPALIVE)).toHaveLength(1);
  });

  it('gives frames that later chunks do not change', () => {
    const framer = new LlrpFramer();
    const chunk = Buffer.from(KEEPALIVE);
    const [frame] = framer.push(chunk);
    chunk.fill(0);
    framer.push(REPORT);
    expect(frame && toHex(frame)).toBe(toHex(KEEPALIVE));
  });

  it('forgets half a message when the connection is lost', () => {
    const framer = new LlrpFramer();
    framer.push(REPORT.subarray(0, 20));
    expect(framer.idle()).toEqual([]);
    expect(framer.stats.discardedBytes).toBe(20);
    expect(framer.push(KEEPALIVE).map(toHex)).toEqual([toHex(KEEPALIVE)]);
  });
});
