/** A Redis server whose answered writes survive a kill (append-only file, synced at each: by default it may hold them back for a second). */
import { exchange } from './exchange.ts';
import { program } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

export async function startRedis(): Promise<Server> {
  const folder = await serverFolder('redis');
  const port = await freePort();
  return startServer({
    name: 'redis',
    port,
    url: `redis://${HOST}:${port}`,
    folder,
    command: program('redis-server'),
    args: [
      '--bind',
      HOST,
      '--port',
      String(port),
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ],
    ready: async () => {
      // While it loads its data the answer is an error (-LOADING).
      const answer = await exchange(port, Buffer.from('PING\r\n'));
      if (!answer.toString().startsWith('+PONG')) throw new Error(answer.toString().trim());
    },
    readyTimeoutMs: 10_000,
  });
}
