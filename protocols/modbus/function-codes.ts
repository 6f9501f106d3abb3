/**
 * Function codes and exception codes of Modbus.
 *
 * Source: MODBUS Application Protocol V1.1b3, clauses 5.1 (public function codes), 6 (each function) and 7 (exceptions).
 */

export const FunctionCode = {
  readCoils: 0x01,
  readDiscreteInputs: 0x02,
  readHoldingRegisters: 0x03,
  readInputRegisters: 0x04,
  writeSingleCoil: 0x05,
  writeSingleRegister: 0x06,
  writeMultipleCoils: 0x0f,
  writeMultipleRegisters: 0x10,
} as const;

export type FunctionCode = (typeof FunctionCode)[keyof typeof FunctionCode];

/** A response whose function code has this bit set is an exception (clause 7). */
export const EXCEPTION_BIT = 0x80;

const FUNCTION_NAMES: ReadonlyMap<number, string> = new Map([
  [0x01, 'read-coils'],
  [0x02, 'read-discrete-inputs'],
  [0x03, 'read-holding-registers'],
  [0x04, 'read-input-registers'],
  [0x05, 'write-single-coil'],
  [0x06, 'write-single-register'],
  [0x07, 'read-exception-status'],
  [0x08, 'diagnostics'],
  [0x0b, 'get-comm-event-counter'],
  [0x0c, 'get-comm-event-log'],
  [0x0f, 'write-multiple-coils'],
  [0x10, 'write-multiple-registers'],
  [0x11, 'report-server-id'],
  [0x14, 'read-file-record'],
  [0x15, 'write-file-record'],
  [0x16, 'mask-write-register'],
  [0x17, 'read-write-multiple-registers'],
  [0x18, 'read-fifo-queue'],
  [0x2b, 'encapsulated-interface-transport'],
]);

export function functionName(functionCode: number): string {
  return FUNCTION_NAMES.get(functionCode) ?? `function-${functionCode}`;
}

export function isSupportedFunction(functionCode: number): functionCode is FunctionCode {
  return (functionCode >= 0x01 && functionCode <= 0x06) || functionCode === 0x0f || functionCode === 0x10;
}

export const ExceptionCode = {
  illegalFunction: 0x01,
  illegalDataAddress: 0x02,
  illegalDataValue: 0x03,
  serverDeviceFailure: 0x04,
  acknowledge: 0x05,
  serverDeviceBusy: 0x06,
  memoryParityError: 0x08,
  gatewayPathUnavailable: 0x0a,
  gatewayTargetFailedToRespond: 0x0b,
} as const;

export type ExceptionCode = (typeof ExceptionCode)[keyof typeof ExceptionCode];

const EXCEPTION_NAMES: ReadonlyMap<number, string> = new Map([
  [0x01, 'illegal-function'],
  [0x02, 'illegal-data-address'],
  [0x03, 'illegal-data-value'],
  [0x04, 'server-device-failure'],
  [0x05, 'acknowledge'],
  [0x06, 'server-device-busy'],
  [0x08, 'memory-parity-error'],
  [0x0a, 'gateway-path-unavailable'],
  [0x0b, 'gateway-target-failed-to-respond'],
]);

/** Devices send codes of their own as well: those get `exception-<code>`. */
export function exceptionName(exceptionCode: number): string {
  return EXCEPTION_NAMES.get(exceptionCode) ?? `exception-${exceptionCode}`;
}
