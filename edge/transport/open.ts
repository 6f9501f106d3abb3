/** Opens whatever kind of port a driver asks for. */
import { openFiles } from './files.ts';
import { openHid } from './hid.ts';
import { openPrograms } from './programs.ts';
import { openSerial } from './serial.ts';
import { openTcp } from './tcp.ts';
import type { OpenTransport } from './transport.ts';

export const openTransport: OpenTransport = (options, signal) => {
  switch (options.kind) {
    case 'serial':
      return openSerial(options, signal);
    case 'tcp':
      return openTcp(options, signal);
    case 'hid':
      return openHid(options, signal);
    case 'files':
      return openFiles(options, signal);
    case 'programs':
      return openPrograms(options, signal);
  }
};
