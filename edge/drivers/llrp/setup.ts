/**
 * Brings a reader from "connected" to "inventorying for us" (LLRP 1.1, clauses 8 to 11).
 *
 * The reader speaks first. Old ROSpecs are deleted, whoever added them: with one of the same priority running, ours would not start.
 * What a reader may lack without harm (keepalive, events, the power wished for) is a status; a ROSpec that it refuses ends the run.
 */
import {
  CAPABILITY_DATA,
  CONFIG_DATA,
  CONNECTION_ATTEMPT,
  decodeMessage,
  EVENT_TYPE,
  filterParameters,
  findParameter,
  impinjEnableExtensions,
  KEEPALIVE_TRIGGER,
  type MessageOf,
  type Parameter,
  type ParameterOf,
  VENDOR,
} from '../../../protocols/llrp/index.ts';
import { DriverError } from '../../driver.ts';
import type { LlrpOptions } from './options.ts';
import { type ReaderTime, readerTimeOf } from './reader-time.ts';
import { buildRoSpec, choosePowers, ROSPEC_ID } from './ro-spec.ts';
import { type LlrpSession, refusalIn } from './session.ts';

const LLRP_1_0_1 = 1;
const LLRP_1_1 = 2;

export interface ContactState {
  channel: string;
  open: boolean;
}

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
  /** What the contacts at its inputs are at the beginning. */
  contacts: ContactState[];
  /** The reader's clock when it greeted. */
  welcome: ReaderTime | undefined;
}

/** @throws DriverError `reader-busy`, `reader-refused`, `reader-error`, `device-silent`; SessionOver, TransportError */
export async function setUpReader(session: LlrpSession, options: LlrpOptions): Promise<Setup> {
  const welcome = await awaitWelcome(session, options);
  const complaints: Complaint[] = [];
  if (options.protocolVersion === 'auto') await agreeOnVersion(session);
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
  const canHold = findParameter(parameters, 'LLRPCapabilities')?.supportsEventAndReportHolding === true;
  if (options.holdReports && !canHold) {
    complaints.push({
      code: 'reader-config-refused',
      message: 'the reader cannot hold reports back: holdReports has no effect',
    });
  }
  // What it held back while nobody was connected comes now, before the ROSpec that it belongs to is deleted.
  if (canHold) await session.tell({ name: 'ENABLE_EVENTS_AND_REPORTS' });
  const extended = await enableImpinj(session, { options, facts, complaints });
  const keepalive = await configure(session, { options, canHold, complaints });
  const contacts = await readContacts(session, { options, complaints });
  await session.ask({ name: 'DELETE_ROSPEC', roSpecId: 0 });
  const power = choosePowers(parameters, options);
  if (options.transmitPowerDbm !== undefined && power === undefined) {
    const wish = JSON.stringify(options.transmitPowerDbm);
    complaints.push({
      code: 'power-unknown',
      message: `the reader tells no power table: transmitPowerDbm ${wish} has no effect`,
    });
  }
  await session.demand({ name: 'ADD_ROSPEC', parameters: [buildRoSpec(options, power, extended)] });
  await session.demand({ name: 'ENABLE_ROSPEC', roSpecId: ROSPEC_ID });
  if (options.start === 'command') await session.demand({ name: 'START_ROSPEC', roSpecId: ROSPEC_ID });
  return { complaints, facts, keepalive, contacts, welcome };
}

async function awaitWelcome(session: LlrpSession, options: LlrpOptions): Promise<ReaderTime | undefined> {
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
      return message && readerTimeOf(message, session.nowUs());
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

/** LLRP 1.1, clause 9.1: asked in 1.1, a reader of 1.0.1 answers with an error, and 1.0.1 it is. */
async function agreeOnVersion(session: LlrpSession): Promise<void> {
  session.version = LLRP_1_1;
  const supported = await session.tryToAsk({ name: 'GET_SUPPORTED_VERSION' });
  const speaks = supported?.name === 'GET_SUPPORTED_VERSION_RESPONSE' ? supported : undefined;
  if (speaks && refusalIn(speaks) === undefined && speaks.supportedVersion >= LLRP_1_1) {
    if (speaks.currentVersion === LLRP_1_1) return;
    const agreed = await session.tryToAsk({ name: 'SET_PROTOCOL_VERSION', protocolVersion: LLRP_1_1 });
    if (agreed && refusalIn(agreed) === undefined) return;
  }
  session.version = LLRP_1_0_1;
}

interface Asked {
  options: LlrpOptions;
  complaints: Complaint[];
}

/** Whether Impinj's parameters may be used. */
async function enableImpinj(
  session: LlrpSession,
  { options, facts, complaints }: Asked & { facts: ReaderFacts | undefined },
): Promise<boolean> {
  if (!options.impinj) return false;
  if (facts?.manufacturer !== VENDOR.impinj) {
    const message = `the reader is of manufacturer ${facts?.manufacturer ?? 'unknown'}, not Impinj (${VENDOR.impinj}): 'impinj' has no effect`;
    complaints.push({ code: 'reader-config-refused', message });
    return false;
  }
  const answer = await session.tryToAsk(impinjEnableExtensions);
  const refusal = answer ? refusalIn(answer) : 'it does not know them';
  if (refusal === undefined) return true;
  complaints.push({ code: 'reader-config-refused', message: `the reader refuses Impinj's extensions: ${refusal}` });
  return false;
}

/** One message for each thing: a reader that knows an event less than we do still gives keepalives. */
async function configure(
  session: LlrpSession,
  { options, canHold, complaints }: Asked & { canHold: boolean },
): Promise<boolean> {
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
  const { inputs, holdReports } = options;
  const events: number[] = [
    EVENT_TYPE.roSpec,
    EVENT_TYPE.reportBufferFillWarning,
    EVENT_TYPE.readerException,
    EVENT_TYPE.antenna,
    ...(inputs.length > 0 ? [EVENT_TYPE.gpi] : []),
  ];
  const parameters = events.map((eventType) => ({ name: 'EventNotificationState', eventType, enabled: true }) as const);
  await set([{ name: 'ReaderEventNotificationSpec', parameters }], 'to tell about antennas and exceptions');
  if (canHold) await set([{ name: 'EventsAndReports', holdUponReconnect: holdReports }], 'to hold reports back');
  const ports = inputs.map(
    ({ port }) => ({ name: 'GPIPortCurrentState', gpiPort: port, enabled: true, state: 0 }) as const,
  );
  if (ports.length > 0) await set(ports, 'to watch its inputs');
  return keepalive;
}

async function readContacts(session: LlrpSession, { options, complaints }: Asked): Promise<ContactState[]> {
  if (options.inputs.length === 0) return [];
  const request = {
    antennaId: 0,
    requestedData: CONFIG_DATA.gpiPortCurrentState,
    gpiPort: 0,
    gpoPort: 0,
    parameters: [],
  };
  const response = await session.ask({ name: 'GET_READER_CONFIG', ...request });
  const refusal = refusalIn(response);
  const states = 'parameters' in response ? filterParameters(response.parameters, 'GPIPortCurrentState') : [];
  const missing = options.inputs.filter(({ port }) => !states.some(({ gpiPort }) => gpiPort === port));
  if (missing.length > 0) {
    const which = missing.map(({ port }) => port).join(', ');
    const message = `the reader has no input ${which}${refusal === undefined ? '' : `: ${refusal}`}`;
    complaints.push({ code: 'reader-input-missing', message });
  }
  // State 2: the reader does not know.
  return states.flatMap(({ gpiPort, state }) => (state > 1 ? [] : contactOf(options, gpiPort, state === 1)));
}

/** The contact at an input, by its level; none where nothing is said to be wired to it. */
export function contactOf(options: LlrpOptions, port: number, isHigh: boolean): ContactState[] {
  const input = options.inputs.find((each) => each.port === port);
  return input ? [{ channel: input.channel, open: isHigh === (input.openWhen === 'high') }] : [];
}

function readFacts(capabilities: readonly Parameter[]): ReaderFacts | undefined {
  const general = findParameter(capabilities, 'GeneralDeviceCapabilities');
  if (!general) return undefined;
  const { manufacturer, model, firmwareVersion, maxNumberOfAntennas } = general;
  return { manufacturer, model, firmware: firmwareVersion, antennas: maxNumberOfAntennas };
}
