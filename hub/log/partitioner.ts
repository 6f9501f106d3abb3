/**
 * Which partition a key belongs to: murmur2 of its UTF-8 bytes, made positive, modulo the number of partitions.
 *
 * The same as the Java client's default partitioner and librdkafka's `murmur2_random`, so that all of them agree.
 */
const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

export function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}

/** MurmurHash2, 32 bit, little-endian, with Kafka's seed. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) hash = Math.imul(hash, MULTIPLIER) ^ mixed(view.getUint32(at, true));
  if (at < length) {
    let tail = 0;
    for (let shift = 0; at < length; at++, shift += 8) tail |= (bytes[at] ?? 0) << shift;
    hash = Math.imul(hash ^ tail, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function mixed(word: number): number {
  const product = Math.imul(word, MULTIPLIER);
  return Math.imul(product ^ (product >>> 24), MULTIPLIER);
}
