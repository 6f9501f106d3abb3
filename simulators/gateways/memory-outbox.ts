/**
 * A simulated gateway's outbox: three lanes of records in memory, from the one that is next to be acknowledged on.
 *
 * Invariants, per lane: sequences start at 1 and have no holes; `accepted = acknowledged + pending`; the cursor moves over the
 * contiguous acknowledged prefix alone. Bounded: a lane that holds `laneBytes` takes no more (`append` says so), nothing is evicted.
 * Each start is an outbox on an empty disk, so it draws an epoch of its own.
 */
import { IntervalSet } from '../../protocols/base/intervals.ts';
import { type RecordTime, recordBytes, writeRecord } from '../../protocols/uplink/record.ts';

export class MemoryLane {
  readonly #laneBytes: number;
  /** Records from `#head` on are pending; what is before it is cleared away now and then. */
  #records: Buffer[] = [];
  #head = 0;
  #headSequence = 1;
  #pendingBytes = 0;
  /** Acknowledged beyond the cursor. */
  #ahead = new IntervalSet();

  constructor(laneBytes: number) {
    this.#laneBytes = laneBytes;
  }

  get firstPending(): number {
    return this.#headSequence;
  }

  get accepted(): number {
    return this.#headSequence - 1 + this.pending;
  }

  get acknowledged(): number {
    return this.#headSequence - 1;
  }

  get pending(): number {
    return this.#records.length - this.#head;
  }

  /** False when the lane is full. */
  append(time: RecordTime, payload: Uint8Array): boolean {
    const bytes = recordBytes(payload.length);
    if (this.#pendingBytes + bytes > this.#laneBytes) return false;
    const record = Buffer.allocUnsafe(bytes);
    writeRecord(record, 0, { sequence: this.accepted + 1, time, payload });
    this.#records.push(record);
    this.#pendingBytes += bytes;
    return true;
  }

  /** Records from `from` on, concatenated: at least one where there is one, within the limits. */
  read(from: number, limits: { records: number; bytes: number }): { count: number; records: Buffer } | undefined {
    const start = this.#head + (from - this.#headSequence);
    let end = start;
    let bytes = 0;
    for (; end < this.#records.length && end - start < limits.records; end++) {
      const length = this.#records[end]?.length ?? 0;
      if (end > start && bytes + length > limits.bytes) break;
      bytes += length;
    }
    return end > start
      ? { count: end - start, records: Buffer.concat(this.#records.slice(start, end), bytes) }
      : undefined;
  }

  /** Takes an acknowledged range; what lies outside of what was ever accepted counts for nothing. */
  acknowledge(first: number, last: number): void {
    const from = Math.max(first, this.#headSequence);
    const until = Math.min(last, this.accepted);
    if (until < from) return;
    this.#ahead.add(from, until);
    const prefix = this.#ahead.intervals[0];
    if (prefix === undefined || prefix.first > this.#headSequence) return;
    this.#advance(prefix.last);
    this.#ahead = new IntervalSet(this.#ahead.intervals.slice(1));
  }

  #advance(last: number): void {
    for (; this.#headSequence <= last; this.#headSequence++) {
      this.#pendingBytes -= this.#records[this.#head++]?.length ?? 0;
    }
    if (this.#head < 64 || this.#head * 2 < this.#records.length) return;
    this.#records = this.#records.slice(this.#head);
    this.#head = 0;
  }
}
