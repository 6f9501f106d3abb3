/** Reader configuration and report specifications: LLRP 1.1, clauses 13.2, 14.2, 17.2.6 and 17.2.7. */
import type { ParameterTable } from './layout.ts';

export const CONFIG = {
  LLRPConfigurationStateValue: { type: 217, fields: { value: 'u32' } },
  /** `idType` 0: EUI-64 or MAC, 1: EPC. */
  Identification: { type: 218, fields: { idType: 'u8', readerId: 'u8s' } },
  GPOWriteData: { type: 219, fields: { gpoPort: 'u16', gpoData: 'flag', _: 'pad7' } },
  /** `triggerType` 0 none, 1 periodic. */
  KeepaliveSpec: { type: 220, fields: { triggerType: 'u8', periodMs: 'u32' } },
  AntennaProperties: { type: 221, fields: { connected: 'flag', _: 'pad7', antennaId: 'u16', gainCentiDbi: 's16' } },
  /** Antenna 0 stands for all antennas. */
  AntennaConfiguration: { type: 222, fields: { antennaId: 'u16' }, nested: true },
  RFReceiver: { type: 223, fields: { receiverSensitivityIndex: 'u16' } },
  RFTransmitter: { type: 224, fields: { hopTableId: 'u16', channelIndex: 'u16', transmitPowerIndex: 'u16' } },
  /** `state` 0 low, 1 high, 2 unknown. */
  GPIPortCurrentState: { type: 225, fields: { gpiPort: 'u16', enabled: 'flag', _: 'pad7', state: 'u8' } },
  EventsAndReports: { type: 226, fields: { holdUponReconnect: 'flag', _: 'pad7' } },

  /** `trigger` 0 none (GET_REPORT), 1 N tags or end of AISpec, 2 N tags or end of ROSpec; LLRP 1.1 adds 3–6 with times. */
  ROReportSpec: { type: 237, fields: { trigger: 'u8', n: 'u16' }, nested: true },
  TagReportContentSelector: {
    type: 238,
    fields: {
      enableRoSpecId: 'flag',
      enableSpecIndex: 'flag',
      enableInventoryParameterSpecId: 'flag',
      enableAntennaId: 'flag',
      enableChannelIndex: 'flag',
      enablePeakRssi: 'flag',
      enableFirstSeenTimestamp: 'flag',
      enableLastSeenTimestamp: 'flag',
      enableTagSeenCount: 'flag',
      enableAccessSpecId: 'flag',
      _: 'pad6',
    },
    nested: true,
  },
  C1G2EPCMemorySelector: {
    type: 348,
    /** XPC is LLRP 1.1. */
    fields: { enableCrc: 'flag', enablePcBits: 'flag', enableXpcBits: 'flag', _: 'pad5' },
  },
  AccessReportSpec: { type: 239, fields: { trigger: 'u8' } },

  ReaderEventNotificationSpec: { type: 244, fields: {}, nested: true },
  /** `eventType`: see EVENT_TYPE. */
  EventNotificationState: { type: 245, fields: { eventType: 'u16', enabled: 'flag', _: 'pad7' } },
} as const satisfies ParameterTable;
