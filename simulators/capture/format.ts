/**
 * A capture: what went over a cable or a connection, with times. A text file of JSON objects, one per line:
 *
 *   {"t_us":1250000,"direction":"in","hex":"5d4331303033343031"}
 *
 *   t_us       microseconds of monotonic time since the recording began, a whole number; never less than in the line before
 *   direction  `in`: from the device to the host, `out`: from the host to the device
 *   hex        the bytes, one chunk as it was read; at most CHUNK_BYTES_MAX of them
 *
 * A line is valid if and only if it is such an object (further keys are ignored). Empty lines count for nothing. A last line without its
 * line feed that is not valid was torn off when the recording stopped: it is left out. Any other line that is not valid is an error.
 */
import { once } from 'node:events';
import { closeSync, createReadStream, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { SimulatorError } from '../simulator.ts';

export type Direction = 'in' | 'out';

export interface CaptureEntry {
  atUs: number;
  direction: Direction;
  bytes: Buffer;
}

const CHUNK_BYTES_MAX = 16 * 1024;
const LINE_MAX = 4 * CHUNK_BYTES_MAX;

/** Gives the entries in order, reading as it goes. @throws SimulatorError `sim-capture-unreadable`, `sim-capture-invalid` */
export async function* readCapture(file: string): AsyncGenerator<CaptureEntry> {
  let before = 0;
  for await (const { text, number, torn } of linesOf(file)) {
    if (text.trim() === '') continue;
    const entry = parseEntry(text);
    if (typeof entry !== 'string' && entry.atUs >= before) {
      before = entry.atUs;
      yield entry;
    } else if (typeof entry !== 'string') {
      throw invalid(`${file}:${number}: t_us ${entry.atUs} is less than ${before} in the line before`);
    } else if (!torn) {
      throw invalid(`${file}:${number}: ${entry}`);
    }
  }
}

/** An entry, or what is wrong with the line. */
function parseEntry(text: string): CaptureEntry | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'no JSON object';
  }
  if (typeof value !== 'object' || value === null) return 'no JSON object';
  const { t_us: atUs, direction, hex } = value as Record<string, unknown>;
  if (typeof atUs !== 'number' || !Number.isSafeInteger(atUs) || atUs < 0)
    return 't_us: a whole number from 0 was expected';
  if (direction !== 'in' && direction !== 'out') return `direction: 'in' or 'out' was expected`;
  if (typeof hex !== 'string' || !/^([0-9a-f]{2})+$/i.test(hex))
    return 'hex: pairs of hexadecimal digits were expected';
  return { atUs, direction, bytes: Buffer.from(hex, 'hex') };
}

function formatEntry({ atUs, direction, bytes }: CaptureEntry): string {
  return `${JSON.stringify({ t_us: atUs, direction, hex: bytes.toString('hex') })}\n`;
}

async function* linesOf(file: string): AsyncGenerator<{ text: string; number: number; torn: boolean }> {
  const stream = createReadStream(file, { encoding: 'latin1' });
  try {
    await once(stream, 'open');
  } catch (cause) {
    throw new SimulatorError({ code: 'sim-capture-unreadable', message: `${file} cannot be read`, cause });
  }
  let rest = '';
  let number = 0;
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) yield { text, number: ++number, torn: false };
    if (rest.length > LINE_MAX) throw invalid(`${file}:${number + 1}: a line of more than ${LINE_MAX} characters`);
  }
  if (rest !== '') yield { text: rest, number: number + 1, torn: true };
}

/** Appends entries to a new file until it has `bytesMax` bytes. Written at once, so that a kill costs the last line at most. */
export class CaptureWriter {
  readonly counts = { entries: 0, bytesIn: 0, bytesOut: 0 };
  readonly #descriptor: number;
  readonly #bytesMax: number;
  #size = 0;
  #closed = false;

  /** @throws SimulatorError `sim-path-occupied` when the file exists, `sim-capture-unreadable` when it cannot be made. */
  constructor(file: string, bytesMax: number) {
    this.#bytesMax = bytesMax;
    try {
      this.#descriptor = openSync(file, 'wx');
    } catch (cause) {
      const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
      throw exists
        ? new SimulatorError({ code: 'sim-path-occupied', message: `${file} exists: choose another file`, cause })
        : new SimulatorError({ code: 'sim-capture-unreadable', message: `${file} cannot be written`, cause });
    }
  }

  /** False when the file is full: the entry is not in it, and no later one will be. */
  add(entry: CaptureEntry): boolean {
    for (let from = 0; from < entry.bytes.length; from += CHUNK_BYTES_MAX) {
      const bytes = entry.bytes.subarray(from, from + CHUNK_BYTES_MAX);
      const line = Buffer.from(formatEntry({ ...entry, bytes }));
      if (this.#closed || this.#size + line.length > this.#bytesMax) {
        this.#size = this.#bytesMax;
        return false;
      }
      this.#size += line.length;
      for (let at = 0; at < line.length; ) at += writeSync(this.#descriptor, line, at);
      this.counts.entries++;
      if (entry.direction === 'in') this.counts.bytesIn += bytes.length;
      else this.counts.bytesOut += bytes.length;
    }
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fdatasyncSync(this.#descriptor);
    closeSync(this.#descriptor);
  }
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-capture-invalid', message });
}
