/** A lane as the Outbox keeps it: its log, its turns, and what waits to be committed. */
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { LaneLog } from './lane-log.ts';
import type { NewRecord } from './lane-writer.ts';
import type { OutboxError } from './outbox-error.ts';
import { Turns } from './turns.ts';

export interface Waiting extends NewRecord {
  sinceUs: number;
  resolve: (sequence: number) => void;
  reject: (error: OutboxError) => void;
}

export interface Desk {
  lane: Lane;
  /** Undefined until the disk has let it be opened. */
  log: LaneLog | undefined;
  turns: Turns;
  queue: Waiting[];
  queuedBytes: number;
  /** Since when the oldest append of the group being committed has waited. */
  committing: number | undefined;
  cancelCommit: (() => void) | undefined;
}

export type Desks = Record<Lane, Desk>;

const MAX_GROUP_RECORDS = 4096;
const MAX_GROUP_BYTES = 1024 * 1024;

export function newDesks(): Desks {
  return { alert: newDesk('alert'), tracking: newDesk('tracking'), telemetry: newDesk('telemetry') };
}

/** What goes to disk together: bounded, so that a lane's turn is short. */
export function takeGroup(desk: Desk): Waiting[] {
  let count = 0;
  let bytes = 0;
  for (const { payload } of desk.queue) {
    if (count >= MAX_GROUP_RECORDS || (count > 0 && bytes + payload.length > MAX_GROUP_BYTES)) break;
    bytes += payload.length;
    count++;
  }
  desk.queuedBytes -= bytes;
  return desk.queue.splice(0, count);
}

function newDesk(lane: Lane): Desk {
  return {
    lane,
    log: undefined,
    turns: new Turns(),
    queue: [],
    queuedBytes: 0,
    committing: undefined,
    cancelCommit: undefined,
  };
}
