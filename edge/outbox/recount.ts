/** Counts from the segments what a lane's running counts say; pure. */
import type { Segment } from './lane-reader.ts';
import type { LaneState } from './lane-state.ts';

/** Segments that claim the same sequences, a sentence each. */
export function overlaps(segments: readonly Segment[]): string[] {
  return segments.flatMap((segment, index) => {
    const following = segments[index + 1];
    const isWrong = following && segment.lastSequence >= following.firstSequence;
    return isWrong ? [`${segment.path} and ${following.path} hold the same sequences`] : [];
  });
}

/** Records of this segment that have no fate. */
export function pendingIn(segment: Segment, state: LaneState): number {
  let count = 0;
  for (let next = state.nextKept(segment.firstSequence); next <= segment.lastSequence; ) {
    const end = Math.min(segment.lastSequence, state.keptThrough(next));
    count += end - next + 1;
    next = state.nextKept(end + 1);
  }
  return count;
}

/** The first pending record that no segment holds. */
export function firstUncovered(segments: readonly Segment[], state: LaneState): number {
  let next = state.nextKept(1);
  for (const segment of segments) {
    if (segment.firstSequence > next) break;
    if (segment.lastSequence >= next) next = state.nextKept(segment.lastSequence + 1);
  }
  return next;
}
