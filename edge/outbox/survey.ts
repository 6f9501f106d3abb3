/**
 * What lies in an outbox's folder, before anything is believed of it: reads small files and the headers of segments, decides which epoch
 * this outbox is of, and puts each segment where it belongs.
 *
 * A segment belongs where its header says (the header has a CRC, a name has none), so files that were renamed, moved to another lane or
 * copied are found again. One whose header is damaged belongs where its name and its records say. What belongs nowhere is put aside.
 * Reads no records, except of segments with a damaged header; those at most `SUSPECT_BYTES` in all, so that start-up time is bounded.
 */
import type { Log } from '../../protocols/base/log.ts';
import { EPOCH, LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { type Disk, errorCode, readWhole, replaceFile } from './disk.ts';
import { type LaneFile, LaneState } from './lane-state.ts';
import type { MarkFile } from './mark-file.ts';
import type { Quarantine } from './quarantine.ts';
import { sealJson, unsealJson } from './sealed-json.ts';
import {
  decodeSegmentHeader,
  firstSequenceOf,
  laneOfDamagedHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  scanSegment,
  segmentName,
} from './segment.ts';

export const STATE_FILE = 'lane.json';
export const RESERVE_FILE = 'reserve';
const EPOCH_FILE = 'outbox.json';
const SUSPECT_BYTES = 32 * 1024 * 1024;
const LOOKS_AT_ONCE = 16;

/** A file that holds records of a lane. */
export interface SegmentFile {
  path: string;
  firstSequence: number;
  bytes: number;
  /** The header is as it was written; otherwise the file is read, but nothing is appended to it. */
  whole: boolean;
  unusedFrom: number;
}

export interface Survey {
  epoch: string;
  /** There was nothing: a new outbox. */
  fresh: boolean;
  segments: Record<Lane, SegmentFile[]>;
  states: Partial<Record<Lane, LaneFile>>;
  /** Lanes whose folder cannot be used at present. */
  unavailable: Map<Lane, unknown>;
}

interface Look {
  folderLane: Lane;
  name: string;
  path: string;
  bytes: number;
  header: SegmentHeader | undefined;
  headerBytes: Buffer;
  /** The disk refused to read it. */
  refused: boolean;
}

export interface SurveyOptions {
  disk: Disk;
  folder: string;
  log: Log;
  mark: MarkFile;
  newEpoch: () => string;
  quarantines: Record<Lane, Quarantine>;
  /** Whose folders are looked into. */
  lanes: readonly Lane[];
  /** The epoch, when other lanes are open already. */
  epoch?: string;
}

/** Rejects when the folder itself cannot be read. */
export async function survey(options: SurveyOptions): Promise<Survey> {
  const { disk, folder, lanes } = options;
  const unavailable = new Map<Lane, unknown>();
  const looks: Look[] = [];
  const states: Partial<Record<Lane, LaneFile>> = {};
  for (const lane of lanes) {
    try {
      await ensureFolder(disk, `${folder}/${lane}`);
      looks.push(...(await lookAround(options, lane)));
      const state = LaneState.decode(await readOrPutAside(options, lane));
      // A file that was moved to another lane's folder still says whose it is.
      if (state && (states[state.lane]?.last ?? -1) < state.last) states[state.lane] = state;
    } catch (error) {
      unavailable.set(lane, error);
    }
  }
  const known = epochOf(unsealJson(await readWhole(disk, `${folder}/${EPOCH_FILE}`).catch(() => undefined)));
  const votes = [
    known,
    ...LANES.map((lane) => options.mark.found(lane)?.epoch),
    ...LANES.map((lane) => states[lane]?.epoch),
    ...looks.map(({ header }) => header?.epoch),
  ];
  const found = options.epoch ?? mostNamed(votes);
  const epoch = found ?? options.newEpoch();
  const isUntouched =
    looks.length === 0 && LANES.every((lane) => !states[lane] && !options.mark.found(lane)?.mark.last);
  const fresh = known === undefined && isUntouched && unavailable.size === 0 && options.epoch === undefined;
  if (fresh || found === undefined) {
    // The marks first: where there is an epoch, there was a mark, or one is missing.
    await options.mark.begin(epoch);
    await writeEpoch(options, epoch);
  } else if (known !== epoch) {
    options.log.error({ folder, epoch, was: known ?? 'lost' }, 'outbox.json was lost or is another outbox’s');
    // The epoch stands in other files too: on a disk that takes nothing this can wait.
    await writeEpoch(options, epoch).catch((error: unknown) =>
      options.log.warn({ err: error }, 'outbox.json not written'),
    );
  }
  for (const lane of LANES) if (states[lane]?.epoch !== epoch) delete states[lane];
  return {
    epoch,
    fresh,
    segments: await place(options, epoch, looks, (lane) => lanes.includes(lane) && !unavailable.has(lane)),
    states,
    unavailable,
  };
}

/** Creates a folder; what stands in its place and is none is moved out of the way. */
export async function ensureFolder(disk: Disk, path: string): Promise<void> {
  try {
    await disk.makeFolder(path);
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    await disk.rename(path, `${path}.aside`);
    await disk.makeFolder(path);
  }
}

async function lookAround(options: SurveyOptions, lane: Lane): Promise<Look[]> {
  const folder = `${options.folder}/${lane}`;
  const names = (await options.disk.list(folder)).filter(
    (name) => name !== STATE_FILE && name !== 'quarantine' && !name.startsWith(RESERVE_FILE) && !name.endsWith('.tmp'),
  );
  const looks: Look[] = [];
  for (let at = 0; at < names.length; at += LOOKS_AT_ONCE) {
    const some = names.slice(at, at + LOOKS_AT_ONCE).map((name) => lookAt(options.disk, lane, `${folder}/${name}`));
    looks.push(...(await Promise.all(some)));
  }
  return looks;
}

async function lookAt(disk: Disk, folderLane: Lane, path: string): Promise<Look> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const look: Look = {
    folderLane,
    name,
    path,
    bytes: 0,
    header: undefined,
    headerBytes: Buffer.alloc(0),
    refused: false,
  };
  try {
    const file = await disk.open(path, { create: false, readOnly: true });
    try {
      look.bytes = await file.size();
      const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
      look.headerBytes = bytes.subarray(0, await file.read(bytes, 0));
      look.header = decodeSegmentHeader(look.headerBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    look.refused = errorCode(error) !== 'EISDIR';
  }
  return look;
}

/** One file for each lane and first sequence, at its own place. */
async function place(
  options: SurveyOptions,
  epoch: string,
  looks: readonly Look[],
  isOpen: (lane: Lane) => boolean,
): Promise<Survey['segments']> {
  const placed = new Map<string, { lane: Lane; file: SegmentFile; look: Look }>();
  const spare: { look: Look; why: string }[] = [];
  let suspectBytes = SUSPECT_BYTES;
  const claim = (lane: Lane, look: Look, file: SegmentFile) => {
    if (!isOpen(lane)) {
      options.log.warn({ path: look.path, lane }, 'segment of a lane that cannot be used at present: left where it is');
      return;
    }
    const key = `${lane}/${file.firstSequence}`;
    const other = placed.get(key);
    const better = !other || rank(look, key) > rank(other.look, key);
    if (other) spare.push({ look: better ? other.look : look, why: 'another file holds these records' });
    if (better) placed.set(key, { lane, file, look });
  };
  for (const look of looks) {
    const { header, path, bytes, folderLane } = look;
    const named = firstSequenceOf(look.name);
    if (header?.epoch === epoch) {
      const { lane, firstSequence, unusedFrom } = header;
      claim(lane, look, { path, bytes, firstSequence, unusedFrom, whole: true });
    } else if (header) spare.push({ look, why: 'a segment of another outbox' });
    else if (named === undefined) spare.push({ look, why: 'no segment' });
    else if (look.refused) {
      claim(folderLane, look, { path, bytes, firstSequence: named, unusedFrom: 0, whole: false });
    } else if (bytes <= SEGMENT_HEADER_BYTES) {
      // Left by a crash between creating it and writing its header: there is nothing in it.
      await options.disk.remove(path).catch(() => {});
    } else if (bytes <= suspectBytes && (await holdsRecords(options.disk, path, named))) {
      suspectBytes -= bytes;
      const lane = laneOfDamagedHeader(look.headerBytes, { epoch, firstSequence: named }) ?? folderLane;
      claim(lane, look, { path, bytes, firstSequence: named, unusedFrom: 0, whole: false });
    } else {
      suspectBytes -= Math.min(bytes, suspectBytes);
      spare.push({ look, why: 'no record in it can be read' });
    }
  }
  for (const { look, why } of spare) await options.quarantines[look.folderLane].putAside(look.path, why);
  await putInPlace(options, [...placed.values()]);
  const segments: Survey['segments'] = { alert: [], tracking: [], telemetry: [] };
  for (const { lane, file } of placed.values()) segments[lane].push(file);
  for (const lane of LANES) segments[lane].sort((a, b) => a.firstSequence - b.firstSequence);
  return segments;
}

/** Of two files for the same records, the whole one is taken, then the one in its place, then the longer one. */
function rank(look: Look, key: string): number {
  const [lane, first] = key.split('/') as [Lane, string];
  const inPlace = look.folderLane === lane && look.name === segmentName(Number(first));
  return (look.header ? 4e15 : 0) + (inPlace ? 2e15 : 0) + Math.min(look.bytes, 1e15);
}

/** Renames what is not in its place; by way of another name, since two files may have changed places. */
async function putInPlace(
  { disk, folder, log }: SurveyOptions,
  placed: readonly { lane: Lane; file: SegmentFile }[],
): Promise<void> {
  const moves = placed
    .map(({ lane, file }) => ({
      file,
      folder: `${folder}/${lane}`,
      to: `${folder}/${lane}/${segmentName(file.firstSequence)}`,
    }))
    .filter(({ file, to }) => file.path !== to);
  if (moves.length === 0) return;
  try {
    for (const { file, to } of moves) {
      await disk.rename(file.path, `${to}.moved`);
      log.warn({ path: file.path, to }, 'segment found in the wrong place, and moved');
      file.path = `${to}.moved`;
    }
    for (const { file, to } of moves) {
      await disk.rename(file.path, to);
      file.path = to;
    }
    for (const touched of new Set(moves.map((move) => move.folder))) await disk.syncFolder(touched);
  } catch (error) {
    // They are read from where they are.
    log.warn({ err: error }, 'segments cannot be moved to their places');
  }
}

async function holdsRecords(disk: Disk, path: string, firstSequence: number): Promise<boolean> {
  try {
    const file = await disk.open(path, { create: false, readOnly: true });
    try {
      return (await scanSegment(file, firstSequence, { tolerant: true })).runs.length > 0;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}

async function readOrPutAside(options: SurveyOptions, lane: Lane): Promise<Buffer | undefined> {
  const path = `${options.folder}/${lane}/${STATE_FILE}`;
  try {
    return await readWhole(options.disk, path);
  } catch (error) {
    options.log.warn({ err: error, lane }, 'lane.json cannot be read');
    if (errorCode(error) === 'EISDIR') await options.quarantines[lane].putAside(path, 'a folder');
    return undefined;
  }
}

async function writeEpoch({ disk, folder }: SurveyOptions, epoch: string): Promise<void> {
  const content = sealJson({ format: 1, epoch });
  try {
    await replaceFile(disk, folder, EPOCH_FILE, content);
  } catch (error) {
    if (errorCode(error) !== 'EISDIR') throw error;
    await disk.rename(`${folder}/${EPOCH_FILE}`, `${folder}/${EPOCH_FILE}.aside`);
    await replaceFile(disk, folder, EPOCH_FILE, content);
  }
}

function epochOf(file: unknown): string | undefined {
  const epoch = (file as { epoch?: unknown } | undefined)?.epoch;
  return typeof epoch === 'string' && EPOCH.test(epoch) ? epoch : undefined;
}

/** What most say; of two said equally often, what was said first. */
function mostNamed(names: readonly (string | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
