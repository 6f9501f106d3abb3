/**
 * The reader's configuration, as GET_READER_CONFIG shows and SET_READER_CONFIG changes it (LLRP 1.0.1, clause 12).
 *
 * It outlives connections. A change is applied as a whole or refused as a whole.
 */
import {
  CONFIG_DATA,
  EVENT_TYPE,
  filterParameters,
  findParameter,
  KEEPALIVE_TRIGGER,
  type Parameter,
  type ParameterOf,
  REPORT_TRIGGER,
  STATUS_CODE,
} from '../../protocols/llrp/index.ts';
import { POWER_LEVELS } from './capabilities.ts';
import { Refusal } from './status.ts';

/** The kinds of events that this reader knows to report. */
const REPORTED_EVENTS = [EVENT_TYPE.gpi, EVENT_TYPE.roSpec, EVENT_TYPE.aiSpec, EVENT_TYPE.antenna];

/** The content of a tag report unless the client selects: everything that costs nothing. */
const FACTORY_REPORT: ParameterOf<'ROReportSpec'> = {
  name: 'ROReportSpec',
  trigger: REPORT_TRIGGER.nTagsOrEndOfAiSpec,
  n: 1,
  parameters: [
    {
      name: 'TagReportContentSelector',
      enableRoSpecId: true,
      enableSpecIndex: false,
      enableInventoryParameterSpecId: false,
      enableAntennaId: true,
      enableChannelIndex: true,
      enablePeakRssi: true,
      enableFirstSeenTimestamp: true,
      enableLastSeenTimestamp: true,
      enableTagSeenCount: true,
      enableAccessSpecId: false,
      parameters: [],
    },
  ],
};

interface State {
  keepalive: ParameterOf<'KeepaliveSpec'>;
  report: ParameterOf<'ROReportSpec'>;
  accessReport: ParameterOf<'AccessReportSpec'>;
  holdUponReconnect: boolean;
  events: Set<number>;
  antennas: Map<number, ParameterOf<'AntennaConfiguration'>>;
  /** Inputs that are watched. */
  inputs: Set<number>;
}

/** What GET_READER_CONFIG has to look at the hardware for. */
export interface Ports {
  isConnected(antenna: number): boolean;
  isHigh(input: number): boolean;
}

export class ReaderConfig {
  readonly #antennas: number;
  readonly #inputs: number;
  #state: State;

  constructor({ antennas, inputs }: { antennas: number; inputs: number }) {
    this.#antennas = antennas;
    this.#inputs = inputs;
    this.#state = factory();
  }

  get report(): ParameterOf<'ROReportSpec'> {
    return this.#state.report;
  }

  /** Undefined when no keepalives are wanted. */
  get keepaliveMs(): number | undefined {
    const { triggerType, periodMs } = this.#state.keepalive;
    return triggerType === KEEPALIVE_TRIGGER.periodic && periodMs > 0 ? periodMs : undefined;
  }

  get holdUponReconnect(): boolean {
    return this.#state.holdUponReconnect;
  }

  watchesInput(input: number): boolean {
    return this.#state.inputs.has(input);
  }

  wantsEvent(eventType: number): boolean {
    return this.#state.events.has(eventType);
  }

  /** @throws Refusal */
  set(change: { resetToFactoryDefault: boolean; parameters: readonly Parameter[] }): void {
    const base = change.resetToFactoryDefault ? factory() : this.#state;
    const next: State = {
      ...base,
      events: new Set(base.events),
      antennas: new Map(base.antennas),
      inputs: new Set(base.inputs),
    };
    for (const parameter of change.parameters) this.#apply(next, parameter);
    this.#state = next;
  }

  get(request: { requestedData: number; antennaId: number; gpiPort: number }, ports: Ports): Parameter[] {
    const { requestedData, antennaId } = request;
    if (requestedData > CONFIG_DATA.eventsAndReports) {
      throw new Refusal(STATUS_CODE.M_FieldError, `RequestedData ${requestedData} is not in 0–11`);
    }
    if (antennaId > this.#antennas) throw new Refusal(STATUS_CODE.M_FieldError, `there is no antenna ${antennaId}`);
    const wants = (which: number): boolean => requestedData === CONFIG_DATA.all || requestedData === which;
    const each = antennaId === 0 ? Array.from({ length: this.#antennas }, (_, i) => i + 1) : [antennaId];
    const { keepalive, report, accessReport, holdUponReconnect, events } = this.#state;
    const parameters: Parameter[] = [];
    if (wants(CONFIG_DATA.identification)) {
      parameters.push({ name: 'Identification', idType: 0, readerId: [0x02, 0, 0, 0, 0, 1] });
    }
    if (wants(CONFIG_DATA.antennaProperties)) {
      for (const antenna of each) {
        parameters.push({
          name: 'AntennaProperties',
          connected: ports.isConnected(antenna),
          antennaId: antenna,
          gainCentiDbi: 600,
        });
      }
    }
    if (wants(CONFIG_DATA.antennaConfiguration)) parameters.push(...each.map((antenna) => this.#antenna(antenna)));
    if (wants(CONFIG_DATA.readerEventNotificationSpec)) {
      const states = REPORTED_EVENTS.map((eventType) => ({
        name: 'EventNotificationState' as const,
        eventType,
        enabled: events.has(eventType),
      }));
      parameters.push({ name: 'ReaderEventNotificationSpec', parameters: states });
    }
    if (wants(CONFIG_DATA.roReportSpec)) parameters.push(report);
    if (wants(CONFIG_DATA.accessReportSpec)) parameters.push(accessReport);
    if (wants(CONFIG_DATA.configurationStateValue)) {
      parameters.push({ name: 'LLRPConfigurationStateValue', value: 0 });
    }
    if (wants(CONFIG_DATA.keepaliveSpec)) parameters.push(keepalive);
    if (wants(CONFIG_DATA.gpiPortCurrentState)) parameters.push(...this.#inputStates(request.gpiPort, ports));
    if (wants(CONFIG_DATA.eventsAndReports)) parameters.push({ name: 'EventsAndReports', holdUponReconnect });
    return parameters;
  }

  /** @param wanted 0 for all of them. */
  #inputStates(wanted: number, ports: Ports): Parameter[] {
    if (wanted > this.#inputs) throw new Refusal(STATUS_CODE.M_FieldError, `there is no input ${wanted}`);
    const each = wanted === 0 ? Array.from({ length: this.#inputs }, (_, i) => i + 1) : [wanted];
    return each.map((gpiPort) => ({
      name: 'GPIPortCurrentState',
      gpiPort,
      enabled: this.#state.inputs.has(gpiPort),
      state: ports.isHigh(gpiPort) ? 1 : 0,
    }));
  }

  #antenna(antennaId: number): Parameter {
    return (
      this.#state.antennas.get(antennaId) ?? {
        name: 'AntennaConfiguration',
        antennaId,
        parameters: [
          { name: 'RFReceiver', receiverSensitivityIndex: 1 },
          { name: 'RFTransmitter', hopTableId: 1, channelIndex: 1, transmitPowerIndex: POWER_LEVELS },
        ],
      }
    );
  }

  #apply(state: State, parameter: Parameter): void {
    switch (parameter.name) {
      case 'KeepaliveSpec':
        state.keepalive = parameter;
        return;
      case 'ROReportSpec':
        state.report = parameter;
        return;
      case 'AccessReportSpec':
        state.accessReport = parameter;
        return;
      case 'EventsAndReports':
        state.holdUponReconnect = parameter.holdUponReconnect;
        return;
      case 'ReaderEventNotificationSpec':
        for (const { eventType, enabled } of filterParameters(parameter.parameters, 'EventNotificationState')) {
          if (enabled) state.events.add(eventType);
          else state.events.delete(eventType);
        }
        return;
      case 'GPIPortCurrentState': {
        const { gpiPort, enabled } = parameter;
        if (gpiPort < 1 || gpiPort > this.#inputs) {
          throw new Refusal(STATUS_CODE.M_FieldError, `GPIPortCurrentState: there is no input ${gpiPort}`);
        }
        if (enabled) state.inputs.add(gpiPort);
        else state.inputs.delete(gpiPort);
        return;
      }
      case 'AntennaConfiguration':
        checkAntennaConfiguration(parameter, this.#antennas);
        for (let antenna = 1; antenna <= this.#antennas; antenna++) {
          if (parameter.antennaId !== 0 && parameter.antennaId !== antenna) continue;
          state.antennas.set(antenna, { ...parameter, antennaId: antenna });
        }
        return;
      default:
        throw new Refusal(STATUS_CODE.M_UnsupportedParameter, `${parameter.name} cannot be set on this reader`);
    }
  }
}

/** @throws Refusal when it names an antenna or a power that the reader does not have. */
export function checkAntennaConfiguration(parameter: ParameterOf<'AntennaConfiguration'>, antennas: number): void {
  if (parameter.antennaId > antennas) {
    throw new Refusal(STATUS_CODE.M_FieldError, `AntennaConfiguration: there is no antenna ${parameter.antennaId}`);
  }
  const transmitter = findParameter(parameter.parameters, 'RFTransmitter');
  if (transmitter && (transmitter.transmitPowerIndex < 1 || transmitter.transmitPowerIndex > POWER_LEVELS)) {
    throw new Refusal(
      STATUS_CODE.M_FieldError,
      `RFTransmitter: power index ${transmitter.transmitPowerIndex} is not in 1–${POWER_LEVELS}`,
    );
  }
}

function factory(): State {
  return {
    keepalive: { name: 'KeepaliveSpec', triggerType: KEEPALIVE_TRIGGER.none, periodMs: 0 },
    report: FACTORY_REPORT,
    accessReport: { name: 'AccessReportSpec', trigger: 0 },
    holdUponReconnect: false,
    events: new Set(),
    antennas: new Map(),
    inputs: new Set(),
  };
}
