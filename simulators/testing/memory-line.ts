/** A serial cable without an operating system: what the device wrote is in `sent`, `fromHost` speaks to the device. */
import type { Line, LineOptions, OpenLine } from '../line.ts';

export class MemoryLine implements Line {
  readonly path: string;
  readonly sent: Buffer[] = [];
  hostListens = true;
  plugged = true;
  closed = false;
  readonly #options: LineOptions;

  constructor(options: LineOptions) {
    this.path = options.path;
    this.#options = options;
  }

  get listening(): boolean {
    return this.hostListens && this.plugged && !this.closed;
  }

  get text(): string {
    return Buffer.concat(this.sent).toString('latin1');
  }

  fromHost(bytes: Uint8Array): void {
    this.#options.onData(Buffer.from(bytes));
  }

  async write(bytes: Uint8Array): Promise<boolean> {
    if (!this.listening) return false;
    this.sent.push(Buffer.from(bytes));
    return true;
  }

  async unplug(): Promise<void> {
    this.plugged = false;
  }

  async replug(): Promise<void> {
    this.plugged = true;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** Opens memory lines and keeps them by the last part of their path. */
export function memoryLines(): { open: OpenLine; lines: Map<string, MemoryLine>; line(name: string): MemoryLine } {
  const lines = new Map<string, MemoryLine>();
  return {
    lines,
    open: async (options) => {
      const line = new MemoryLine(options);
      lines.set(options.path.slice(options.path.lastIndexOf('/') + 1), line);
      return line;
    },
    line(name) {
      const line = lines.get(name);
      if (line === undefined) throw new Error(`no line '${name}' was opened`);
      return line;
    },
  };
}
