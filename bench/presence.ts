/**
 * What presence of RFID tags costs: memory per live tag, time per read, tick and snapshot.
 *
 *   npm run bench -- presence [--tags 50000] [--reads 1000000] [--zones] [--json]
 *
 * Eight antennas are eight read points (with --zones four zones of two). Needs `node --expose-gc` for exact memory; without it garbage is waited for.
 */
import { parseArgs } from 'node:util';
import { decodeState, encodeState } from '../edge/pipeline/snapshot-file.ts';
import { type PresencePoint, TagPresence } from '../edge/pipeline/tag-presence.ts';
import { seededRandom } from '../protocols/base/seeded-random.ts';

const { values } = parseArgs({
  options: {
    tags: { type: 'string', default: '50000' },
    reads: { type: 'string', default: '1000000' },
    zones: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const tags = Number(values.tags);
const reads = Number(values.reads);
const ANTENNAS = 8;
const READS_PER_SECOND = 1000;

const points = Array.from({ length: ANTENNAS }, (_, index): PresencePoint => {
  const zone = values.zones ? { zone: `zone-${index >> 1}` } : {};
  return { id: `antenna-${index + 1}`, tagDepartedAfterMs: 3_600_000, ...zone };
});
const random = seededRandom(1);
const memory = async () => {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + Math.max(arrayBuffers, external);
};

/** As a driver makes it: each report brings its own string. */
const epcBytes = Buffer.from('3074257bf7194e4000000000', 'hex');
const epcOf = (tag: number) => {
  epcBytes.writeUInt32BE(tag, 8);
  return epcBytes.toString('hex');
};
const readOf = (tag: number) => ({
  epcHex: epcOf(tag),
  deviceId: 'portal',
  antenna: 1 + (tag % ANTENNAS),
  rssiDbm: -40 - (tag % 40),
  reads: 1,
});
const pointOf = (tag: number) => points[tag % ANTENNAS]?.id ?? '';

const presence = new TagPresence(points);
const before = await memory();
let atUs = 0;
for (let tag = 0; tag < tags; tag++) {
  atUs += 1e6 / READS_PER_SECOND;
  for (const change of presence.see(pointOf(tag), readOf(tag), atUs)) presence.confirm(change);
}
for (const change of presence.tick(atUs + 1e6)) presence.confirm(change);
const bytesPerTag = ((await memory()) - before) / tags;

const order = Uint32Array.from({ length: 1 << 16 }, () => Math.floor(random() * tags));
const timed = (work: () => void) => {
  const startNs = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - startNs);
};
const readNs =
  timed(() => {
    for (let n = 0; n < reads; n++) {
      atUs += 1e6 / READS_PER_SECOND;
      const tag = order[n & 0xffff] as number;
      presence.see(pointOf(tag), readOf(tag), atUs);
    }
  }) / reads;
const tickMs = timed(() => presence.tick(atUs)) / 1e6;
let file: Buffer = Buffer.alloc(0);
const state = { bootId: 1, savedUs: atUs, epoch: '00', through: 1 };
const encodeMs =
  timed(() => {
    file = encodeState({ ...state, stays: presence.stays() });
  }) / 1e6;
const decodeMs = timed(() => decodeState(file)) / 1e6;

const result = {
  tags: presence.size,
  bytesPerTag: Math.round(bytesPerTag),
  megabytes: Number(((bytesPerTag * tags) / 1e6).toFixed(1)),
  nsPerRead: Math.round(readNs),
  tickMs: Number(tickMs.toFixed(2)),
  snapshotMs: Number(encodeMs.toFixed(1)),
  snapshotBytes: file.length,
  restoreMs: Number(decodeMs.toFixed(1)),
};
process.stdout.write(
  values.json
    ? `${JSON.stringify(result)}\n`
    : `${result.tags} tags: ${result.bytesPerTag} bytes/tag (${result.megabytes} MB), ${result.nsPerRead} ns/read, tick ${result.tickMs} ms, ` +
        `snapshot ${result.snapshotMs} ms (${result.snapshotBytes} bytes), read back ${result.restoreMs} ms\n`,
);
