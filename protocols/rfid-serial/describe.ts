/**
 * Frames of serial UHF modules of any family as plain objects, for people and tools.
 *
 * Which family a frame belongs to follows from its first byte and its check: BB is R200, FF a Mercury module, any other a UHFReader18, whose first byte is
 * its length; BB and FF may be one as well, if nothing else fits.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { badLength, orUndefined } from './faults.ts';
import { decodeMercury, type MercuryDirection, type MercuryFrame, mercuryStatusName, mercuryTag } from './mercury.ts';
import { mercuryBufferedTags, mercuryStreamed } from './mercury-tags.ts';
import { decodeR200, r200Error, r200Tag } from './r200.ts';
import { decodeUhfReader18, uhfReader18Information, uhfReader18Inventory, uhfReader18Report } from './uhf-reader18.ts';

export const RFID_MODULES = ['r200', 'uhfreader18', 'thingmagic'] as const;
export type RfidModule = (typeof RFID_MODULES)[number];

export type DescribedFrame = { module: RfidModule } & Record<string, unknown>;

interface Family {
  /** Bytes that the frame at the front has, as it says itself; undefined while that cannot be known. */
  lengths(bytes: Buffer): (number | undefined)[];
  describe(bytes: Buffer): Record<string, unknown>;
}

const FAMILIES: Readonly<Record<RfidModule, Family>> = {
  r200: {
    lengths: (bytes) => [bytes.length < 5 ? undefined : 7 + bytes.readUInt16BE(3)],
    describe: describeR200,
  },
  uhfreader18: {
    lengths: (bytes) => [(bytes[0] ?? 0) + 1],
    describe: describeUhfReader18,
  },
  thingmagic: {
    // A reply has a status, a command has none.
    lengths: (bytes) => (bytes[1] === undefined ? [undefined] : [7 + bytes[1], 5 + bytes[1]]),
    describe: describeMercury,
  },
};

/**
 * All frames in these bytes, which must be whole. @param module the family; found out unless told.
 * @throws CodecError with the offset in all of the bytes
 */
export function describeRfidFrames(input: Uint8Array, module?: RfidModule): DescribedFrame[] {
  const bytes = asBuffer(input);
  if (bytes.length === 0) throw badLength('RFID frame', 'at least 5', 0);
  const frames: DescribedFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { frame, length } = describeFirst(bytes.subarray(at), at, module);
    frames.push(frame);
    at += length;
  }
  return frames;
}

function describeFirst(bytes: Buffer, offset: number, module: RfidModule | undefined) {
  const likely = bytes[0] === 0xbb ? 'r200' : bytes[0] === 0xff ? 'thingmagic' : 'uhfreader18';
  const candidates = module ? [module] : [...new Set<RfidModule>([likely, 'uhfreader18'])];
  let fault: CodecError | undefined;
  for (const candidate of candidates) {
    for (const length of FAMILIES[candidate].lengths(bytes)) {
      try {
        const whole = bytes.subarray(0, length);
        const frame: DescribedFrame = { module: candidate, ...FAMILIES[candidate].describe(whole) };
        return { frame, length: whole.length };
      } catch (error) {
        if (!(error instanceof CodecError)) throw error;
        fault ??= error;
      }
    }
  }
  const { code, message, offset: within = 0 } = fault ?? badLength('RFID frame', 'at least 5', bytes.length);
  throw new CodecError({ code, message, offset: offset + within });
}

function describeR200(bytes: Buffer): Record<string, unknown> {
  const frame = decodeR200(bytes);
  const tag = r200Tag(frame);
  const error = r200Error(frame);
  return { ...frame, ...(tag && { tag }), ...(error !== undefined && { error }) };
}

/** A command and a reply look alike: what reads as a reply is told beside the bytes. */
function describeUhfReader18(bytes: Buffer): Record<string, unknown> {
  const frame = decodeUhfReader18(bytes);
  const inventory = frame.body.length > 0 ? uhfReader18Inventory(frame) : undefined;
  const information = orUndefined(() => uhfReader18Information(frame));
  const report = uhfReader18Report(frame);
  return { ...frame, ...inventory, ...information, ...(report && { epcs: [report] }) };
}

function describeMercury(bytes: Buffer): Record<string, unknown> {
  const direction: MercuryDirection = bytes.length === 7 + (bytes[1] ?? 0) ? 'reply' : 'command';
  const frame = decodeMercury(bytes, direction);
  const { status } = frame;
  const statusName = status === undefined ? {} : { statusName: mercuryStatusName(status) };
  return { direction, ...frame, ...statusName, ...mercuryContent(frame) };
}

function mercuryContent(frame: MercuryFrame): Record<string, unknown> {
  if (frame.status === undefined) return {};
  const streamed = mercuryStreamed(frame);
  if (streamed?.kind === 'tag') return { tags: [streamed.tag] };
  const tags = mercuryBufferedTags(frame);
  if (tags) return { tags };
  const tag = mercuryTag(frame);
  return tag ? { tags: [tag] } : {};
}
