/** Reports and events: LLRP 1.1, clauses 14.2 and 17.2.7. The TVs of a tag report stand in parameters-common.ts. */
import type { ParameterTable } from './layout.ts';

export const REPORT = {
  TagReportData: { type: 240, fields: {}, nested: true },
  EPCData: { type: 241, fields: { epc: 'bitArray' } },
  RFSurveyReportData: { type: 242, fields: {}, nested: true },
  FrequencyRSSILevelEntry: {
    type: 243,
    fields: { frequencyKhz: 'u32', bandwidthKhz: 'u32', averageRssiDbm: 's8', peakRssiDbm: 's8' },
    nested: true,
  },

  ReaderEventNotificationData: { type: 246, fields: {}, nested: true },
  HoppingEvent: { type: 247, fields: { hopTableId: 'u16', nextChannelIndex: 'u16' } },
  GPIEvent: { type: 248, fields: { gpiPort: 'u16', gpiEvent: 'flag', _: 'pad7' } },
  /** 0 start, 1 end, 2 preemption. */
  ROSpecEvent: { type: 249, fields: { eventType: 'u8', roSpecId: 'u32', preemptingRoSpecId: 'u32' } },
  ReportBufferLevelWarningEvent: { type: 250, fields: { percentFull: 'u8' } },
  ReportBufferOverflowErrorEvent: { type: 251, fields: {} },
  ReaderExceptionEvent: { type: 252, fields: { message: 'text' }, nested: true },
  /** 0 start, 1 end. */
  RFSurveyEvent: { type: 253, fields: { eventType: 'u8', roSpecId: 'u32', specIndex: 'u16' } },
  /** 0 end. */
  AISpecEvent: { type: 254, fields: { eventType: 'u8', roSpecId: 'u32', specIndex: 'u16' }, nested: true },
  /** 0 disconnected, 1 connected. */
  AntennaEvent: { type: 255, fields: { eventType: 'u8', antennaId: 'u16' } },
  /** See CONNECTION_ATTEMPT. */
  ConnectionAttemptEvent: { type: 256, fields: { status: 'u16' } },
  ConnectionCloseEvent: { type: 257, fields: {} },
  /** LLRP 1.1 */
  SpecLoopEvent: { type: 356, fields: { roSpecId: 'u32', loopCount: 'u32' } },
} as const satisfies ParameterTable;
