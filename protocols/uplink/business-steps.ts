/** Business steps and what each makes of a scan. */
import type { ScanType } from './model.ts';

/** CBV 2.0 (section 7.1) business steps that say something of a parcel. `delivering` is ours: CBV has no word for it. */
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

export function isBusinessStep(text: string): text is BusinessStep {
  return Object.hasOwn(BUSINESS_STEPS, text);
}
