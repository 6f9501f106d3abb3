/**
 * Layouts shared by several groups: timestamps, identifiers in one-byte-header (TV) form, status, custom.
 * LLRP 1.1, clauses 17.2.2 (timestamps), 17.2.7.3 (TVs of a tag report), 17.2.8 (errors), 17.2.9 (custom).
 */
import type { ParameterTable } from './layout.ts';

export const COMMON = {
  AntennaID: { type: 1, fields: { antennaId: 'u16' } },
  FirstSeenTimestampUTC: { type: 2, fields: { microseconds: 'u64' } },
  FirstSeenTimestampUptime: { type: 3, fields: { microseconds: 'u64' } },
  LastSeenTimestampUTC: { type: 4, fields: { microseconds: 'u64' } },
  LastSeenTimestampUptime: { type: 5, fields: { microseconds: 'u64' } },
  PeakRSSI: { type: 6, fields: { peakRssiDbm: 's8' } },
  ChannelIndex: { type: 7, fields: { channelIndex: 'u16' } },
  TagSeenCount: { type: 8, fields: { tagSeenCount: 'u16' } },
  ROSpecID: { type: 9, fields: { roSpecId: 'u32' } },
  InventoryParameterSpecID: { type: 10, fields: { inventoryParameterSpecId: 'u16' } },
  C1G2CRC: { type: 11, fields: { crc: 'u16' } },
  C1G2PC: { type: 12, fields: { pc: 'u16' } },
  EPC96: { type: 13, fields: { epc: 'epc96' } },
  SpecIndex: { type: 14, fields: { specIndex: 'u16' } },
  ClientRequestOpSpecResult: { type: 15, fields: { opSpecId: 'u16' } },
  AccessSpecID: { type: 16, fields: { accessSpecId: 'u32' } },
  OpSpecID: { type: 17, fields: { opSpecId: 'u16' } },
  C1G2SingulationDetails: { type: 18, fields: { numCollisionSlots: 'u16', numEmptySlots: 'u16' } },
  /** LLRP 1.1 */
  C1G2XPCW1: { type: 19, fields: { xpcW1: 'u16' } },
  /** LLRP 1.1 */
  C1G2XPCW2: { type: 20, fields: { xpcW2: 'u16' } },

  UTCTimestamp: { type: 128, fields: { microseconds: 'u64' } },
  Uptime: { type: 129, fields: { microseconds: 'u64' } },

  LLRPStatus: { type: 287, fields: { statusCode: 'u16', errorDescription: 'text' }, nested: true },
  FieldError: { type: 288, fields: { fieldNum: 'u16', errorCode: 'u16' } },
  ParameterError: { type: 289, fields: { parameterType: 'u16', errorCode: 'u16' }, nested: true },

  /** A vendor's parameter: `data` is everything after the subtype, whatever it holds. */
  Custom: { type: 1023, fields: { vendorId: 'u32', subtype: 'u32', data: 'rest' } },
} as const satisfies ParameterTable;
