/** Records that wait for the disk, of all lanes: bounded together; taken in groups, lane by lane, oldest first. */
import { MAX_PAYLOAD_BYTES, type RecordTime } from '../../protocols/uplink/record.ts';
import type { Desk } from './desk.ts';
import { Group, type Settle } from './group.ts';
import { OutboxError } from './outbox-error.ts';

export class WaitingRecords {
  #records = 0;
  #bytes = 0;
  readonly #options: { bootId: number; maxRecords: number; maxBytes: number; nowUs: () => number };

  constructor(options: { bootId: number; maxRecords: number; maxBytes: number; nowUs: () => number }) {
    this.#options = options;
  }

  get records(): number {
    return this.#records;
  }

  /** Why a payload of this length cannot wait; undefined when it can. */
  refusalOf(payloadLength: number): OutboxError | undefined {
    const { maxRecords, maxBytes } = this.#options;
    if (payloadLength < 1 || payloadLength > MAX_PAYLOAD_BYTES) {
      const message = `a record of ${payloadLength} bytes: 1 to ${MAX_PAYLOAD_BYTES} are allowed`;
      return new OutboxError({ code: 'record-too-large', message });
    }
    if (this.#records < maxRecords && this.#bytes < maxBytes) return undefined;
    const message = `${this.#records} records wait for the disk already: it is too slow`;
    return new OutboxError({ code: 'outbox-busy', message });
  }

  /** It waits, with the last group of the lane while that has room. */
  add(desk: Desk, record: { payload: Uint8Array; time: Omit<RecordTime, 'bootId'> }, settle: Settle): void {
    const { payload, time } = record;
    const group = this.#groupFor(desk, payload.length);
    const before = group.bytes;
    group.add({ bootId: this.#options.bootId, time, payload }, settle);
    this.#records++;
    this.#bytes += group.bytes - before;
  }

  /** The oldest group of the lane, which waits no more; undefined when none does. */
  take(desk: Desk): Group | undefined {
    const group = desk.groups.shift();
    this.#records -= group?.records ?? 0;
    this.#bytes -= group?.bytes ?? 0;
    return group;
  }

  /** Refuses what waits in the lane. */
  refuse(desk: Desk, error: OutboxError): void {
    // Who is refused may come again at once, and waits then.
    for (let count = desk.groups.length; count > 0; count--) this.take(desk)?.refuse(error);
  }

  #groupFor(desk: Desk, payloadLength: number): Group {
    const last = desk.groups.at(-1);
    if (last?.hasRoom(payloadLength)) return last;
    const group = desk.spare ?? new Group();
    desk.spare = undefined;
    group.sinceUs = this.#options.nowUs();
    desk.groups.push(group);
    return group;
  }
}
