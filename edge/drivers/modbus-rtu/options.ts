/** Options of a Modbus RTU bus, and the part of them that Modbus TCP shares. */
import { z } from 'zod';
import { REGISTER_MAP_PRESETS } from '../../../protocols/modbus/index.ts';
import { channelName, serialFields } from '../../transport/options.ts';

const presets = Object.keys(REGISTER_MAP_PRESETS);

const channel = channelName.describe('Name of this sensor, where the device has several');

const point = z
  .strictObject({
    quantity: z.enum(['temperature', 'humidity', 'contact']).describe('What the register means'),
    functionCode: z
      .literal([1, 2, 3, 4])
      .describe('Which table: 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers'),
    address: z.int().min(0).max(65_535).describe("Protocol address, from 0: a data sheet's 30002 is input register 1"),
    type: z
      .enum(['int16', 'uint16', 'int32', 'uint32', 'float32'])
      .default('int16')
      .describe('How to read the register; not used for functions 1 and 2'),
    wordOrder: z.enum(['abcd', 'cdab', 'badc', 'dcba']).default('abcd').describe('Byte order of 32-bit types'),
    scale: z.number().default(1).describe('physical value = raw × scale + offset'),
    offset: z.number().default(0).describe('physical value = raw × scale + offset'),
    unit: z.enum(['celsius', 'fahrenheit', 'kelvin']).default('celsius').describe('Unit of a temperature'),
    invalid: z.array(z.number()).max(16).default([]).describe('Raw values by which the device says that it has none'),
    openWhen: z.boolean().default(true).describe('contact: the input’s state when the door is open'),
    channel: channel.optional(),
  })
  .refine(({ quantity, functionCode }) => (quantity === 'contact') === functionCode <= 2, {
    path: ['functionCode'],
    message: 'a contact is read with function 1 or 2, temperature and humidity with 3 or 4',
  });

const unit = z
  .strictObject({
    unitId: z.int().min(1).max(247).describe('Address of the unit on the bus'),
    map: z.enum(presets).optional().describe('Ready-made register map'),
    points: z.array(point).min(1).max(64).optional().describe('Register map of your own, in place of `map`'),
    channel: channel.optional(),
  })
  .refine(({ map, points }) => (map === undefined) !== (points === undefined), {
    message: "exactly one of 'map' and 'points' was expected",
  });

/** What Modbus RTU and TCP have in common. */
export const pollFields = {
  units: z.array(unit).min(1).max(32).describe('The units to ask, in this order'),
  intervalMs: z.int().min(50).max(3_600_000).default(10_000).describe('From the start of one round to the next'),
  timeoutMs: z.int().min(20).max(30_000).default(1_000).describe('How long a unit may take to answer'),
  retries: z.int().min(0).max(5).default(2).describe('Further tries before a unit counts as silent'),
};

export const optionsSchema = z.strictObject({ ...serialFields({ baudRate: 9_600 }), ...pollFields });

export type ModbusRtuOptions = z.infer<typeof optionsSchema>;
export type PollOptions = Pick<ModbusRtuOptions, keyof typeof pollFields>;
export type UnitOptions = PollOptions['units'][number];
