/** Opens whatever kind of port a driver asks for. */
import { openSerial } from './serial.ts';
import { openTcp } from './tcp.ts';
import type { OpenTransport } from './transport.ts';

export const openTransport: OpenTransport = (options, signal) =>
  options.kind === 'serial' ? openSerial(options, signal) : openTcp(options, signal);
