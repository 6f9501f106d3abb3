/** What the outbox's tests share: an outbox on a disk in memory, and everything that can be asked of it. */
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { RangePayload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { readRecord } from '../../protocols/uplink/record.ts';
import type { Disk } from './disk.ts';
import { MemoryDisk } from './memory-disk.test-support.ts';
import { Outbox } from './outbox.ts';
import type { OutboxOptions } from './outbox-options.ts';

export const FOLDER = '/state/outbox';
export const at = { monotonicUs: 1_000, wallMs: 1_767_225_600_000, state: 'ntp', uncertaintyMs: 10 } as const;

let epochs = 0;

export function openOn(disk: Disk, clock: ManualClock, overrides: Partial<OutboxOptions> = {}): Promise<Outbox> {
  return Outbox.open({
    disk,
    folder: FOLDER,
    clock,
    log: silentLog,
    bootId: 7,
    newEpoch: () => (0xe0000000 + epochs++).toString(16).padStart(16, '0'),
    diskReserveBytes: 0,
    ...overrides,
  });
}

export function setup(overrides: Partial<OutboxOptions> = {}) {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  return { disk, clock, open: (clockOfBoot = clock) => openOn(disk, clockOfBoot, overrides) };
}

/** Resolves when `work` does, moving time on meanwhile. */
export async function inTime<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  settled.catch(() => {});
  for (let step = 0; step < 1000 && !done; step++) await clock.advance(5);
  return settled;
}

/** The code of the refusal, or the sequence. */
export function put(outbox: Outbox, clock: ManualClock, lane: Lane, text: string): Promise<number | string> {
  return inTime(
    clock,
    outbox.append(lane, Buffer.from(text), at).catch((error: { code: string }) => error.code),
  );
}

/** Everything that is pending in a lane, as text. */
export async function pending(outbox: Outbox, lane: Lane, batchBytes = 65_536): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (let from = 1; ; ) {
    const batch = await outbox.read(lane, from, { records: 1000, bytes: batchBytes });
    if (!batch) return found;
    let offset = 0;
    for (let index = 0; index < batch.count; index++) {
      const record = readRecord(batch.records, offset);
      if (typeof record === 'string' || record.sequence !== batch.first + index) {
        throw new Error(`read gave no record ${batch.first + index}`);
      }
      found.set(record.sequence, record.payload.toString('latin1'));
      offset = record.end;
    }
    from = batch.first + batch.count;
  }
}

/** What the alert lane tells the hub of losses. */
export function statements(alerts: ReadonlyMap<number, string>): RangePayload[] {
  const found: RangePayload[] = [];
  for (const text of alerts.values()) {
    if (isOurs(text)) continue;
    const payload = decodePayload(Buffer.from(text, 'latin1'));
    if (payload.kind === 'range') found.push(payload);
  }
  return found;
}

/** Test records begin with a letter and a colon, which no encoded payload does. */
export function isOurs(text: string): boolean {
  return /^[a-z]+:/.test(text);
}
