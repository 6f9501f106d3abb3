/**
 * What a lane makes of its files when it is opened: which sequences were given out, which records are there, what was lost.
 *
 * The last segment is scanned, no other: so opening takes as long with a million records as with ten. Three things can stand behind its
 * last valid record: nothing; records that were never promised, torn when the power failed (cut off, and their sequences used again);
 * records that were promised and are damaged (quarantined). The mark tells them apart: what it knows of was promised.
 * Damage with valid records behind it, beyond the mark, may be either: its sequences are `unused`, neither accepted nor given out again.
 */

import type { Log } from '../../protocols/base/log.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { Segment } from './lane-reader.ts';
import type { Fate, LaneState } from './lane-state.ts';
import type { FoundMark } from './mark-file.ts';
import { modeOf } from './outbox-error.ts';
import type { Quarantine } from './quarantine.ts';
import { type Scan, SEGMENT_HEADER_BYTES, scanSegment, segmentName } from './segment.ts';
import type { SegmentFile } from './survey.ts';

/** Far more than a disk that lied about a sync can have lost. */
const SKIP = 2 ** 20;
/** When not even a trace is left of what was given out. */
const SKIP_BLIND = 2 ** 36;

interface Tail {
  disk: Disk;
  folder: string;
  lane: Lane;
  log: Log;
  quarantine: Quarantine;
  state: LaneState;
  files: readonly SegmentFile[];
  known: FoundMark | undefined;
  fresh: boolean;
  reserveBytes: number;
  /** What the disk refuses now it may do in a second: rejects, to be tried again. */
  patient: boolean;
  /** lane.json or the mark told where the lane stood. */
  isStateKnown: boolean;
  /** Makes lane.json durable. */
  save: () => Promise<void>;
}

export async function recoverTail(tail: Tail): Promise<{ segments: Segment[]; active: DiskFile | undefined }> {
  const { state, files, known, fresh, isStateKnown } = tail;
  const first = files[0];
  if (first && !isStateKnown) {
    // What lay before was removed with its fate settled, even if the files that said so are lost.
    state.accept(first.firstSequence - 1);
    state.acknowledge(1, first.firstSequence - 1);
  }
  const segments = tile(files, state);
  const promised = state.last;
  const last = segments.at(-1);
  const found = last ? await look(tail, last) : undefined;
  const before = state.statements.length;
  const durable = last !== undefined && found !== undefined && (await isDurable(tail, last));
  if (last && found) {
    settle(tail, { segment: last, scan: durable ? found : withoutUnpromised(found, known, promised), promised });
  }
  if (last && !found) last.lastSequence = Math.max(last.lastSequence, promised);
  // A mark that could not be written at the last commit looks like any other: without the segment nobody knows.
  const mayHaveLost = !known || known.suspicious || (last !== undefined && !found);
  if (!fresh && mayHaveLost) {
    const blind = !isStateKnown && files.length === 0;
    state.skip(state.last + (blind ? SKIP_BLIND : SKIP), 'skipped after a failure of power or disk: never given out');
  }
  let saved = true;
  if (state.statements.length > before) {
    saved = await tail.save().then(
      () => true,
      () => false,
    );
  }
  const active = last && found && durable && saved ? await continueIn(tail, last, found) : undefined;
  return { segments, active };
}

/** Each segment reaches to where the next begins. */
function tile(files: readonly SegmentFile[], state: LaneState): Segment[] {
  const segments: Segment[] = files.map((file) => ({ ...file, lastSequence: file.firstSequence - 1 }));
  for (const [index, segment] of segments.entries()) {
    const previous = segments[index - 1];
    const { firstSequence, unusedFrom } = segment;
    const end = (unusedFrom || firstSequence) - 1;
    if (previous) previous.lastSequence = Math.max(previous.firstSequence - 1, end);
    state.accept(firstSequence - 1);
    if (unusedFrom > 0) state.giveUp('unused', unusedFrom, firstSequence - 1, 'skipped: never given out');
  }
  return segments;
}

/** Undefined when the disk refuses to read it: it is left as it is, and read later. */
async function look({ disk, log, lane, patient }: Tail, segment: Segment): Promise<Scan | undefined> {
  try {
    const file = await disk.open(segment.path, { create: false, readOnly: true });
    try {
      return await scanSegment(file, segment.firstSequence, { tolerant: false });
    } finally {
      await file.close();
    }
  } catch (error) {
    if (patient) throw error;
    log.error({ err: error, lane, path: segment.path }, 'the last segment cannot be read at present');
    return undefined;
  }
}

/**
 * What a killed process had written and not synced lies in the kernel's memory only, its file's name too. It is synced before it counts: the hub
 * must not have what a power failure can still take from here.
 */
async function isDurable({ disk, folder, log, lane, patient }: Tail, segment: Segment): Promise<boolean> {
  try {
    const file = await disk.open(segment.path, { create: false });
    await file.sync().finally(() => file.close());
    await disk.syncFolder(folder);
    return true;
  } catch (error) {
    // A disk that takes no writes is read from all the same; one that fails now and then is asked again.
    if (patient && modeOf(error) === 'io-error') throw error;
    log.warn({ err: error, lane, path: segment.path }, 'the last segment cannot be synced');
    return false;
  }
}

/** Only what the mark knows of, if it knows all. */
function withoutUnpromised(scan: Scan, known: FoundMark | undefined, promised: number): Scan {
  if (known?.trust !== 'exact' || (scan.runs.at(-1)?.lastSequence ?? 0) <= promised) return scan;
  const runs = scan.runs
    .filter(({ firstSequence }) => firstSequence <= promised)
    .map((run) => ({ ...run, lastSequence: Math.min(run.lastSequence, promised) }));
  return { ...scan, runs };
}

/** Gives every sequence of the last segment its meaning. */
function settle(tail: Tail, at: { segment: Segment; scan: Scan; promised: number }): void {
  const { state, known } = tail;
  const { segment, scan, promised } = at;
  const lastRun = scan.runs.at(-1);
  const lastValid = lastRun?.lastSequence ?? segment.firstSequence - 1;
  state.accept(lastValid);
  const lose = (fate: Fate, first: number, last: number) => {
    for (const lost of state.giveUp(
      fate,
      first,
      last,
      fate === 'unused' ? 'torn: never promised' : 'damaged on disk',
    )) {
      tail.log.warn({ lane: tail.lane, fate, ...lost }, 'records lost');
    }
  };
  for (const { firstSequence, lastSequence } of scan.damages) {
    if (firstSequence > lastValid) continue;
    const end = known ? Math.min(promised, lastSequence) : lastSequence;
    lose('quarantined', firstSequence, end);
    lose('unused', Math.max(firstSequence, end + 1), lastSequence);
  }
  const torn = scan.damages.at(-1);
  // Without a mark nobody knows what was promised: what looks like the head of a record counts as one.
  if (!known && torn && torn.lastSequence > state.last) state.accept(torn.lastSequence);
  lose('quarantined', lastValid + 1, state.last);
  segment.bytes = lastRun?.end ?? SEGMENT_HEADER_BYTES;
  segment.lastSequence = lastValid;
  if (scan.damages.some((damage) => damage.end <= segment.bytes)) segment.scan = scan;
}

async function isZero(file: DiskFile, from: number, to: number): Promise<boolean> {
  const bytes = Buffer.alloc(Math.max(0, to - from));
  await file.read(bytes, from);
  return bytes.every((byte) => byte === 0);
}

/** Cuts off what is no record, and opens the segment for appending if it can be continued. */
async function continueIn(tail: Tail, segment: Segment, scan: Scan): Promise<DiskFile | undefined> {
  const goesOn = segment.whole && !segment.scan && segment.lastSequence === tail.state.last;
  const garbage = scan.damages.find((damage) => damage.start >= segment.bytes);
  if (!goesOn && !garbage) return undefined;
  let file: DiskFile | undefined;
  try {
    file = await tail.disk.open(segment.path, { create: false });
    const size = await file.size();
    if (
      goesOn &&
      tail.reserveBytes > 0 &&
      size - segment.bytes <= tail.reserveBytes &&
      (await isZero(file, segment.bytes, size))
    ) {
      // The reserve in use: it is still needed, or given back when there is space.
      if (size > segment.bytes) segment.reservedBytes = size;
      return file;
    }
    if (garbage || size > segment.bytes) {
      if (garbage) await tail.quarantine.keep(file, segmentName(segment.firstSequence), garbage);
      await file.truncate(segment.bytes);
      await file.sync();
    }
    if (goesOn) return file;
  } catch (error) {
    tail.log.warn({ err: error, lane: tail.lane, path: segment.path }, 'the last segment cannot be continued');
  }
  await file?.close().catch(() => {});
  return undefined;
}
