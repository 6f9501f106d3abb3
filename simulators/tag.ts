/** What all RFID readers share: the commands `tag` and `antenna`, and what stands in the ledger of a tag. */
import { numberArg } from './faults.ts';
import {
  type CommandArgs,
  type LedgerEntry,
  type Sighting,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from './simulator.ts';
import { DEFAULT_DWELL_MS } from './tag-field.ts';

export interface ReaderOf {
  id: string;
  antennas: number;
}

/** `tag epc=… [dwellMs=…] [antenna=…]` */
export function sightingOf({ id, antennas }: ReaderOf, args: CommandArgs): Sighting {
  const epcHex = String(args.epc ?? '').toLowerCase();
  const dwellMs = numberArg(args, 'dwellMs', DEFAULT_DWELL_MS);
  const antenna = numberArg(args, 'antenna', 0);
  if (!/^([0-9a-f]{4}){1,31}$/.test(epcHex) || !(dwellMs > 0) || antenna > antennas) {
    throw new SimulatorError({
      code: 'sim-command-invalid',
      message: `tag ${id}: epc is hexadecimal in words of four digits, dwellMs above 0, antenna one that exists`,
    });
  }
  return { sscc: '', aim: '', text: '', epcHex, dwellMs, ...(antenna !== 0 && { antennas: [antenna] }) };
}

/** `antenna number=… connected=true|false` */
export function antennaOf({ id, antennas }: ReaderOf, args: CommandArgs): { antenna: number; connected: boolean } {
  const antenna = numberArg(args, 'number', 0);
  if (!(antenna >= 1 && antenna <= antennas)) {
    throw new SimulatorError({ code: 'sim-command-invalid', message: `${id} has no antenna ${antenna}` });
  }
  return { antenna, connected: String(args.connected ?? 'true') === 'true' };
}

export interface Tagged {
  simulator: string;
  sighting: Sighting;
  antenna: number;
  readPoint: string | undefined;
}

/** A tag that was told of now. */
export function tagEntry(
  { clock }: SimulatorContext,
  { simulator, sighting, antenna, readPoint }: Tagged,
): LedgerEntry {
  return {
    simulator,
    kind: 'tag',
    atMs: wallMs(clock),
    epcHex: sighting.epcHex,
    antenna,
    ...(sighting.sscc !== '' && { sscc: sighting.sscc }),
    ...(readPoint !== undefined && { readPoint }),
  };
}
