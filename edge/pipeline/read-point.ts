/**
 * Read points (EPCIS): where a device observes, with the business step (CBV 2.0, section 7.1) that what is read there takes part in, from
 * which the scan type follows.
 */
import type { ScanType } from '../../protocols/uplink/model.ts';

/** CBV 2.0 business steps that say something of a parcel, and what each makes of a scan. `delivering` is ours: CBV has no word for it. */
export const BUSINESS_STEPS = {
  accepting: 'INDUCTION',
  arriving: 'ARRIVAL',
  receiving: 'ARRIVAL',
  unloading: 'UNLOAD',
  storing: 'INVENTORY',
  cycle_counting: 'INVENTORY',
  inspecting: 'INVENTORY',
  holding: 'INVENTORY',
  picking: 'SORT',
  staging_outbound: 'SORT',
  packing: 'SORT',
  consigning: 'SORT',
  loading: 'LOAD',
  shipping: 'DEPARTURE',
  departing: 'DEPARTURE',
  transporting: 'OUT_FOR_DELIVERY',
  delivering: 'DELIVERY',
  collecting: 'DELIVERY',
  returning: 'RETURN',
} as const satisfies Record<string, ScanType>;

export type BusinessStep = keyof typeof BUSINESS_STEPS;

export interface ReadPoint {
  id: string;
  businessStep: BusinessStep;
  /** Overrides what follows from the business step. */
  scanType?: ScanType;
  /** Identity schemes in the order in which this place wants them; default: the decoder's ranking. */
  identities?: readonly string[];
  /** A label that was read here is not counted again within this time. */
  scanWindowMs: number;
  /** A tag is taken to have left when it was not read for this long. */
  tagDepartedAfterMs: number;
}

export function scanTypeOf(readPoint: ReadPoint): ScanType {
  return readPoint.scanType ?? BUSINESS_STEPS[readPoint.businessStep];
}
