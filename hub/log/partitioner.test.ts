import { describe, expect, it } from 'vitest';
import { murmur2, partitionOfKey } from './partitioner.ts';

/** From the Java client's own test: org.apache.kafka.common.utils.UtilsTest.testMurmur2 (signed 32-bit values). */
const CASES: [string, number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

describe('partitionOfKey', () => {
  it.each(CASES)('hashes %s as the Java client does', (text, hash) => {
    expect(murmur2(Buffer.from(text)) | 0).toBe(hash);
  });

  it('does not depend on where the bytes lie in memory', () => {
    const shifted = Buffer.from('xfoobar').subarray(1);
    expect(murmur2(shifted) | 0).toBe(-790332482);
  });

  it('masks the sign bit, as Utils.toPositive does', () => {
    expect(partitionOfKey('foobar', 1000)).toBe((-790332482 & 0x7fffffff) % 1000);
    expect(partitionOfKey('', 7)).toBeGreaterThanOrEqual(0);
  });
});
