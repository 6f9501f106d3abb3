/**
 * OBD-II live data (mode 01): PID and data bytes → value with unit.
 *
 * Formulas: SAE J1979 / ISO 15031-5. Of the hundreds of PIDs only those a carrier's fleet asks for.
 */
import { CodecError } from '../base/codec-error.ts';

export type ObdValue =
  | { kind: 'value'; pid: string; name: string; unit: string; value: number }
  /** The PIDs that the vehicle answers, of the 32 after the one asked. */
  | { kind: 'supported'; pid: string; pids: readonly string[] };

interface Definition {
  name: string;
  unit: string;
  bytes: number;
  convert: (raw: number) => number;
}

/** Raw values are the data bytes as one big-endian number. */
const DEFINITIONS: ReadonlyMap<number, Definition> = new Map([
  [0x04, { name: 'engine-load', unit: 'percent', bytes: 1, convert: (raw: number) => (raw * 100) / 255 }],
  [0x05, { name: 'coolant-temperature', unit: 'celsius', bytes: 1, convert: (raw: number) => raw - 40 }],
  [0x0c, { name: 'engine-speed', unit: 'rpm', bytes: 2, convert: (raw: number) => raw / 4 }],
  [0x0d, { name: 'speed', unit: 'kilometers-per-hour', bytes: 1, convert: (raw: number) => raw }],
  [0x0f, { name: 'intake-temperature', unit: 'celsius', bytes: 1, convert: (raw: number) => raw - 40 }],
  [0x11, { name: 'throttle', unit: 'percent', bytes: 1, convert: (raw: number) => (raw * 100) / 255 }],
  [0x1f, { name: 'run-time', unit: 'seconds', bytes: 2, convert: (raw: number) => raw }],
  [0x2f, { name: 'fuel-level', unit: 'percent', bytes: 1, convert: (raw: number) => (raw * 100) / 255 }],
  [0x31, { name: 'distance-since-cleared', unit: 'kilometers', bytes: 2, convert: (raw: number) => raw }],
  [0x33, { name: 'barometric-pressure', unit: 'kilopascals', bytes: 1, convert: (raw: number) => raw }],
  [0x42, { name: 'module-voltage', unit: 'volts', bytes: 2, convert: (raw: number) => raw / 1000 }],
  [0x46, { name: 'ambient-temperature', unit: 'celsius', bytes: 1, convert: (raw: number) => raw - 40 }],
  [0xa6, { name: 'odometer', unit: 'kilometers', bytes: 4, convert: (raw: number) => raw / 10 }],
]);

/** Takes one message of an answer: `41`, PID, data. */
export function decodeObd(message: Uint8Array): ObdValue {
  const [mode, number, ...data] = message;
  if (mode === undefined || number === undefined) throw tooShort(2, message.length);
  if (mode !== 0x41) {
    throw new CodecError({ code: 'obd-mode', message: `mode ${hex(mode)}, 41 (hex) was expected`, offset: 0 });
  }
  const pid = hex(number);
  if (number % 0x20 === 0 && number <= 0xe0) {
    if (data.length < 4) throw tooShort(6, message.length);
    return { kind: 'supported', pid, pids: supportedPids(number, data) };
  }
  const definition = DEFINITIONS.get(number);
  if (definition === undefined) {
    throw new CodecError({ code: 'obd-pid', message: `PID ${pid} is not one Milepost knows`, offset: 1 });
  }
  const { name, unit, bytes, convert } = definition;
  if (data.length < bytes) throw tooShort(2 + bytes, message.length);
  const raw = data.slice(0, bytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return { kind: 'value', pid, name, unit, value: convert(raw) };
}

/** The request for a PID, as sent to the adapter. */
export function obdRequest(pid: number): string {
  return `01${hex(pid)}\r`;
}

/** The adapter's text for a value, for simulators. */
export function encodeObdRaw(pid: number, raw: number): string {
  const bytes = DEFINITIONS.get(pid)?.bytes ?? 1;
  const digits = raw
    .toString(16)
    .toUpperCase()
    .padStart(2 * bytes, '0');
  return `41 ${hex(pid)} ${(digits.match(/../g) ?? []).join(' ')}`;
}

function supportedPids(base: number, data: readonly number[]): string[] {
  const pids: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    if (((data[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) pids.push(hex(base + bit + 1));
  }
  return pids;
}

function tooShort(expected: number, have: number): CodecError {
  return new CodecError({
    code: 'obd-too-short',
    message: `message of ${have} bytes, at least ${expected} were expected`,
    offset: have,
  });
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
