/**
 * Commands that bring a Mercury module from its boot loader to reading without end.
 *
 * Source: the module's protocol as its maker's public API speaks it (opcodes, search flags, regions), and the transport log of an M6E Nano, whose
 * frames these give byte for byte (fixtures). Powers are hundredths of a dBm.
 */
import { encodeMercury, MercuryOpcode } from './mercury.ts';

export const MERCURY_REGIONS = {
  na: 0x01,
  eu: 0x02,
  kr: 0x03,
  in: 0x04,
  jp: 0x05,
  prc: 0x06,
  eu2: 0x07,
  eu3: 0x08,
  kr2: 0x09,
  prc2: 0x0a,
  au: 0x0b,
  nz: 0x0c,
  na2: 0x0d,
  na3: 0x0e,
  is: 0x0f,
  open: 0xff,
} as const;
export type MercuryRegion = keyof typeof MERCURY_REGIONS;

/** What a tag's record says besides its EPC, in this order. */
export const MercuryMetadata = {
  readCount: 0x0001,
  rssi: 0x0002,
  antenna: 0x0004,
  frequency: 0x0008,
  timestamp: 0x0010,
  phase: 0x0020,
  protocol: 0x0040,
  data: 0x0080,
  gpio: 0x0100,
} as const;
export const MERCURY_ALL_METADATA = 0x01ff;

export const MERCURY_GEN2 = 0x05;
const READ_FILTER = 0x0c;
/** Use the list of antennas that was set, in turn. */
const SEARCH_CONFIGURED_LIST = 0x0003;
const SEARCH_STREAMING = 0x0008;
/** Counts of four bytes instead of one. */
const SEARCH_LARGE_POPULATION = 0x0010;
const OPTION_METADATA = 0x10;

const command = (opcode: number, ...data: number[]): Buffer => encodeMercury({ opcode, data: Buffer.from(data) });
const high = (value: number): number => (value >> 8) & 0xff;
const low = (value: number): number => value & 0xff;

export const mercuryGetVersion = (): Buffer => command(MercuryOpcode.getVersion);
export const mercuryGetCurrentProgram = (): Buffer => command(MercuryOpcode.getCurrentProgram);
export const mercuryBootFirmware = (): Buffer => command(MercuryOpcode.bootFirmware);
export const mercuryGetRegion = (): Buffer => command(MercuryOpcode.getRegion);
export const mercurySetGen2 = (): Buffer => command(MercuryOpcode.setTagProtocol, 0, MERCURY_GEN2);
export const mercuryClearTagBuffer = (): Buffer => command(MercuryOpcode.clearTagBuffer);

export function mercurySetRegion(region: MercuryRegion): Buffer {
  return command(MercuryOpcode.setRegion, MERCURY_REGIONS[region]);
}

export function mercurySetPower(powerDbm: number): Buffer {
  const centiDbm = Math.round(powerDbm * 100);
  return command(MercuryOpcode.setTxPower, high(centiDbm), low(centiDbm));
}

/** Antennas to read by, in turn; each sends and receives. */
export function mercurySetAntennas(antennas: readonly number[]): Buffer {
  return command(MercuryOpcode.setAntennaPort, 0x02, ...antennas.flatMap((antenna) => [antenna, antenna]));
}

/** With the filter on, a module tells each tag once. */
export function mercurySetReadFilter(on: boolean): Buffer {
  return command(MercuryOpcode.setReaderOption, 0x01, READ_FILTER, on ? 1 : 0);
}

/** Reads until stopped; tags come as replies 22, and one without tag each `cycleMs`. */
export function mercuryStartStreaming(cycleMs: number, metadata = MERCURY_ALL_METADATA): Buffer {
  const flags = SEARCH_CONFIGURED_LIST | SEARCH_STREAMING | SEARCH_LARGE_POPULATION;
  const search = [OPTION_METADATA, high(flags), low(flags), high(cycleMs), low(cycleMs), high(metadata), low(metadata)];
  const head = [0, 0, 0x01, MercuryOpcode.readTagMultiple, 0, 0, MERCURY_GEN2, search.length];
  return command(MercuryOpcode.multiProtocolTagOperation, ...head, MercuryOpcode.readTagMultiple, ...search);
}

export function mercuryStopStreaming(): Buffer {
  return command(MercuryOpcode.multiProtocolTagOperation, 0, 0, 0x02);
}

/** Reads for so long into the module's buffer, and says how many tags it holds. For modules that know no streaming (M5e). */
export function mercuryReadMultiple(durationMs: number): Buffer {
  return command(MercuryOpcode.readTagMultiple, 0, 0, SEARCH_CONFIGURED_LIST, high(durationMs), low(durationMs));
}

/** The next tags of the buffer, as many as fit in a reply. */
export function mercuryGetTagBuffer(metadata: number): Buffer {
  return command(MercuryOpcode.getTagBuffer, high(metadata), low(metadata), 0);
}
