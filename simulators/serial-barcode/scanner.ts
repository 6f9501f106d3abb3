/**
 * A bar code scanner on a serial line (RS-232 or USB CDC): each scan is one line of text.
 *
 * Format: [prefix] [AIM identifier] data [suffix]; AIM identifiers as in ISO/IEC 15424. The scanner has no
 * acknowledgement: what it sends while nobody listens is gone, and whoever holds the trigger scans again.
 *
 * Commands: `scan text=… [aim=…]`, and those of every serial device. A double trigger is the fault `duplicate`.
 */
import { z } from 'zod';
import { enterScan, type Label, labelOf, scanLost } from '../scan.ts';
import { openSerialPort, type SerialPort } from '../serial-port.ts';
import type { CommandArgs, Fate, RunningSimulator, Sighting, Simulator, SimulatorContext } from '../simulator.ts';

const SUFFIXES = { cr: '\r', lf: '\n', crlf: '\r\n', tab: '\t', etx: '\x03', none: '' } as const;

export const scannerOptions = z.strictObject({
  path: z.string().min(1).optional(),
  prefix: z.string().default(''),
  suffix: z.enum(['cr', 'lf', 'crlf', 'tab', 'etx', 'none']).default('cr'),
  /** Send the AIM identifier (`]C1`) ahead of the data. */
  aim: z.boolean().default(true),
});
export type ScannerOptions = z.infer<typeof scannerOptions>;

export const SCANNER_KIND = 'serial-barcode';

export function serialBarcode(id: string, options: ScannerOptions, readPoint?: string): Simulator {
  return {
    kind: SCANNER_KIND,
    id,
    async start(context) {
      const port = await openSerialPort(context, { id, path: options.path });
      return new Scanner({ id, options, context, port, readPoint });
    },
  };
}

interface Parts {
  id: string;
  options: ScannerOptions;
  context: SimulatorContext;
  port: SerialPort;
  readPoint: string | undefined;
}

class Scanner implements RunningSimulator {
  readonly kind = SCANNER_KIND;
  readonly id: string;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
  }

  get address(): string {
    return this.#parts.port.address;
  }

  observe(sighting: Sighting): Promise<Fate> {
    return this.#scan(sighting);
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name !== 'scan') return this.#parts.port.command(name, args);
    if ((await this.#scan(labelOf(this.id, args))) === 'lost') throw scanLost(this);
  }

  stop(): Promise<void> {
    return this.#parts.port.close();
  }

  async #scan(label: Label): Promise<Fate> {
    const { context, options, port, readPoint } = this.#parts;
    const aim = options.aim ? label.aim : '';
    const content = options.prefix + aim + label.text;
    const frame = Buffer.from(content + SUFFIXES[options.suffix], 'latin1');
    const misread = options.prefix.length + Math.floor(content.length / 2);
    const sent = await port.send(frame, {
      corrupt: (bytes) => swapCharacter(bytes, misread),
      terminated: true,
    });
    if (sent.fate !== 'lost') enterScan(context, { simulator: this.id, label, aim, readPoint, sent });
    return sent.fate;
  }
}

/** A misread digit, still a printable character: what a bar code without enough check characters gives. */
function swapCharacter(bytes: Buffer, at: number): Buffer {
  bytes[at] = bytes[at] === 0x37 ? 0x34 : 0x37;
  return bytes;
}
