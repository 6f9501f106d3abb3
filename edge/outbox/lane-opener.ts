/** Opens the lanes of an outbox folder, those that the disk lets us open; called again for the others. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Disk } from './disk.ts';
import { LaneLog } from './lane-log.ts';
import { LaneState } from './lane-state.ts';
import { MarkFile } from './mark-file.ts';
import { Quarantine } from './quarantine.ts';
import { ensureFolder, type Survey, survey } from './survey.ts';

export interface LaneOpenerOptions {
  disk: Disk;
  folder: string;
  clock: Clock;
  log: Log;
  newEpoch: () => string;
  maxBytes: number;
  segmentBytes: number;
  diskReserveBytes: number;
  hostRun: string | undefined;
}

/** The mark counts as lost only when it stays unreadable on a disk that reads otherwise: much less is known without it. */
const MARK_TRIES = 5;
/** So often a lane waits for its last segment to be readable before it goes on without. */
const LANE_TRIES = 5;
const LEAST_QUARANTINE_BYTES = 1024 * 1024;

export class LaneOpener {
  readonly #options: LaneOpenerOptions;
  #mark: MarkFile | undefined;
  #markRefusals = 0;
  readonly #laneRefusals: Record<Lane, number> = { alert: 0, tracking: 0, telemetry: 0 };
  #epoch: string | undefined;

  constructor(options: LaneOpenerOptions) {
    this.#options = options;
  }

  /** 16 hexadecimal digits; undefined while the disk has not told. */
  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** What the mark tells of a lane that could not be opened yet: nothing less was given out. */
  known(lane: Lane): LaneState {
    const found = this.#mark?.found(lane);
    return LaneState.restore(undefined, found?.epoch === this.#epoch ? found?.mark : undefined);
  }

  /** Gives each lane, or why it cannot be opened. Rejects when the folder cannot be used at all. */
  async open(lanes: readonly Lane[], take: (lane: Lane, opened: LaneLog | { fault: unknown }) => void): Promise<void> {
    const { disk, folder, log, newEpoch } = this.#options;
    await ensureFolder(disk, folder);
    this.#mark ??= await this.#openMark();
    const mark = this.#mark;
    const quarantines = {
      alert: this.#quarantine('alert'),
      tracking: this.#quarantine('tracking'),
      telemetry: this.#quarantine('telemetry'),
    };
    const options = { disk, folder, log, newEpoch, mark, quarantines, lanes };
    const found = await survey(this.#epoch === undefined ? options : { ...options, epoch: this.#epoch });
    this.#epoch = found.epoch;
    for (const lane of lanes) {
      try {
        if (found.unavailable.has(lane)) throw found.unavailable.get(lane);
        take(lane, await this.#openLane(lane, { found, mark, quarantine: quarantines[lane] }));
      } catch (fault) {
        this.#laneRefusals[lane]++;
        take(lane, { fault });
      }
    }
  }

  async close(): Promise<void> {
    await this.#mark?.close();
  }

  #openLane(lane: Lane, parts: { found: Survey; mark: MarkFile; quarantine: Quarantine }): Promise<LaneLog> {
    const { disk, folder, segmentBytes, clock, log, diskReserveBytes } = this.#options;
    const { found, mark, quarantine } = parts;
    const reserveBytes = lane === 'alert' ? diskReserveBytes : 0;
    const of = { disk, folder: `${folder}/${lane}`, lane, epoch: found.epoch };
    return LaneLog.open(
      { ...of, segmentBytes, clock, log, mark, quarantine, reserveBytes },
      {
        segments: found.segments[lane],
        state: found.states[lane],
        fresh: found.fresh,
        patient: this.#laneRefusals[lane] < LANE_TRIES,
      },
    );
  }

  #quarantine(lane: Lane): Quarantine {
    const { disk, folder, log, maxBytes } = this.#options;
    const most = Math.max(LEAST_QUARANTINE_BYTES, Math.floor(maxBytes / 16));
    return new Quarantine({ disk, folder: `${folder}/${lane}`, log, maxBytes: most });
  }

  async #openMark(): Promise<MarkFile> {
    const { disk, folder, hostRun } = this.#options;
    try {
      return await MarkFile.open(disk, folder, hostRun);
    } catch (error) {
      await disk.list(folder);
      if (++this.#markRefusals < MARK_TRIES) throw error;
      return MarkFile.lost(disk, folder, hostRun);
    }
  }
}
