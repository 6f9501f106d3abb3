/** What the reader is told to do: the ROSpec that the options make, with powers from the reader's own table. Pure. LLRP 1.1, clause 11. */
import {
  encodeVendorParameter,
  filterParameters,
  findParameter,
  IMPINJ_SEARCH_MODE,
  type InventoryOptions,
  inventoryRoSpec,
  type Parameter,
  type ParameterOf,
  REPORT_TRIGGER,
  STOP_TRIGGER,
  type VendorParameter,
} from '../../../protocols/llrp/index.ts';
import type { LlrpOptions } from './options.ts';

/** Any number but 0 will do: the reader has no other ROSpec. */
export const ROSPEC_ID = 1;

export interface Power {
  transmitPowerIndex?: number;
  transmitPowerIndexes?: ReadonlyMap<number, number>;
  hopTableId: number;
}

/** Undefined where nothing is wished for, or the reader tells no power table. */
export function choosePowers(capabilities: readonly Parameter[], options: LlrpOptions): Power | undefined {
  const { transmitPowerDbm: wish } = options;
  const regulatory = findParameter(capabilities, 'RegulatoryCapabilities');
  const uhf = regulatory && findParameter(regulatory.parameters, 'UHFBandCapabilities');
  const steps = uhf ? filterParameters(uhf.parameters, 'TransmitPowerLevelTableEntry') : [];
  if (!uhf || wish === undefined || steps.length === 0) return undefined;
  const frequencies = findParameter(uhf.parameters, 'FrequencyInformation');
  const hopTable = frequencies && findParameter(frequencies.parameters, 'FrequencyHopTable');
  const hopTableId = hopTable?.hopTableId ?? 1;
  if (typeof wish === 'number') return { transmitPowerIndex: stepFor(steps, wish), hopTableId };
  const byAntenna = Object.entries(wish).map(([antenna, dbm]) => [Number(antenna), stepFor(steps, dbm)] as const);
  return { transmitPowerIndexes: new Map(byAntenna), hopTableId };
}

/** The reader's highest step that is not above the wish; its lowest when all are above. */
function stepFor(steps: readonly ParameterOf<'TransmitPowerLevelTableEntry'>[], wishDbm: number): number {
  const rising = [...steps].sort((a, b) => a.transmitPowerCentiDbm - b.transmitPowerCentiDbm);
  const step = rising.findLast(({ transmitPowerCentiDbm }) => transmitPowerCentiDbm <= wishDbm * 100) ?? rising[0];
  return step?.index ?? 0;
}

/** @param extended Impinj's parameters may be used. */
export function buildRoSpec(options: LlrpOptions, power: Power | undefined, extended: boolean): ParameterOf<'ROSpec'> {
  const { start, reportEveryTags, reportEveryMs, modeIndex, session, tagPopulation } = options;
  const spec = inventoryRoSpec({
    roSpecId: ROSPEC_ID,
    antennaIds: options.antennas ?? [0],
    start,
    reportEveryTags,
    ...power,
    ...(modeIndex !== undefined && { modeIndex }),
    ...(session !== undefined && { session }),
    ...(tagPopulation !== undefined && { tagPopulation }),
    ...(extended && impinjExtensions(options)),
  });
  return reportEveryMs === undefined
    ? spec
    : { ...spec, parameters: spec.parameters.map((p) => reportInTime(p, reportEveryMs)) };
}

function impinjExtensions({ impinj }: LlrpOptions): Pick<InventoryOptions, 'inventoryExtensions' | 'reportExtensions'> {
  const { searchMode, lowDutyCycle, exactRssi } = impinj ?? {};
  const inventory: VendorParameter[] = [];
  if (searchMode !== undefined)
    inventory.push({ name: 'ImpinjInventorySearchMode', mode: IMPINJ_SEARCH_MODE[searchMode] });
  if (lowDutyCycle) inventory.push({ name: 'ImpinjLowDutyCycle', mode: 1, ...lowDutyCycle });
  const enabled = exactRssi ? [encodeVendorParameter({ name: 'ImpinjEnablePeakRSSI', mode: 1 })] : [];
  const selector: VendorParameter[] =
    enabled.length > 0 ? [{ name: 'ImpinjTagReportContentSelector', parameters: enabled }] : [];
  return {
    inventoryExtensions: inventory.map(encodeVendorParameter),
    reportExtensions: selector.map(encodeVendorParameter),
  };
}

/** LLRP 1.0.1 knows no report by time: the antenna inventory ends after so long, reports what waits, and starts anew. */
function reportInTime(parameter: Parameter, reportEveryMs: number): Parameter {
  if (parameter.name === 'ROReportSpec') return { ...parameter, trigger: REPORT_TRIGGER.nTagsOrEndOfAiSpec };
  if (parameter.name !== 'AISpec') return parameter;
  const parameters = parameter.parameters.map((inner) =>
    inner.name === 'AISpecStopTrigger'
      ? { ...inner, triggerType: STOP_TRIGGER.duration, durationMs: reportEveryMs }
      : inner,
  );
  return { ...parameter, parameters };
}
