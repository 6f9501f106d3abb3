/**
 * The register map of the XY-MD02 module and how it answers a request PDU.
 *
 * Input registers (04): 1 temperature, 2 humidity, in tenths, the temperature signed. Holding registers (03, 06, 16):
 * 0x101 unit address, 0x102 baud rate (0: 9600, 1: 14400, 2: 19200), 0x103 temperature correction, 0x104 humidity correction, in tenths. Modules sold
 * under the same name keep temperature and humidity in holding registers 0 and 1 (`xy-md02-clone`).
 * Any other address is an illegal data address (02), any other function an illegal function (01); MODBUS
 * Application Protocol V1.1b3, clause 7.
 */
import { isCodecError } from '../../protocols/base/codec-error.ts';
import {
  decodeRequestPdu,
  ExceptionCode,
  encodeResponsePdu,
  exceptionForFault,
  exceptionResponse,
  type ModbusRequest,
  type ModbusResponse,
} from '../../protocols/modbus/index.ts';
import type { Climate } from './climate.ts';

export type MapName = 'xy-md02' | 'xy-md02-clone';

const UNIT_REGISTER = 0x101;
const BAUD_REGISTER = 0x102;
const TEMPERATURE_CORRECTION = 0x103;
const HUMIDITY_CORRECTION = 0x104;

export const BAUD_RATES = [9600, 14400, 19200] as const;

export class Registers {
  readonly #map: MapName;
  readonly #settings: Map<number, number>;

  constructor(map: MapName, unitId: number, baudRate: (typeof BAUD_RATES)[number]) {
    this.#map = map;
    this.#settings = new Map([
      [UNIT_REGISTER, unitId],
      [BAUD_REGISTER, BAUD_RATES.indexOf(baudRate)],
      [TEMPERATURE_CORRECTION, 0],
      [HUMIDITY_CORRECTION, 0],
    ]);
  }

  /** The address that the module answers to; a host may change it. */
  get unitId(): number {
    return this.#setting(UNIT_REGISTER);
  }

  /** The answer to a request PDU, an exception where the module refuses. */
  answer(pdu: Uint8Array, climate: Climate): Buffer {
    let request: ModbusRequest;
    try {
      request = decodeRequestPdu(pdu);
    } catch (error) {
      if (!isCodecError(error)) throw error;
      return encodeResponsePdu(exceptionResponse(pdu[0] ?? 0, exceptionForFault(error)));
    }
    return encodeResponsePdu(this.#respond(request, climate));
  }

  #respond(request: ModbusRequest, climate: Climate): ModbusResponse {
    const { functionCode } = request;
    switch (request.kind) {
      case 'read': {
        if (functionCode !== 0x03 && functionCode !== 0x04) {
          return exceptionResponse(functionCode, ExceptionCode.illegalFunction);
        }
        const values: number[] = [];
        for (let at = request.address; at < request.address + request.quantity; at++) {
          const value = functionCode === 0x04 ? this.#input(at, climate) : this.#holding(at, climate);
          if (value === undefined) return exceptionResponse(functionCode, ExceptionCode.illegalDataAddress);
          values.push(value);
        }
        return { kind: 'registers', functionCode, values };
      }
      case 'write-register':
        if (!this.#write(request.address, [request.value])) {
          return exceptionResponse(functionCode, ExceptionCode.illegalDataAddress);
        }
        return { kind: 'register-written', functionCode: 0x06, address: request.address, value: request.value };
      case 'write-registers':
        if (!this.#write(request.address, request.values)) {
          return exceptionResponse(functionCode, ExceptionCode.illegalDataAddress);
        }
        return {
          kind: 'range-written',
          functionCode: 0x10,
          address: request.address,
          quantity: request.values.length,
        };
      default:
        return exceptionResponse(functionCode, ExceptionCode.illegalFunction);
    }
  }

  #input(address: number, climate: Climate): number | undefined {
    if (this.#map !== 'xy-md02') return undefined;
    if (address === 1) return this.#temperature(climate);
    return address === 2 ? this.#humidity(climate) : undefined;
  }

  #holding(address: number, climate: Climate): number | undefined {
    if (this.#map === 'xy-md02-clone' && address === 0) return this.#temperature(climate);
    if (this.#map === 'xy-md02-clone' && address === 1) return this.#humidity(climate);
    return this.#settings.get(address);
  }

  #temperature(climate: Climate): number {
    return tenths(climate.temperatureCelsius, this.#setting(TEMPERATURE_CORRECTION)) & 0xffff;
  }

  #humidity(climate: Climate): number {
    return Math.min(1000, Math.max(0, tenths(climate.relativeHumidityPercent, this.#setting(HUMIDITY_CORRECTION))));
  }

  /** All of the range or nothing. */
  #write(address: number, values: readonly number[]): boolean {
    for (let i = 0; i < values.length; i++) if (!this.#settings.has(address + i)) return false;
    values.forEach((value, i) => {
      this.#settings.set(address + i, value);
    });
    return true;
  }

  #setting(address: number): number {
    return this.#settings.get(address) ?? 0;
  }
}

/** In tenths, with the correction register, itself tenths as a signed 16-bit value. */
function tenths(value: number, correction: number): number {
  return Math.round(value * 10) + ((correction << 16) >> 16);
}
