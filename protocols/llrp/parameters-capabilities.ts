/** Capabilities: LLRP 1.1, clauses 10.2 and 17.2.3; the C1G2 ones clause 17.2.6 of the air protocol part. */
import type { ParameterTable } from './layout.ts';

export const CAPABILITIES = {
  GeneralDeviceCapabilities: {
    type: 137,
    fields: {
      maxNumberOfAntennas: 'u16',
      canSetAntennaProperties: 'flag',
      hasUtcClock: 'flag',
      _: 'pad14',
      /** IANA private enterprise number: see VENDOR. */
      manufacturer: 'u32',
      model: 'u32',
      firmwareVersion: 'text',
    },
    nested: true,
  },
  /** Relative to the most sensitive setting. */
  ReceiveSensitivityTableEntry: { type: 139, fields: { index: 'u16', receiveSensitivityDb: 's16' } },
  PerAntennaAirProtocol: { type: 140, fields: { antennaId: 'u16', protocolIds: 'u8s' } },
  GPIOCapabilities: { type: 141, fields: { numGpis: 'u16', numGpos: 'u16' } },
  LLRPCapabilities: {
    type: 142,
    fields: {
      canDoRfSurvey: 'flag',
      canReportBufferFillWarning: 'flag',
      supportsClientRequestOpSpec: 'flag',
      canDoTagInventoryStateAwareSingulation: 'flag',
      supportsEventAndReportHolding: 'flag',
      _: 'pad3',
      maxPriorityLevels: 'u8',
      clientRequestOpSpecTimeoutMs: 'u16',
      maxRoSpecs: 'u32',
      maxSpecsPerRoSpec: 'u32',
      maxInventoryParameterSpecsPerAiSpec: 'u32',
      maxAccessSpecs: 'u32',
      maxOpSpecsPerAccessSpec: 'u32',
    },
  },
  RegulatoryCapabilities: { type: 143, fields: { countryCode: 'u16', communicationsStandard: 'u16' }, nested: true },
  UHFBandCapabilities: { type: 144, fields: {}, nested: true },
  TransmitPowerLevelTableEntry: { type: 145, fields: { index: 'u16', transmitPowerCentiDbm: 's16' } },
  FrequencyInformation: { type: 146, fields: { hopping: 'flag', _: 'pad7' }, nested: true },
  FrequencyHopTable: { type: 147, fields: { hopTableId: 'u8', _: 'pad8', frequenciesKhz: 'u32s' } },
  FixedFrequencyTable: { type: 148, fields: { frequenciesKhz: 'u32s' } },
  PerAntennaReceiveSensitivityRange: { type: 149, fields: { antennaId: 'u16', indexMin: 'u16', indexMax: 'u16' } },
  /** LLRP 1.1 */
  MaximumReceiveSensitivity: { type: 363, fields: { maxSensitivityDbm: 's16' } },
  /** LLRP 1.1 */
  RFSurveyFrequencyCapabilities: { type: 365, fields: { minFrequencyKhz: 'u32', maxFrequencyKhz: 'u32' } },

  C1G2LLRPCapabilities: {
    type: 327,
    fields: {
      canSupportBlockErase: 'flag',
      canSupportBlockWrite: 'flag',
      /** The next four are reserved, zero, in LLRP 1.0.1. */
      canSupportBlockPermalock: 'flag',
      canSupportTagRecommissioning: 'flag',
      canSupportUmiMethod2: 'flag',
      canSupportXpc: 'flag',
      _: 'pad2',
      maxSelectFiltersPerQuery: 'u16',
    },
  },
  C1G2UHFRFModeTable: { type: 328, fields: {}, nested: true },
  C1G2UHFRFModeTableEntry: {
    type: 329,
    fields: {
      modeIdentifier: 'u32',
      /** Divide ratio: false 8, true 64/3. */
      dr: 'flag',
      epcHagConformance: 'flag',
      _: 'pad6',
      /** 0 FM0, 1 Miller 2, 2 Miller 4, 3 Miller 8. */
      m: 'u8',
      /** 0 PR-ASK, 1 SSB-ASK, 2 DSB-ASK. */
      forwardLinkModulation: 'u8',
      /** 0 unknown, 1 single, 2 multi, 3 dense interrogator. */
      spectralMask: 'u8',
      backscatterBitsPerSecond: 'u32',
      /** Thousand times the ratio of data-1 to data-0 length. */
      pieMillis: 'u32',
      minTariNs: 'u32',
      maxTariNs: 'u32',
      stepTariNs: 'u32',
    },
  },
} as const satisfies ParameterTable;
