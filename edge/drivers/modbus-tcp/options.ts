/** Options of a Modbus TCP server, which may be a gateway to an RTU bus behind it. */
import { z } from 'zod';
import { tcpFields } from '../../transport/options.ts';
import { pollFields } from '../modbus-rtu/options.ts';

export const optionsSchema = z.strictObject({ ...tcpFields({ port: 502 }), ...pollFields });

export type ModbusTcpOptions = z.infer<typeof optionsSchema>;
