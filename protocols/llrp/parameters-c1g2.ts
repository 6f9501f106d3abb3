/** Class 1 Gen 2 inventory settings: LLRP 1.1, clauses 16.2 and 17.3. */
import type { ParameterTable } from './layout.ts';

export const C1G2 = {
  C1G2InventoryCommand: { type: 330, fields: { tagInventoryStateAware: 'flag', _: 'pad7' }, nested: true },
  /** `truncate` 0 unspecified, 1 do not, 2 truncate. */
  C1G2Filter: { type: 331, fields: { truncate: 'bits2', _: 'pad6' }, nested: true },
  C1G2TagInventoryMask: {
    type: 332,
    fields: { memoryBank: 'bits2', _: 'pad6', pointer: 'u16', tagMask: 'bitArray' },
  },
  C1G2TagInventoryStateAwareFilterAction: { type: 333, fields: { target: 'u8', action: 'u8' } },
  C1G2TagInventoryStateUnawareFilterAction: { type: 334, fields: { action: 'u8' } },
  /** `tariNs` 0 lets the reader choose. */
  C1G2RFControl: { type: 335, fields: { modeIndex: 'u16', tariNs: 'u16' } },
  C1G2SingulationControl: {
    type: 336,
    fields: { session: 'bits2', _: 'pad6', tagPopulation: 'u16', tagTransitTimeMs: 'u32' },
    nested: true,
  },
  C1G2TagInventoryStateAwareSingulationAction: {
    type: 337,
    /** False: state A, selected. `sAll` is LLRP 1.1. */
    fields: { i: 'flag', s: 'flag', sAll: 'flag', _: 'pad5' },
  },
} as const satisfies ParameterTable;
