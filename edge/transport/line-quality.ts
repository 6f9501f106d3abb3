/**
 * Tells a healthy byte stream from a babbling one by the framer's counts: at a wrong baud rate, or under the wrong driver, bytes
 * arrive but most of them belong to no frame.
 *
 * A verdict needs evidence since the one before: `babbling` at least MIN_DISCARDED_BYTES thrown away, and more than half of all; `good` a
 * frame, and at least half of all bytes in frames. The threshold is above what joining a stream in the middle of its longest text line
 * costs (82 bytes of NMEA 0183).
 */
import type { FramerStats } from '../../protocols/base/framer.ts';

const MIN_DISCARDED_BYTES = 96;

export type Verdict = 'good' | 'babbling' | 'none';

export class LineQuality {
  #mark = { bytes: 0, frames: 0, discardedBytes: 0 };

  judge(stats: FramerStats): Verdict {
    const bytes = stats.bytes - this.#mark.bytes;
    const frames = stats.frames - this.#mark.frames;
    const discarded = stats.discardedBytes - this.#mark.discardedBytes;
    const mostlyDiscarded = discarded * 2 > bytes;
    if (mostlyDiscarded && discarded < MIN_DISCARDED_BYTES) return 'none';
    if (!mostlyDiscarded && frames === 0) return 'none';
    this.#mark = { bytes: stats.bytes, frames: stats.frames, discardedBytes: stats.discardedBytes };
    return mostlyDiscarded ? 'babbling' : 'good';
  }
}
