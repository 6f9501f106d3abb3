/** A bar code reader that sends each scan as text over a serial port (RS-232, or USB as a virtual port). */
import { LineFramer } from '../../../protocols/barcode/line-framer.ts';
import type { Driver, DriverContext, Reading } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { serialTransport } from '../../transport/options.ts';
import { optionsSchema, type SerialBarcodeOptions } from './options.ts';
import { interpretScan } from './scan-text.ts';

/** A scan that stops in the middle for so long lost its end: the next one must not be glued to it. */
const TORN_MS = 2_000;

export const driver: Driver<SerialBarcodeOptions> = {
  kind: 'serial-barcode',
  summary: 'bar code reader on a serial port, each scan a line of text',
  options: optionsSchema,
  silentByNature: true,
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: SerialBarcodeOptions): AsyncIterable<Reading> {
  const { clock, stats } = context;
  const reader = new ChunkReader(context);
  const framer = new LineFramer({
    suffixes: options.suffixes,
    maxLength: options.maxLength,
    idle: options.idleMs !== undefined,
    ...(options.prefix !== undefined && { prefix: options.prefix }),
  });
  const said = new FaultLog();
  let quiet = true;
  let unreadableBytes = 0;
  for (;;) {
    const chunk = await reader.read(quiet ? undefined : (options.idleMs ?? TORN_MS));
    if (chunk === 'end' || chunk === 'stopped') return;
    quiet = chunk === 'timeout';
    const frames = chunk === 'timeout' ? framer.idle() : framer.push(chunk);
    const monotonicUs = clock.monotonicUs();
    for (const frame of frames) {
      const scan = interpretScan(frame, options);
      if (scan.ok) {
        yield { kind: 'scan', monotonicUs, text: scan.text, ...(scan.aim !== undefined && { aim: scan.aim }) };
        continue;
      }
      unreadableBytes += frame.length;
      if (said.admit('scan-unreadable', monotonicUs) === undefined) continue;
      const message = `a scan was not taken: ${scan.reason}: check baud rate (${options.baudRate}), parity, prefix and suffixes`;
      yield { kind: 'status', code: 'scan-unreadable', message, monotonicUs };
    }
    Object.assign(stats, framer.stats, { discardedBytes: framer.stats.discardedBytes + unreadableBytes });
  }
}
