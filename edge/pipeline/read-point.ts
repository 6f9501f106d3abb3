/**
 * Read points (EPCIS): where a device observes, with the business step (CBV 2.0, section 7.1) that what is read there takes part in, from
 * which the scan type follows.
 */
import { BUSINESS_STEPS, type BusinessStep } from '../../protocols/uplink/business-steps.ts';
import type { ScanType } from '../../protocols/uplink/model.ts';

export interface ReadPoint {
  id: string;
  businessStep: BusinessStep;
  /** Overrides what follows from the business step. */
  scanType?: ScanType;
  /** Identity schemes in the order in which this place wants them; default: the decoder's ranking. */
  identities?: readonly string[];
  /** A label that was read here is not counted again within this time. */
  scanWindowMs: number;
  /** A tag is taken to have left when it was not read for this long; `adaptive` learns it from how often the tag is read. */
  tagDepartedAfterMs: number | 'adaptive';
  /** Whether departures of tags are stated. */
  tagDepartures: boolean;
  /** Read points of one zone see a tag at one of them. */
  zone?: string;
}

export function scanTypeOf(readPoint: ReadPoint): ScanType {
  return readPoint.scanType ?? BUSINESS_STEPS[readPoint.businessStep];
}
