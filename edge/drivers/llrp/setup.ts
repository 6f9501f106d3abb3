/**
 * Brings a reader from "connected" to "inventorying for us" (LLRP 1.1, clauses 8 to 11).
 *
 * The reader speaks first. Old ROSpecs are deleted, whoever added them: with one of the same priority running, ours would not start.
 * What a reader may lack without harm (keepalive, events, the power wished for) is a status; a ROSpec that it refuses ends the run.
 */
import {
  CAPABILITY_DATA,
  CONNECTION_ATTEMPT,
  decodeMessage,
  EVENT_TYPE,
  filterParameters,
  findParameter,
  inventoryRoSpec,
  KEEPALIVE_TRIGGER,
  type MessageOf,
  type Parameter,
  type ParameterOf,
  REPORT_TRIGGER,
  STOP_TRIGGER,
} from '../../../protocols/llrp/index.ts';
import { DriverError } from '../../driver.ts';
import type { LlrpOptions } from './options.ts';
import { type LlrpSession, refusalIn } from './session.ts';

/** Any number but 0 will do: the reader has no other ROSpec. */
export const ROSPEC_ID = 1;

export interface Complaint {
  code: string;
  message: string;
}

export interface ReaderFacts {
  manufacturer: number;
  model: number;
  firmware: string;
  antennas: number;
}

export interface Setup {
  complaints: Complaint[];
  facts: ReaderFacts | undefined;
  /** The reader sends keepalives: silence means that it is gone. */
  keepalive: boolean;
}

/** @throws DriverError `reader-busy`, `reader-refused`, `reader-error`, `device-silent`; SessionOver, TransportError */
export async function setUpReader(session: LlrpSession, options: LlrpOptions): Promise<Setup> {
  await awaitWelcome(session, options);
  const complaints: Complaint[] = [];
  const capabilities = await session.demand({
    name: 'GET_READER_CAPABILITIES',
    requestedData: CAPABILITY_DATA.all,
    parameters: [],
  });
  const parameters = 'parameters' in capabilities ? capabilities.parameters : [];
  const facts = readFacts(parameters);
  const missing = (options.antennas ?? []).filter((antenna) => facts !== undefined && antenna > facts.antennas);
  if (missing.length > 0) {
    const message = `antenna ${missing.join(', ')} is configured, the reader has ${facts?.antennas} antenna ports`;
    complaints.push({ code: 'antenna-missing', message });
  }
  const keepalive = await configure(session, options, complaints);
  await session.ask({ name: 'DELETE_ROSPEC', roSpecId: 0 });
  const power = choosePower(parameters, options.transmitPowerDbm);
  if (options.transmitPowerDbm !== undefined && power === undefined) {
    const message = `the reader tells no power table: transmitPowerDbm ${options.transmitPowerDbm} has no effect`;
    complaints.push({ code: 'power-unknown', message });
  }
  await session.demand({ name: 'ADD_ROSPEC', parameters: [buildRoSpec(options, power)] });
  await session.demand({ name: 'ENABLE_ROSPEC', roSpecId: ROSPEC_ID });
  if (options.start === 'command') await session.demand({ name: 'START_ROSPEC', roSpecId: ROSPEC_ID });
  return { complaints, facts, keepalive };
}

async function awaitWelcome(session: LlrpSession, options: LlrpOptions): Promise<void> {
  const where = `${options.host}:${options.port}`;
  const frame = await session.receive(options.answerTimeoutMs);
  const message = frame && session.decode(frame, decodeMessage);
  const attempt = message?.name === 'READER_EVENT_NOTIFICATION' ? connectionAttempt(message) : undefined;
  if (!attempt) {
    throw new DriverError({
      code: 'device-silent',
      message: `${where} takes the connection, but does not greet as an LLRP reader: is this its LLRP port, and is it still starting?`,
    });
  }
  switch (attempt.status) {
    case CONNECTION_ATTEMPT.success:
      return;
    case CONNECTION_ATTEMPT.readerInitiatedConnectionExists:
    case CONNECTION_ATTEMPT.clientInitiatedConnectionExists:
    case CONNECTION_ATTEMPT.anotherConnectionAttempted:
      throw new DriverError({
        code: 'reader-busy',
        message: `${where} is connected to another client already, and LLRP allows one: stop the other one (a second gateway, the maker's tool), or wait until the reader has noticed that it is gone`,
      });
    default:
      throw new DriverError({
        code: 'reader-refused',
        message: `${where} refuses the connection (status ${attempt.status})`,
      });
  }
}

function connectionAttempt(
  message: MessageOf<'READER_EVENT_NOTIFICATION'>,
): ParameterOf<'ConnectionAttemptEvent'> | undefined {
  const data = findParameter(message.parameters, 'ReaderEventNotificationData');
  return data && findParameter(data.parameters, 'ConnectionAttemptEvent');
}

/** Two messages: a reader that knows an event less than we do still gives keepalives. */
async function configure(session: LlrpSession, options: LlrpOptions, complaints: Complaint[]): Promise<boolean> {
  const set = async (parameters: Parameter[], what: string) => {
    const response = await session.ask({ name: 'SET_READER_CONFIG', resetToFactoryDefault: false, parameters });
    const refusal = refusalIn(response);
    if (refusal !== undefined)
      complaints.push({ code: 'reader-config-refused', message: `the reader refuses ${what}: ${refusal}` });
    return refusal === undefined;
  };
  const spec = {
    name: 'KeepaliveSpec',
    triggerType: KEEPALIVE_TRIGGER.periodic,
    periodMs: options.keepaliveMs,
  } as const;
  const keepalive = await set([spec], 'keepalives, so that its loss is noticed late');
  const events = [EVENT_TYPE.reportBufferFillWarning, EVENT_TYPE.readerException, EVENT_TYPE.antenna];
  const parameters = events.map((eventType) => ({ name: 'EventNotificationState', eventType, enabled: true }) as const);
  await set([{ name: 'ReaderEventNotificationSpec', parameters }], 'to tell about antennas and exceptions');
  return keepalive;
}

function readFacts(capabilities: readonly Parameter[]): ReaderFacts | undefined {
  const general = findParameter(capabilities, 'GeneralDeviceCapabilities');
  if (!general) return undefined;
  const { manufacturer, model, firmwareVersion, maxNumberOfAntennas } = general;
  return { manufacturer, model, firmware: firmwareVersion, antennas: maxNumberOfAntennas };
}

interface Power {
  transmitPowerIndex: number;
  hopTableId: number;
}

/** The reader's highest step that is not above the wish; its lowest when all are above. */
function choosePower(capabilities: readonly Parameter[], wishDbm: number | undefined): Power | undefined {
  const regulatory = findParameter(capabilities, 'RegulatoryCapabilities');
  const uhf = regulatory && findParameter(regulatory.parameters, 'UHFBandCapabilities');
  if (!uhf || wishDbm === undefined) return undefined;
  const steps = filterParameters(uhf.parameters, 'TransmitPowerLevelTableEntry');
  const rising = [...steps].sort((a, b) => a.transmitPowerCentiDbm - b.transmitPowerCentiDbm);
  const step = rising.findLast(({ transmitPowerCentiDbm }) => transmitPowerCentiDbm <= wishDbm * 100) ?? rising[0];
  if (!step) return undefined;
  const frequencies = findParameter(uhf.parameters, 'FrequencyInformation');
  const hopTable = frequencies && findParameter(frequencies.parameters, 'FrequencyHopTable');
  return { transmitPowerIndex: step.index, hopTableId: hopTable?.hopTableId ?? 1 };
}

function buildRoSpec(options: LlrpOptions, power: Power | undefined): ParameterOf<'ROSpec'> {
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
  });
  return reportEveryMs === undefined
    ? spec
    : { ...spec, parameters: spec.parameters.map((p) => reportInTime(p, reportEveryMs)) };
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
