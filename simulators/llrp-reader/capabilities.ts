/**
 * What the reader says it can do: an FCC reader of LLRP 1.0.1 with one power table and three RF modes.
 *
 * Clients choose power and mode from these tables (LLRP 1.0.1, clause 10.2), so they must be whole: UHF band capabilities with
 * transmit powers, hop table and RF mode table included.
 */
import { AIR_PROTOCOL_C1G2, CAPABILITY_DATA, type Parameter, VENDOR } from '../../protocols/llrp/index.ts';

/** Index i (from 1) is 10.00 dBm + (i − 1) · 0.25 dB, up to 31.50 dBm. */
export const POWER_LEVELS = 87;
export const MAX_ROSPECS = 8;

const COUNTRY_USA = 840;
const FCC_PART_15 = 1;
/** What of the reader its options decide. */
export interface Build {
  antennas: number;
  /** General purpose inputs. */
  inputs: number;
  /** `impinj` knows Impinj's extensions; `none` is of no maker that a client would know any of. */
  maker: 'none' | 'impinj';
}

const MODEL = 1;

export function capabilities(requestedData: number, build: Build): Parameter[] {
  const wants = (which: number): boolean => requestedData === CAPABILITY_DATA.all || requestedData === which;
  return [
    ...(wants(CAPABILITY_DATA.general) ? [general(build)] : []),
    ...(wants(CAPABILITY_DATA.llrp) ? [llrp()] : []),
    ...(wants(CAPABILITY_DATA.regulatory) ? [regulatory()] : []),
    ...(wants(CAPABILITY_DATA.airProtocol) ? [airProtocol()] : []),
  ];
}

function general({ antennas, inputs, maker }: Build): Parameter {
  const each = Array.from({ length: antennas }, (_, i) => i + 1);
  return {
    name: 'GeneralDeviceCapabilities',
    maxNumberOfAntennas: antennas,
    canSetAntennaProperties: false,
    hasUtcClock: true,
    manufacturer: maker === 'impinj' ? VENDOR.impinj : 0,
    model: MODEL,
    firmwareVersion: 'milepost-sim 1',
    parameters: [
      { name: 'ReceiveSensitivityTableEntry', index: 1, receiveSensitivityDb: 0 },
      { name: 'GPIOCapabilities', numGpis: inputs, numGpos: 0 },
      ...each.map((antennaId) => ({
        name: 'PerAntennaAirProtocol' as const,
        antennaId,
        protocolIds: [AIR_PROTOCOL_C1G2],
      })),
    ],
  };
}

function llrp(): Parameter {
  return {
    name: 'LLRPCapabilities',
    canDoRfSurvey: false,
    canReportBufferFillWarning: false,
    supportsClientRequestOpSpec: false,
    canDoTagInventoryStateAwareSingulation: false,
    supportsEventAndReportHolding: true,
    maxPriorityLevels: 1,
    clientRequestOpSpecTimeoutMs: 0,
    maxRoSpecs: MAX_ROSPECS,
    maxSpecsPerRoSpec: 16,
    maxInventoryParameterSpecsPerAiSpec: 1,
    maxAccessSpecs: 0,
    maxOpSpecsPerAccessSpec: 0,
  };
}

function regulatory(): Parameter {
  return {
    name: 'RegulatoryCapabilities',
    countryCode: COUNTRY_USA,
    communicationsStandard: FCC_PART_15,
    parameters: [
      {
        name: 'UHFBandCapabilities',
        parameters: [
          ...Array.from({ length: POWER_LEVELS }, (_, i) => ({
            name: 'TransmitPowerLevelTableEntry' as const,
            index: i + 1,
            transmitPowerCentiDbm: 1000 + 25 * i,
          })),
          {
            name: 'FrequencyInformation',
            hopping: true,
            parameters: [
              {
                name: 'FrequencyHopTable',
                hopTableId: 1,
                frequenciesKhz: Array.from({ length: 50 }, (_, i) => 902_750 + 500 * i),
              },
            ],
          },
          {
            name: 'C1G2UHFRFModeTable',
            parameters: [
              mode(0, { m: 0, backscatterBitsPerSecond: 640_000, tariNs: 6250 }),
              mode(1, { m: 1, backscatterBitsPerSecond: 320_000, tariNs: 12_500 }),
              mode(2, { m: 2, backscatterBitsPerSecond: 274_000, tariNs: 20_000 }),
            ],
          },
        ],
      },
    ],
  };
}

function mode(identifier: number, how: { m: number; backscatterBitsPerSecond: number; tariNs: number }): Parameter {
  return {
    name: 'C1G2UHFRFModeTableEntry',
    modeIdentifier: identifier,
    dr: true,
    epcHagConformance: false,
    m: how.m,
    forwardLinkModulation: 0,
    spectralMask: 2,
    backscatterBitsPerSecond: how.backscatterBitsPerSecond,
    pieMillis: 2000,
    minTariNs: how.tariNs,
    maxTariNs: how.tariNs,
    stepTariNs: 0,
  };
}

function airProtocol(): Parameter {
  return {
    name: 'C1G2LLRPCapabilities',
    canSupportBlockErase: false,
    canSupportBlockWrite: false,
    canSupportBlockPermalock: false,
    canSupportTagRecommissioning: false,
    canSupportUmiMethod2: false,
    canSupportXpc: false,
    maxSelectFiltersPerQuery: 2,
  };
}
