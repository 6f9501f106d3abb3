/** Sensors on a Modbus RTU bus (RS-485): temperature, humidity and contacts by register map. */
import type { Driver } from '../../driver.ts';
import { serialTransport } from '../../transport/options.ts';
import { type ModbusRtuOptions, optionsSchema } from './options.ts';
import { pollUnits } from './poll.ts';
import { RtuLink } from './rtu-link.ts';
import { sensorsOfUnits } from './units.ts';

export const driver: Driver<ModbusRtuOptions> = {
  kind: 'modbus-rtu',
  summary: 'temperature, humidity and contact sensors on a Modbus RTU bus (RS-485)',
  options: optionsSchema,
  sensors: sensorsOfUnits,
  transport: serialTransport,
  run: (context, options) => pollUnits(new RtuLink(context, options), context.clock, options),
};
