/** A lane as the Outbox keeps it: its log, its turns, and what waits to be committed. */
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Group } from './group.ts';
import type { LaneLog } from './lane-log.ts';
import { Turns } from './turns.ts';

export interface Desk {
  lane: Lane;
  /** Undefined until the disk has let it be opened. */
  log: LaneLog | undefined;
  turns: Turns;
  /** Oldest first; only the last is still being filled. */
  groups: Group[];
  /** A group that was committed, to be used again. */
  spare: Group | undefined;
  /** Since when the oldest append of the group being committed has waited. */
  committing: number | undefined;
  cancelCommit: (() => void) | undefined;
}

export type Desks = Record<Lane, Desk>;

export function newDesks(): Desks {
  return { alert: newDesk('alert'), tracking: newDesk('tracking'), telemetry: newDesk('telemetry') };
}

function newDesk(lane: Lane): Desk {
  return {
    lane,
    log: undefined,
    turns: new Turns(),
    groups: [],
    spare: undefined,
    committing: undefined,
    cancelCommit: undefined,
  };
}
