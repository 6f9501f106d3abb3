/** What a module says while it reads, as readings. */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  encodeMercury,
  type MercuryFrame,
  type MercuryTagRead,
  mercuryBufferedTags,
  mercuryStatusName,
  mercuryStreamed,
} from '../../../protocols/rfid-serial/index.ts';
import type { DriverContext, Reading } from '../../driver.ts';
import type { FaultLog } from '../../transport/fault-log.ts';
import type { Link } from './setup.ts';

export const NO_TAG = 0x0400;
/** Statuses that say what to look after. */
const AILMENTS: ReadonlyMap<number, { code: string; message: string }> = new Map([
  [0x0503, { code: 'antenna-disconnected', message: 'the module finds no antenna at a port: check its cable' }],
  [0x0504, { code: 'reader-too-hot', message: 'the module is too hot and reads less, or not: give it air' }],
  [
    0x0505,
    {
      code: 'antenna-return-loss',
      message:
        'an antenna sends the power back (high return loss): check cable, connector, and that it is for this band',
    },
  ],
]);

export interface TagReader {
  link: Link;
  context: DriverContext;
  said: FaultLog;
  /** For modules that leave the antenna out. */
  onlyAntenna: number;
}

/** Readings of a frame that came while the module streams. */
export function* streamedReadings(frame: MercuryFrame, reader: TagReader): Iterable<Reading> {
  const streamed = decoded(frame, reader, mercuryStreamed);
  if (streamed?.kind === 'tag') yield* tagReadings([streamed.tag], reader);
  else if (streamed?.kind === 'status') yield* ailment(streamed.status, reader);
}

/** Readings of the reply to a request for the buffer, and how many tags it had. */
export function bufferedReadings(frame: MercuryFrame, reader: TagReader): { readings: Reading[]; count: number } {
  const tags = decoded(frame, reader, mercuryBufferedTags) ?? [];
  return { readings: [...tagReadings(tags, reader)], count: tags.length };
}

export function* ailment(status: number, { context, said }: TagReader): Iterable<Reading> {
  if (status === NO_TAG) return;
  const monotonicUs = context.clock.monotonicUs();
  const { code, message } = AILMENTS.get(status) ?? {
    code: 'reader-exception',
    message: `the module reports an error: ${mercuryStatusName(status)}`,
  };
  if (said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
}

function* tagReadings(tags: readonly MercuryTagRead[], { context, onlyAntenna }: TagReader): Iterable<Reading> {
  const monotonicUs = context.clock.monotonicUs();
  for (const { epc, antenna, rssi, readCount } of tags) {
    if (epc.length === 0) continue;
    yield {
      kind: 'tag',
      monotonicUs,
      epcHex: epc.toString('hex'),
      antenna: antenna ?? onlyAntenna,
      // An M5e gives a figure that is no dBm: it is positive.
      ...(rssi !== undefined && rssi < 0 && { rssiDbm: rssi }),
      reads: Math.max(1, readCount ?? 1),
    };
  }
}

function decoded<T>(frame: MercuryFrame, reader: TagReader, decode: (frame: MercuryFrame) => T): T | undefined {
  try {
    return decode(frame);
  } catch (error) {
    if (!isCodecError(error)) throw error;
    reader.context.log.debug({ code: error.code, reason: error.message }, 'RFID frame skipped');
    reader.link.refuse(encodeMercury(frame).length);
    return undefined;
  }
}
