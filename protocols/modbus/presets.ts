/**
 * Register maps of devices that need no configuration.
 *
 * XY-MD02: a DIN-rail module around a Sensirion SHT20; factory settings unit 1, 9600 8N1. Bounds are those of the SHT20
 * data sheet (−40–125 °C, 0–100 %RH). Modules sold under the same name answer holding registers from 0 instead: `XY_MD02_CLONE`.
 */
import type { RegisterMap } from './register-map.ts';

const TEMPERATURE = {
  name: 'temperature',
  type: 'int16',
  scale: 0.1,
  unit: 'celsius',
  minimum: -40,
  maximum: 125,
} as const;
const HUMIDITY = { name: 'humidity', type: 'uint16', scale: 0.1, unit: 'percent', minimum: 0, maximum: 100 } as const;

export const XY_MD02: RegisterMap = {
  name: 'xy-md02',
  points: [
    { ...TEMPERATURE, functionCode: 0x04, address: 1 },
    { ...HUMIDITY, functionCode: 0x04, address: 2 },
  ],
};

export const XY_MD02_CLONE: RegisterMap = {
  name: 'xy-md02-clone',
  points: [
    { ...TEMPERATURE, functionCode: 0x03, address: 0 },
    { ...HUMIDITY, functionCode: 0x03, address: 1 },
  ],
};

/** By the name a configuration gives. */
export const REGISTER_MAP_PRESETS: Readonly<Record<string, RegisterMap>> = {
  'xy-md02': XY_MD02,
  sht20: XY_MD02,
  'xy-md02-clone': XY_MD02_CLONE,
};
