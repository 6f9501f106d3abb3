/** Reader operations: LLRP 1.1, clauses 11.2 and 17.2.4. */
import type { ParameterTable } from './layout.ts';

export const ROSPEC = {
  /** `currentState`: 0 disabled, 1 inactive, 2 active; a client adds it disabled. */
  ROSpec: { type: 177, fields: { roSpecId: 'u32', priority: 'u8', currentState: 'u8' }, nested: true },
  ROBoundarySpec: { type: 178, fields: {}, nested: true },
  /** 0 null (START_ROSPEC), 1 immediate, 2 periodic, 3 GPI. */
  ROSpecStartTrigger: { type: 179, fields: { triggerType: 'u8' }, nested: true },
  PeriodicTriggerValue: { type: 180, fields: { offsetMs: 'u32', periodMs: 'u32' }, nested: true },
  GPITriggerValue: { type: 181, fields: { gpiPort: 'u16', gpiEvent: 'flag', _: 'pad7', timeoutMs: 'u32' } },
  /** 0 null, 1 duration, 2 GPI with timeout. */
  ROSpecStopTrigger: { type: 182, fields: { triggerType: 'u8', durationMs: 'u32' }, nested: true },
  /** Antenna 0 stands for all antennas. */
  AISpec: { type: 183, fields: { antennaIds: 'u16s' }, nested: true },
  /** 0 null, 1 duration, 2 GPI with timeout, 3 tag observation. */
  AISpecStopTrigger: { type: 184, fields: { triggerType: 'u8', durationMs: 'u32' }, nested: true },
  TagObservationTrigger: {
    type: 185,
    fields: {
      triggerType: 'u8',
      _: 'pad8',
      numberOfTags: 'u16',
      numberOfAttempts: 'u16',
      tMs: 'u16',
      timeoutMs: 'u32',
    },
  },
  /** `protocolId` 1 is EPCglobal Class 1 Gen 2. */
  InventoryParameterSpec: { type: 186, fields: { inventoryParameterSpecId: 'u16', protocolId: 'u8' }, nested: true },
  RFSurveySpec: {
    type: 187,
    fields: { antennaId: 'u16', startFrequencyKhz: 'u32', endFrequencyKhz: 'u32' },
    nested: true,
  },
  RFSurveySpecStopTrigger: { type: 188, fields: { triggerType: 'u8', durationMs: 'u32', n: 'u32' } },
  /** LLRP 1.1 */
  LoopSpec: { type: 355, fields: { loopCount: 'u32' } },
} as const satisfies ParameterTable;
