/**
 * Reads of one ROSpec that wait for their report (LLRP 1.0.1, clause 13.1), and what of each read a report says.
 *
 * Reads of the same tag by the same antenna and AISpec are one entry with a count. At most BUFFER_MAX entries wait;
 * beyond that the oldest goes.
 */
import {
  decodeVendorParameter,
  encodeVendorParameter,
  filterParameters,
  findParameter,
  type Parameter,
  type ParameterOf,
  REPORT_TRIGGER,
  tagReportData,
} from '../../protocols/llrp/index.ts';
import type { TagInField } from '../tag-field.ts';

const BUFFER_MAX = 4096;
const SEEN_COUNT_MAX = 0xffff;

export interface Read {
  tag: TagInField;
  antenna: number;
  roSpecId: number;
  /** From 1. */
  specIndex: number;
  rssiDbm: number;
  channelIndex: number;
  utcUs: number;
}

export interface WaitingRead extends Read {
  lastUtcUs: number;
  count: number;
}

export class ReportBuffer {
  readonly #waiting = new Map<string, WaitingRead>();

  add(read: Read): void {
    const key = `${read.tag.sighting.epcHex} ${read.antenna} ${read.specIndex}`;
    const known = this.#waiting.get(key);
    if (known) {
      known.count = Math.min(SEEN_COUNT_MAX, known.count + 1);
      known.lastUtcUs = read.utcUs;
      known.rssiDbm = Math.max(known.rssiDbm, read.rssiDbm);
      return;
    }
    this.#waiting.set(key, { ...read, lastUtcUs: read.utcUs, count: 1 });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > BUFFER_MAX && oldest !== undefined) this.#waiting.delete(oldest);
  }

  isWaiting(tag: TagInField): boolean {
    for (const read of this.#waiting.values()) if (read.tag === tag) return true;
    return false;
  }

  /** Whether the report specification wants what waits now. With n = 0 only the end of the spec brings a report. */
  isDue(spec: ParameterOf<'ROReportSpec'>): boolean {
    return spec.trigger !== REPORT_TRIGGER.none && spec.n > 0 && this.#waiting.size >= spec.n;
  }

  takeAll(): WaitingRead[] {
    const reads = [...this.#waiting.values()];
    this.#waiting.clear();
    return reads;
  }
}

/** TagReportData with the content that the client selected. */
export function reportOf(read: WaitingRead, spec: ParameterOf<'ROReportSpec'>): Parameter {
  const selector = findParameter(spec.parameters, 'TagReportContentSelector');
  const memory = selector && findParameter(selector.parameters, 'C1G2EPCMemorySelector');
  const epc = read.tag.sighting.epcHex;
  const epcBits = epc.length * 4;
  const report = tagReportData({
    epc,
    epcBits,
    ...(selector?.enableRoSpecId && { roSpecId: read.roSpecId }),
    ...(selector?.enableSpecIndex && { specIndex: read.specIndex }),
    ...(selector?.enableInventoryParameterSpecId && { inventoryParameterSpecId: 1 }),
    ...(selector?.enableAntennaId && { antennaId: read.antenna }),
    ...(selector?.enablePeakRssi && { peakRssiDbm: read.rssiDbm }),
    ...(selector?.enableChannelIndex && { channelIndex: read.channelIndex }),
    ...(selector?.enableFirstSeenTimestamp && { firstSeenUtcUs: read.utcUs }),
    ...(selector?.enableLastSeenTimestamp && { lastSeenUtcUs: read.lastUtcUs }),
    ...(selector?.enableTagSeenCount && { tagSeenCount: read.count }),
    // Length in words in the five highest bits; the rest says no user memory, no XPC, a GS1 EPC.
    ...(memory?.enablePcBits && { pc: Math.ceil(epcBits / 16) << 11 }),
    ...(selector?.enableAccessSpecId && { accessSpecId: 0 }),
  });
  if (!wantsExactRssi(spec)) return report;
  const exact = encodeVendorParameter({ name: 'ImpinjPeakRSSI', rssiCentiDbm: read.rssiDbm * 100 });
  return { ...report, parameters: [...report.parameters, exact] };
}

function wantsExactRssi(spec: ParameterOf<'ROReportSpec'>): boolean {
  return filterParameters(spec.parameters, 'Custom').some((custom) => {
    const selector = decodeVendorParameter(custom);
    if (selector?.name !== 'ImpinjTagReportContentSelector') return false;
    return filterParameters(selector.parameters, 'Custom').some((inner) => {
      const choice = decodeVendorParameter(inner);
      return choice?.name === 'ImpinjEnablePeakRSSI' && choice.mode === 1;
    });
  });
}
