/** A reader in memory that answers the driver's set-up, and the driver at work with it. */
import {
  ssiAck,
  ssiDecodeData,
  ssiDecoderAck,
  ssiMultipacketAck,
  ssiNak,
  ssiRequestRevision,
} from '../../../protocols/ssi/index.ts';
import type { Reading } from '../../driver.ts';
import { settle } from '../../transport/event-loop-clock.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';

export const PATH = '/dev/serial/by-id/usb-reader';
/** Neither set-up nor feedback, so that what is written is answers alone. */
export const QUIET = {
  path: PATH,
  configure: false,
  checkMs: 0,
  wakeUp: false,
  safeBeep: 'none',
  refusedBeep: 'none',
  ledMs: 0,
};
const REVISION = Buffer.from('0ea400005041415353424e302d303030', 'hex');
export const ACK = ssiAck().toString('hex');
export const RESEND = ssiNak(1).toString('hex');
export const BAD_CONTEXT = ssiNak(2).toString('hex');
export const DENIED = ssiNak(6).toString('hex');

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
export const scan = (text: string, retransmit = false) => ssiDecodeData(0x03, Buffer.from(text), { retransmit });

type Scan = Extract<Reading, { kind: 'scan' }>;

/** A reader that answers set-up, and whatever else it is told to. */
export function reader(
  options: object = QUIET,
  answers: (packet: string) => Uint8Array | undefined = () => ssiDecoderAck(),
) {
  const device = new MemoryTransport((bytes, self) => {
    const packet = hex(bytes);
    const isReply = [ACK, RESEND, BAD_CONTEXT, DENIED, hex(ssiMultipacketAck()), '00'].includes(packet);
    const answer = isReply ? undefined : packet === hex(ssiRequestRevision()) ? revision() : answers(packet);
    if (answer) self.feed(answer);
  });
  const run = runDriver(driver, options, device);
  const scans = () => run.readings.filter((reading): reading is Scan => reading.kind === 'scan');
  return {
    ...run,
    device,
    scans,
    last: () => scans().at(-1) as Scan,
    /** What was written since the last call. */
    written: () => device.writes.splice(0).map(hex),
    async hears(bytes: Uint8Array, pieces: readonly number[] = []) {
      device.feed(bytes, pieces);
      await settle();
    },
  };
}

export function revision(): Buffer {
  const bytes = Buffer.concat([REVISION, Buffer.alloc(2)]);
  bytes[0] = REVISION.length;
  let sum = 0;
  for (const byte of bytes.subarray(0, -2)) sum += byte;
  bytes.writeUInt16BE(-sum & 0xffff, REVISION.length);
  return bytes;
}

/** One whose start is over, and of which nothing was written that counts. */
export async function ready(options: object = QUIET) {
  const started = reader(options);
  await settle();
  await started.clock.advance(3_000);
  started.written();
  return started;
}
