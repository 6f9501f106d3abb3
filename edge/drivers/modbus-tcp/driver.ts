/** Sensors behind a Modbus TCP server or gateway: temperature, humidity and contacts by register map. */
import type { Driver } from '../../driver.ts';
import { tcpTransport } from '../../transport/options.ts';
import { pollUnits } from '../modbus-rtu/poll.ts';
import { sensorsOfUnits } from '../modbus-rtu/units.ts';
import { type ModbusTcpOptions, optionsSchema } from './options.ts';
import { TcpLink } from './tcp-link.ts';

export const driver: Driver<ModbusTcpOptions> = {
  kind: 'modbus-tcp',
  summary: 'temperature, humidity and contact sensors over Modbus TCP',
  options: optionsSchema,
  sensors: sensorsOfUnits,
  transport: tcpTransport,
  run: (context, options) => pollUnits(new TcpLink(context, options), context.clock, options),
};
