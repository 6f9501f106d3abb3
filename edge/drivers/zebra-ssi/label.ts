/**
 * What a scan says, once its packets are together: text and AIM identifier, or that it is no label. Pure.
 *
 * No label are: nothing at all, `NR` that a reader with "transmit no read" sends as Code 39 when it saw no code, and bar codes that set the
 * reader up.
 */
import { parseAim, scanText } from '../../../protocols/barcode/aim.ts';
import { LINE_CONTROLS, type LineControl } from '../../../protocols/barcode/line-framer.ts';
import type { SsiScan } from '../../../protocols/ssi/index.ts';

const CODE_39 = 0x01;
const PARAMETER_CODE = 0x33;
const NO_READ = 'NR';

export interface Label {
  text: string;
  aim?: string;
}

export function labelOf(scan: SsiScan, suffix?: LineControl): Label | undefined {
  const whole = scanText(withoutSuffix(scan.data, suffix));
  // The reader's own identifier is exact; a code type stands for several.
  const read = parseAim(whole);
  const text = read?.data ?? whole;
  const aim = read?.aim ?? scan.aim;
  if (text === '' || scan.codeType === PARAMETER_CODE || (text === NO_READ && scan.codeType === CODE_39))
    return undefined;
  return { text, ...(aim !== undefined && { aim }) };
}

/** Whether the reader put the AIM identifier in front, as it is set up to. */
export function isIdentified(scan: SsiScan, suffix?: LineControl): boolean {
  return parseAim(scanText(withoutSuffix(scan.data, suffix))) !== undefined;
}

function withoutSuffix(data: Buffer, suffix: LineControl | undefined): Buffer {
  const bytes = Buffer.from(suffix === undefined ? [] : LINE_CONTROLS[suffix]);
  const start = data.length - bytes.length;
  return bytes.length > 0 && start >= 0 && data.subarray(start).equals(bytes) ? data.subarray(0, start) : data;
}
