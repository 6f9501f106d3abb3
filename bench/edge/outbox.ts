/** The Outbox alone, beside a bare log that is written and synced in batches of the same size. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../cli/system-clock.ts';
import type { Settle } from '../../edge/outbox/group.ts';
import { Outbox } from '../../edge/outbox/outbox.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import { type Row, timesPeer } from '../row.ts';
import { EPOCH, scanOf, timeOf } from '../workload.ts';
import { CountingDisk, writtenBytes } from './disk.ts';

const SIZES = [100, 1000];
const MAX_AMPLIFICATION = 1.3;

interface Found {
  perSecond: number;
  batch: number;
  amplification: number;
}

export async function outboxRows(options: { folder: string; events: number; turns: number }): Promise<Row[]> {
  const rows: Row[] = [];
  const payloads = Array.from({ length: 1000 }, (_, index) => encodePayload(scanOf(index)));
  for (const size of SIZES) {
    let ours: Found = { perSecond: 0, batch: 0, amplification: 0 };
    let bare: Found = { perSecond: 0, batch: 0, amplification: 0 };
    for (let turn = 0; turn < options.turns; turn++) {
      const run = { folder: join(options.folder, `outbox-${size}-${turn}`), payloads, size, events: options.events };
      const one = await throughOutbox(run);
      if (one.perSecond > ours.perSecond) ours = one;
      const other = await throughLog({ ...run, folder: options.folder });
      if (other.perSecond > bare.perSecond) bare = other;
    }
    rows.push({
      path: `outbox alone, ${size} records a sync`,
      unit: 'events/s',
      ours: ours.perSecond,
      beside: { 'bare append log, write and fdatasync (limit)': bare.perSecond },
      goals: [
        ...timesPeer('of the limit', ours.perSecond, bare.perSecond, 0.5),
        ...(size === 100
          ? [
              {
                text: 'bytes written per byte of record',
                value: ours.amplification,
                bound: MAX_AMPLIFICATION,
                most: true,
              },
            ]
          : []),
      ],
      note: `${ours.batch.toFixed(0)} records a sync; bytes written per byte of record: bare log ${bare.amplification.toFixed(2)}, ours ${ours.amplification.toFixed(2)}`,
    });
  }
  return rows;
}

type Run = { folder: string; payloads: readonly Buffer[]; size: number; events: number };

/** Two groups are under way: one being synced, one being filled, as a busy gateway has it. */
async function throughOutbox({ folder, payloads, size, events }: Run): Promise<Found> {
  const disk = new CountingDisk();
  const clock = systemClock();
  const options = { disk, folder, clock, log: silentLog, bootId: 7, newEpoch: () => EPOCH, commitDelayMs: 0 };
  const outbox = await Outbox.open({ ...options, maxBytes: 4 * 1024 ** 3 });
  const group = (first: number) => {
    const { wallMs, state, uncertaintyMs } = clock.wall();
    const at = { monotonicUs: clock.monotonicUs(), wallMs, state, uncertaintyMs };
    // As the intake hands them over.
    return new Promise<void>((resolve, reject) => {
      let open = size;
      const settle: Settle = (outcome) => {
        if (typeof outcome !== 'number') reject(outcome.error);
        else if (--open === 0) resolve();
      };
      for (let index = 0; index < size; index++) {
        outbox.put('tracking', payloads[(first + index) % payloads.length] as Buffer, at, settle);
      }
    });
  };
  const through = async (count: number) => {
    let bytes = 0;
    for (let n = 0; n < count; n++) bytes += recordBytes((payloads[n % payloads.length] as Buffer).length);
    let before: Promise<unknown> = Promise.resolve();
    for (let first = 0; first < count; first += size) {
      const next = group(first);
      await before;
      before = next;
    }
    await before;
    return bytes;
  };
  await through(events / 4);
  const [syncs, written, startMs] = [disk.syncs, writtenBytes(), performance.now()];
  const bytes = await through(events);
  const seconds = (performance.now() - startMs) / 1000;
  const found = {
    perSecond: events / seconds,
    batch: events / (disk.syncs - syncs),
    amplification: (writtenBytes() - written) / bytes,
  };
  await outbox.close();
  return found;
}

async function throughLog({ folder, payloads, size, events }: Run): Promise<Found> {
  const file = await open(join(folder, `bare-${size}.log`), 'w');
  const batch = Buffer.alloc(payloads.slice(0, size).reduce((sum, { length }) => sum + recordBytes(length), 0));
  let end = 0;
  for (let n = 0; n < size; n++) {
    end = writeRecord(batch, end, { sequence: n, time: timeOf(n), payload: payloads[n % payloads.length] as Buffer });
  }
  let at = 0;
  const through = async (count: number) => {
    for (let n = 0; n < count; n += size) {
      await file.write(batch, 0, batch.length, at);
      await file.datasync();
      at += batch.length;
    }
  };
  await through(events / 4);
  const [written, startMs, startAt] = [writtenBytes(), performance.now(), at];
  await through(events);
  const seconds = (performance.now() - startMs) / 1000;
  const found = {
    perSecond: events / seconds,
    batch: size,
    amplification: (writtenBytes() - written) / (at - startAt),
  };
  await file.close();
  return found;
}
