/** What all bar code readers share: a label in front of the reader, the command `scan`, and what stands in the ledger of it. */
import type { SendResult } from './faults.ts';
import { type CommandArgs, type LedgerEntry, type SimulatorContext, SimulatorError, wallMs } from './simulator.ts';

export interface Label {
  text: string;
  aim: string;
  sscc?: string;
  readPoint?: string;
}

/** A scan whose bytes left the reader. */
export interface Scanned {
  simulator: string;
  label: Label;
  /** The AIM identifier as it was sent; empty when the reader sends none. */
  aim: string;
  /** Where the reader stands, unless the label says otherwise. */
  readPoint: string | undefined;
  sent: Partial<SendResult> & { acknowledged?: boolean };
  /** When it was scanned; now, unless told. */
  atMs?: number;
}

/** `scan text=… [aim=…]` */
export function labelOf(id: string, args: CommandArgs): Label {
  if (args.text === undefined) {
    throw new SimulatorError({ code: 'sim-command-invalid', message: `scan ${id}: text=… is missing` });
  }
  return { text: String(args.text), aim: args.aim === undefined ? '' : String(args.aim) };
}

/** The scan that a command asked for went nowhere, from a reader that waits for no answer. */
export function scanLost({ id, address }: { id: string; address: string }): SimulatorError {
  return new SimulatorError({
    code: 'sim-not-heard',
    message: `${id}: the scan is lost, since nobody has ${address} open (or the scanner is unplugged or silenced)`,
  });
}

export function enterScan({ clock, emit }: SimulatorContext, scanned: Scanned): void {
  const { simulator, label, aim, sent, atMs = wallMs(clock) } = scanned;
  const readPoint = label.readPoint ?? scanned.readPoint;
  const entry: LedgerEntry = {
    simulator,
    kind: 'scan',
    atMs,
    text: label.text,
    ...(aim !== '' && { aim }),
    ...(label.sscc !== undefined && { sscc: label.sscc }),
    ...(readPoint !== undefined && { readPoint }),
    ...(sent.acknowledged !== undefined && { acknowledged: sent.acknowledged }),
  };
  emit(sent.damage === undefined ? entry : { ...entry, damage: sent.damage });
  if (sent.duplicated) emit({ ...entry, duplicate: true });
}
