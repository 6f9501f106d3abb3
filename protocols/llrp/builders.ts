/** Messages and parameters that clients and readers build often, from few values. */
import {
  AIR_PROTOCOL_C1G2,
  REPORT_TRIGGER,
  ROSPEC_STATE,
  START_TRIGGER,
  STATUS_CODE,
  STOP_TRIGGER,
  statusName,
} from './codes.ts';
import type { Message } from './messages.ts';
import type { Parameter, ParameterOf } from './parameters.ts';
import { findParameter, PARAMETERS } from './parameters.ts';
import type { TagRead } from './tag-reads.ts';

/** LLRPStatus; without arguments the one that says success. */
export function llrpStatus(
  statusCode: number = STATUS_CODE.M_Success,
  errorDescription = '',
  details: ParameterOf<'FieldError' | 'ParameterError'>[] = [],
): ParameterOf<'LLRPStatus'> {
  return { name: 'LLRPStatus', statusCode, errorDescription, parameters: details };
}

/** The LLRPStatus of a response; `undefined` when the message carries none. */
export function statusOf(message: Message): ParameterOf<'LLRPStatus'> | undefined {
  return 'parameters' in message ? findParameter(message.parameters, 'LLRPStatus') : undefined;
}

/** `M_ParameterError: bad ROSpec; field 2: A_OutOfRange`: one line for a log, with the errors inside. */
export function describeStatus(status: ParameterOf<'LLRPStatus'>): string {
  const text = status.errorDescription === '' ? '' : `: ${status.errorDescription}`;
  return [statusName(status.statusCode) + text, ...describeErrors(status.parameters)].join('; ');
}

const PARAMETER_NAMES = new Map(Object.entries(PARAMETERS).map(([name, { type }]) => [type as number, name]));

function describeErrors(parameters: readonly Parameter[]): string[] {
  return parameters.flatMap((parameter) => {
    if (parameter.name === 'FieldError') return [`field ${parameter.fieldNum}: ${statusName(parameter.errorCode)}`];
    if (parameter.name !== 'ParameterError') return [];
    const name = PARAMETER_NAMES.get(parameter.parameterType);
    const which = name === undefined ? `${parameter.parameterType}` : `${name} (${parameter.parameterType})`;
    const own = `parameter ${which}: ${statusName(parameter.errorCode)}`;
    return [own, ...describeErrors(parameter.parameters)];
  });
}

export interface InventoryOptions {
  roSpecId: number;
  /** Antennas to use; `[0]` stands for all. */
  antennaIds: number[];
  /** `immediate` starts when enabled; `command` waits for START_ROSPEC. */
  start: 'immediate' | 'command';
  /** A report is sent each time this many tags are waiting (and at the end); 1 gives the lowest delay. */
  reportEveryTags: number;
  /** Index into the reader's TransmitPowerLevelTable; without it the reader's own setting holds. */
  transmitPowerIndex?: number;
  /** The same for single antennas, which are named here even where `antennaIds` says all. */
  transmitPowerIndexes?: ReadonlyMap<number, number>;
  /** Index into the hop table or the fixed frequency table; used with transmitPowerIndex. Default 1. */
  hopTableId?: number;
  channelIndex?: number;
  /** Mode of the reader's C1G2UHFRFModeTable; without it the reader's own setting holds. */
  modeIndex?: number;
  /** Gen 2 session 0–3, with the number of tags expected at once (default 32). */
  session?: number;
  tagPopulation?: number;
  /** Vendors' parameters of the inventory command and of the report specification. */
  inventoryExtensions?: readonly ParameterOf<'Custom'>[];
  reportExtensions?: readonly ParameterOf<'Custom'>[];
}

/** A ROSpec that inventories for ever and reports every field that a TagRead has. */
export function inventoryRoSpec(options: InventoryOptions): ParameterOf<'ROSpec'> {
  return {
    name: 'ROSpec',
    roSpecId: options.roSpecId,
    priority: 0,
    currentState: ROSPEC_STATE.disabled,
    parameters: [
      {
        name: 'ROBoundarySpec',
        parameters: [
          {
            name: 'ROSpecStartTrigger',
            triggerType: options.start === 'immediate' ? START_TRIGGER.immediate : START_TRIGGER.none,
            parameters: [],
          },
          { name: 'ROSpecStopTrigger', triggerType: STOP_TRIGGER.none, durationMs: 0, parameters: [] },
        ],
      },
      {
        name: 'AISpec',
        antennaIds: options.antennaIds,
        parameters: [
          { name: 'AISpecStopTrigger', triggerType: STOP_TRIGGER.none, durationMs: 0, parameters: [] },
          {
            name: 'InventoryParameterSpec',
            inventoryParameterSpecId: 1,
            protocolId: AIR_PROTOCOL_C1G2,
            parameters: antennaConfigurations(options),
          },
        ],
      },
      {
        name: 'ROReportSpec',
        trigger: REPORT_TRIGGER.nTagsOrEndOfRoSpec,
        n: options.reportEveryTags,
        parameters: [ALL_TAG_CONTENT, ...(options.reportExtensions ?? [])],
      },
    ],
  };
}

const ALL_TAG_CONTENT: ParameterOf<'TagReportContentSelector'> = {
  name: 'TagReportContentSelector',
  enableRoSpecId: true,
  enableSpecIndex: true,
  enableInventoryParameterSpecId: true,
  enableAntennaId: true,
  enableChannelIndex: true,
  enablePeakRssi: true,
  enableFirstSeenTimestamp: true,
  enableLastSeenTimestamp: true,
  enableTagSeenCount: true,
  enableAccessSpecId: true,
  parameters: [{ name: 'C1G2EPCMemorySelector', enableCrc: true, enablePcBits: true, enableXpcBits: false }],
};

function antennaConfigurations(options: InventoryOptions): ParameterOf<'AntennaConfiguration'>[] {
  const { antennaIds, transmitPowerIndexes } = options;
  const inventory = inventorySettings(options);
  return [...new Set([...antennaIds, ...(transmitPowerIndexes?.keys() ?? [])])].flatMap((antennaId) => {
    const powerIndex = transmitPowerIndexes?.get(antennaId) ?? options.transmitPowerIndex;
    const parameters = [...transmitterSettings(options, powerIndex), ...inventory];
    return parameters.length === 0 ? [] : [{ name: 'AntennaConfiguration', antennaId, parameters } as const];
  });
}

function transmitterSettings(options: InventoryOptions, transmitPowerIndex: number | undefined): Parameter[] {
  if (transmitPowerIndex === undefined) return [];
  const { hopTableId = 1, channelIndex = 1 } = options;
  return [{ name: 'RFTransmitter', hopTableId, channelIndex, transmitPowerIndex }];
}

function inventorySettings(options: InventoryOptions): Parameter[] {
  const parameters: Parameter[] = [];
  if (options.modeIndex !== undefined) {
    parameters.push({ name: 'C1G2RFControl', modeIndex: options.modeIndex, tariNs: 0 });
  }
  if (options.session !== undefined || options.tagPopulation !== undefined) {
    parameters.push({
      name: 'C1G2SingulationControl',
      session: options.session ?? 2,
      tagPopulation: options.tagPopulation ?? 32,
      tagTransitTimeMs: 0,
      parameters: [],
    });
  }
  parameters.push(...(options.inventoryExtensions ?? []));
  return parameters.length === 0 ? [] : [{ name: 'C1G2InventoryCommand', tagInventoryStateAware: false, parameters }];
}

/** READER_EVENT_NOTIFICATION with one event; `at` as the reader knows time. */
export function readerEvent(options: {
  version: number;
  id: number;
  at: ParameterOf<'UTCTimestamp' | 'Uptime'>;
  event: Parameter;
}): Extract<Message, { name: 'READER_EVENT_NOTIFICATION' }> {
  return {
    name: 'READER_EVENT_NOTIFICATION',
    version: options.version,
    id: options.id,
    parameters: [{ name: 'ReaderEventNotificationData', parameters: [options.at, options.event] }],
  };
}

/** TagReportData with the values that are given, in the order of the standard: what a reader reports about one tag. */
export function tagReportData(read: { epc: string } & Partial<TagRead>): ParameterOf<'TagReportData'> {
  const bits = read.epcBits ?? read.epc.length * 4;
  const parameters: Parameter[] = [
    bits === 96 ? { name: 'EPC96', epc: read.epc } : { name: 'EPCData', epc: { bits, hex: read.epc } },
  ];
  const add = <T>(value: T | undefined, make: (value: T) => Parameter): void => {
    if (value !== undefined) parameters.push(make(value));
  };
  add(read.roSpecId, (roSpecId) => ({ name: 'ROSpecID', roSpecId }));
  add(read.specIndex, (specIndex) => ({ name: 'SpecIndex', specIndex }));
  add(read.inventoryParameterSpecId, (id) => ({ name: 'InventoryParameterSpecID', inventoryParameterSpecId: id }));
  add(read.antennaId, (antennaId) => ({ name: 'AntennaID', antennaId }));
  add(read.peakRssiDbm, (peakRssiDbm) => ({ name: 'PeakRSSI', peakRssiDbm }));
  add(read.channelIndex, (channelIndex) => ({ name: 'ChannelIndex', channelIndex }));
  add(read.firstSeenUtcUs, (us) => ({ name: 'FirstSeenTimestampUTC', microseconds: BigInt(us) }));
  add(read.firstSeenUptimeUs, (us) => ({ name: 'FirstSeenTimestampUptime', microseconds: BigInt(us) }));
  add(read.lastSeenUtcUs, (us) => ({ name: 'LastSeenTimestampUTC', microseconds: BigInt(us) }));
  add(read.lastSeenUptimeUs, (us) => ({ name: 'LastSeenTimestampUptime', microseconds: BigInt(us) }));
  add(read.tagSeenCount, (tagSeenCount) => ({ name: 'TagSeenCount', tagSeenCount }));
  add(read.pc, (pc) => ({ name: 'C1G2PC', pc }));
  add(read.crc, (crc) => ({ name: 'C1G2CRC', crc }));
  add(read.accessSpecId, (accessSpecId) => ({ name: 'AccessSpecID', accessSpecId }));
  return { name: 'TagReportData', parameters };
}
