/**
 * A bar code reader that speaks HID point-of-sale (usage page 8C, usage 2) over USB. One input report is one part of a scan; long scans come
 * in several. A scan whose rest does not come is forgotten, so that the next one is not glued to it.
 */
import { scanText } from '../../../protocols/barcode/aim.ts';
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  decodeHidPosReport,
  HID_POS_USAGE,
  HidPosAssembler,
  type HidPosReport,
  type HidPosScan,
  honeywellCodeId,
} from '../../../protocols/hid/index.ts';
import type { Driver, DriverContext, Reading } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { hidIdentity } from '../../transport/options.ts';
import { hidReport } from '../../transport/transport.ts';
import { type HidBarcodeOptions, optionsSchema } from './options.ts';

const TORN_MS = 1_000;
/** Report 254, value 1: point-of-sale reports on (Honeywell, Metrologic). */
const HONEYWELL_POS_ON = Buffer.of(0xfe, 0x01);

export const driver: Driver<HidBarcodeOptions> = {
  kind: 'hid-barcode',
  summary: 'bar code reader on USB in HID point-of-sale mode',
  options: optionsSchema,
  silentByNature: true,
  transport: (options) => ({ ...hidIdentity(options), usage: HID_POS_USAGE }),
  run,
};

async function* run(context: DriverContext, options: HidBarcodeOptions): AsyncIterable<Reading> {
  const { clock, transport, stats } = context;
  const reader = new ChunkReader(context);
  const assembler = new HidPosAssembler();
  const statuses = new Statuses(context);
  if (options.honeywellPos) await transport.write(hidReport('feature', HONEYWELL_POS_ON));
  let heldBytes = 0;
  for (;;) {
    const report = await reader.read(heldBytes === 0 ? undefined : TORN_MS);
    if (report === 'end' || report === 'stopped') return;
    if (report === 'timeout') {
      stats.discardedBytes += heldBytes;
      heldBytes = 0;
      assembler.reset();
      yield* statuses.complain('scan-torn', 'the rest of a long scan did not come: it was not taken; scan again');
      continue;
    }
    stats.bytes += report.length;
    const part = decoded(report);
    if (part === undefined) {
      stats.discardedBytes += report.length;
      continue;
    }
    stats.frames++;
    heldBytes += report.length;
    const scan = assembler.push(part);
    if (part.more) continue;
    const wholeBytes = heldBytes;
    heldBytes = 0;
    if (scan === undefined || scan.data.length === 0 || scan.data.length > options.maxLength) {
      stats.discardedBytes += wholeBytes;
      const what = scan?.data.length === 0 ? 'is empty' : `is longer than ${options.maxLength} bytes`;
      yield* statuses.complain('scan-unreadable', `a scan was not taken: it ${what}: check the reader and maxLength`);
      continue;
    }
    yield { kind: 'scan', monotonicUs: clock.monotonicUs(), ...labelOf(scan, options) };
  }
}

/** What is wrong with scans, not more often than is worth reading. */
class Statuses {
  readonly #context: DriverContext;
  readonly #said = new FaultLog();

  constructor(context: DriverContext) {
    this.#context = context;
  }

  *complain(code: string, message: string): Iterable<Reading> {
    const monotonicUs = this.#context.clock.monotonicUs();
    if (this.#said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
  }
}

/** Other reports (attributes, settings, what a reader says of its own) are no scans. */
function decoded(report: Uint8Array): HidPosReport | undefined {
  try {
    return decodeHidPosReport(report);
  } catch (error) {
    if (!isCodecError(error)) throw error;
    return undefined;
  }
}

function labelOf(scan: HidPosScan, options: HidBarcodeOptions): { text: string; aim?: string } {
  const text = scanText(scan.data);
  const letter = String.fromCharCode(scan.vendorSymbology);
  const aim = scan.aim ?? (options.codeIds === 'honeywell' ? honeywellCodeId(letter) : undefined);
  return { text, ...(aim !== undefined && { aim }) };
}
