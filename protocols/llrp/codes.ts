/** Enumerations of LLRP 1.1 that a client or a reader has to tell apart; fields hold the plain number. */

/** Clause 15.1. M: about the message, P: about a parameter, A: about a field's value, R: about the device. */
export const STATUS_CODE = {
  M_Success: 0,
  M_ParameterError: 100,
  M_FieldError: 101,
  M_UnexpectedParameter: 102,
  M_MissingParameter: 103,
  M_DuplicateParameter: 104,
  M_OverflowParameter: 105,
  M_OverflowField: 106,
  M_UnknownParameter: 107,
  M_UnknownField: 108,
  M_UnsupportedMessage: 109,
  M_UnsupportedVersion: 110,
  M_UnsupportedParameter: 111,
  /** LLRP 1.1 */
  M_UnexpectedMessage: 112,
  P_ParameterError: 200,
  P_FieldError: 201,
  P_UnexpectedParameter: 202,
  P_MissingParameter: 203,
  P_DuplicateParameter: 204,
  P_OverflowParameter: 205,
  P_OverflowField: 206,
  P_UnknownParameter: 207,
  P_UnknownField: 208,
  P_UnsupportedParameter: 209,
  A_Invalid: 300,
  A_OutOfRange: 301,
  R_DeviceError: 401,
} as const;

const STATUS_NAMES = new Map<number, string>(Object.entries(STATUS_CODE).map(([name, code]) => [code, name]));

export function statusName(code: number): string {
  return STATUS_NAMES.get(code) ?? `status ${code}`;
}

/** ConnectionAttemptEvent.status */
export const CONNECTION_ATTEMPT = {
  success: 0,
  readerInitiatedConnectionExists: 1,
  clientInitiatedConnectionExists: 2,
  failed: 3,
  anotherConnectionAttempted: 4,
} as const;

/** EventNotificationState.eventType */
export const EVENT_TYPE = {
  hopping: 0,
  gpi: 1,
  roSpec: 2,
  reportBufferFillWarning: 3,
  readerException: 4,
  rfSurvey: 5,
  aiSpec: 6,
  aiSpecWithDetails: 7,
  antenna: 8,
  /** LLRP 1.1 */
  specLoop: 9,
} as const;

/** ROSpec.currentState */
export const ROSPEC_STATE = { disabled: 0, inactive: 1, active: 2 } as const;
/** ROSpecStartTrigger.triggerType */
export const START_TRIGGER = { none: 0, immediate: 1, periodic: 2, gpi: 3 } as const;
/** ROSpecStopTrigger.triggerType and AISpecStopTrigger.triggerType (the last only there) */
export const STOP_TRIGGER = { none: 0, duration: 1, gpiWithTimeout: 2, tagObservation: 3 } as const;
/** ROReportSpec.trigger */
export const REPORT_TRIGGER = { none: 0, nTagsOrEndOfAiSpec: 1, nTagsOrEndOfRoSpec: 2 } as const;
/** KeepaliveSpec.triggerType */
export const KEEPALIVE_TRIGGER = { none: 0, periodic: 1 } as const;
/** ROSpecEvent.eventType */
export const ROSPEC_EVENT = { start: 0, end: 1, preemption: 2 } as const;
/** AntennaEvent.eventType */
export const ANTENNA_EVENT = { disconnected: 0, connected: 1 } as const;

/** GET_READER_CAPABILITIES.requestedData */
export const CAPABILITY_DATA = { all: 0, general: 1, llrp: 2, regulatory: 3, airProtocol: 4 } as const;
/** GET_READER_CONFIG.requestedData */
export const CONFIG_DATA = {
  all: 0,
  identification: 1,
  antennaProperties: 2,
  antennaConfiguration: 3,
  roReportSpec: 4,
  readerEventNotificationSpec: 5,
  accessReportSpec: 6,
  configurationStateValue: 7,
  keepaliveSpec: 8,
  gpiPortCurrentState: 9,
  gpoWriteData: 10,
  eventsAndReports: 11,
} as const;

/** InventoryParameterSpec.protocolId and PerAntennaAirProtocol.protocolIds */
export const AIR_PROTOCOL_C1G2 = 1;

/** IANA private enterprise numbers: GeneralDeviceCapabilities.manufacturer and the vendor of custom parameters. Zebra's
 *  readers still say Motorola. */
export const VENDOR = { impinj: 25882, motorola: 161 } as const;
