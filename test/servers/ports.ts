/**
 * Ports on 127.0.0.1 that a server can have again after a restart.
 *
 * They lie below the range from which the system takes the source ports of outgoing connections (32768 on Linux):
 * while a server is down its clients keep connecting to its port, and out of that range such a connection can be given
 * this very port, meet itself, and hold it.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 31_999;
const ATTEMPTS = 100;

export const HOST = '127.0.0.1';

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, LAST + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} in ${ATTEMPTS} attempts`);
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
