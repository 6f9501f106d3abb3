/**
 * Finds NMEA 0183 sentences in a byte stream.
 *
 * A sentence is given as soon as `*hh` is there and right; the CR LF that follows carries nothing. A start character always
 * begins anew, so a torn sentence costs only itself. With `requireChecksum: false` a sentence without `*` counts when its line
 * ends. The buffer holds one sentence, 256 bytes unless told less.
 */
import { type Framer, newFramerStats } from '../base/framer.ts';
import { MAX_SENTENCE_CHARACTERS, STANDARD_SENTENCE_CHARACTERS } from './envelope.ts';

const DOLLAR = 0x24;
const BANG = 0x21;
const STAR = 0x2a;
const CR = 0x0d;
const LF = 0x0a;
/** `$GPGGA`: nothing shorter than an address is a sentence. */
const SHORTEST = 6;

export interface NmeaFramerOptions {
  /** False takes sentences without checksum too, as receivers before V3.01 send them. */
  requireChecksum?: boolean;
  /** From `$` to the checksum; 82 (the standard's) to 256 (unless told). */
  maximumCharacters?: number;
}

export class NmeaFramer implements Framer<string> {
  readonly stats = newFramerStats();
  private readonly requireChecksum: boolean;
  private readonly maximum: number;
  private readonly buffer = Buffer.alloc(MAX_SENTENCE_CHARACTERS);
  private held = 0;
  /** Of the characters between the start and `*`. */
  private sum = 0;
  private starAt = 0;

  constructor(options: NmeaFramerOptions = {}) {
    this.requireChecksum = options.requireChecksum ?? true;
    this.maximum = options.maximumCharacters ?? MAX_SENTENCE_CHARACTERS;
    if (this.maximum < STANDARD_SENTENCE_CHARACTERS || this.maximum > MAX_SENTENCE_CHARACTERS) {
      throw new RangeError(`maximumCharacters ${this.maximum}: 82–256 was expected`);
    }
  }

  /** Each frame is a sentence without CR LF, for decodeNmea(). */
  push(chunk: Uint8Array): string[] {
    this.stats.bytes += chunk.length;
    const sentences: string[] = [];
    for (const byte of chunk) {
      if (byte === DOLLAR || byte === BANG) {
        this.drop();
        this.begin(byte);
      } else if (this.held === 0) {
        // Line ends are expected between sentences and are no loss.
        if (byte !== CR && byte !== LF) this.stats.discardedBytes++;
      } else if (byte === CR || byte === LF) {
        this.endOfLine(sentences);
      } else if (byte < 0x20 || byte > 0x7e || this.held === this.maximum) {
        this.drop();
        this.stats.discardedBytes++;
      } else {
        this.take(byte, sentences);
      }
    }
    return sentences;
  }

  idle(): string[] {
    const sentences: string[] = [];
    if (this.held > 0) this.endOfLine(sentences);
    return sentences;
  }

  private begin(byte: number): void {
    this.buffer[0] = byte;
    this.held = 1;
    this.sum = 0;
    this.starAt = 0;
  }

  private take(byte: number, sentences: string[]): void {
    this.buffer[this.held++] = byte;
    if (this.starAt === 0) {
      if (byte === STAR) this.starAt = this.held - 1;
      else this.sum ^= byte;
      return;
    }
    if (this.held - this.starAt < 3) return;
    if (hexValue(this.buffer[this.starAt + 1]) * 16 + hexValue(this.buffer[this.starAt + 2]) === this.sum) {
      this.give(sentences);
      return;
    }
    this.stats.checksumErrors++;
    this.drop();
  }

  private endOfLine(sentences: string[]): void {
    if (!this.requireChecksum && this.starAt === 0 && this.held >= SHORTEST) this.give(sentences);
    else this.drop();
  }

  private give(sentences: string[]): void {
    sentences.push(this.buffer.toString('latin1', 0, this.held));
    this.stats.frames++;
    this.held = 0;
  }

  private drop(): void {
    this.stats.discardedBytes += this.held;
    this.held = 0;
  }
}

/** NaN for what is no hexadecimal digit: no checksum equals it. */
function hexValue(code: number | undefined): number {
  if (code === undefined) return Number.NaN;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN;
}
