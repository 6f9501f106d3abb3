/**
 * Records that go to disk together, written one behind the other as they come, in the bytes that will be written: all of each but its sequence
 * and CRC, which `seal` adds when the group's turn has come. Bounded, so that a lane's turn is short.
 */
import {
  RECORD_HEADER_BYTES,
  type RecordTime,
  recordBytes,
  sealRecords,
  timeAt,
  writeUnsealed,
} from '../../protocols/uplink/record.ts';
import type { OutboxError } from './outbox-error.ts';

/** A record that is not on disk, and never will be by itself. */
export interface Refused {
  error: OutboxError;
  /** What was to be stored; the receiver's own. */
  payload: Buffer;
  time: Omit<RecordTime, 'bootId'>;
}

/** Called once: with the record's sequence when it is on disk, or with what was refused. Must not throw. */
export type Settle = (outcome: number | Refused) => void;

const FIRST_BYTES = 16 * 1024;
const MAX_RECORDS = 4096;
const MAX_BYTES = 1024 * 1024;
/** A group that grew beyond this is not kept for the next. */
const KEPT_BYTES = 512 * 1024;

export class Group {
  /** When the first of its records came. */
  sinceUs = 0;
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  #settles: Settle[] = [];

  get records(): number {
    return this.#settles.length;
  }

  get bytes(): number {
    return this.#end;
  }

  get isReusable(): boolean {
    return this.#buffer.length <= KEPT_BYTES;
  }

  hasRoom(payloadLength: number): boolean {
    if (this.#settles.length === 0) return true;
    return this.#settles.length < MAX_RECORDS && this.#end + recordBytes(payloadLength) <= MAX_BYTES;
  }

  add(record: { bootId: number; time: Omit<RecordTime, 'bootId'>; payload: Uint8Array }, settle: Settle): void {
    const end = this.#end + recordBytes(record.payload.length);
    if (end > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, end));
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    this.#end = writeUnsealed(this.#buffer, this.#end, record);
    this.#settles.push(settle);
  }

  /** The records as they stand on disk when the first of them has this sequence; valid until the group is cleared. */
  seal(first: number): Buffer {
    sealRecords(this.#buffer, this.#end, first);
    return this.#buffer.subarray(0, this.#end);
  }

  /** They are on disk, from this sequence on. The group is empty afterwards. */
  accept(first: number): void {
    const settles = this.#clear();
    for (let index = 0; index < settles.length; index++) settles[index]?.(first + index);
  }

  /** They are not. The group is empty afterwards. */
  refuse(error: OutboxError): void {
    const records = Buffer.from(this.#buffer.subarray(0, this.#end));
    let at = 0;
    for (const settle of this.#clear()) {
      const end = at + recordBytes(records.readUInt32LE(at));
      settle({ error, payload: records.subarray(at + RECORD_HEADER_BYTES, end), time: timeAt(records, at) });
      at = end;
    }
  }

  #clear(): Settle[] {
    const settles = this.#settles;
    this.#settles = [];
    this.#end = 0;
    return settles;
  }
}
