/**
 * Cuts what an ELM327 sends into answers: all text up to the prompt `>`.
 *
 * Zero bytes are dropped: the chip inserts them now and then, and its data sheet says to ignore them. The buffer holds 4096 bytes; an
 * answer that grows longer (a monitor command left running) is discarded up to the next prompt.
 */
import { type Framer, newFramerStats } from '../base/framer.ts';

export const MAX_ELM327_ANSWER_BYTES = 4096;
const PROMPT = 0x3e;

export class Elm327Framer implements Framer<string> {
  readonly stats = newFramerStats();
  private readonly buffer = Buffer.alloc(MAX_ELM327_ANSWER_BYTES);
  private held = 0;
  private overflowed = false;

  /** Each frame is an answer without its prompt, for parseElm327(). */
  push(chunk: Uint8Array): string[] {
    this.stats.bytes += chunk.length;
    const answers: string[] = [];
    for (const byte of chunk) {
      if (byte === PROMPT) {
        this.endAnswer(answers);
      } else if (byte === 0 || this.overflowed) {
        this.stats.discardedBytes++;
      } else if (this.held === MAX_ELM327_ANSWER_BYTES) {
        this.stats.discardedBytes += this.held + 1;
        this.held = 0;
        this.overflowed = true;
      } else {
        this.buffer[this.held++] = byte;
      }
    }
    return answers;
  }

  /** Without a prompt there is no answer: the vehicle may still be sending. */
  idle(): string[] {
    this.stats.discardedBytes += this.held;
    this.held = 0;
    this.overflowed = false;
    return [];
  }

  private endAnswer(answers: string[]): void {
    if (this.overflowed) {
      this.stats.discardedBytes++;
      this.overflowed = false;
      return;
    }
    answers.push(this.buffer.toString('latin1', 0, this.held));
    this.stats.frames++;
    this.held = 0;
  }
}
