/** A Redis server whose data survives a restart (append-only file). */
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
    args: ['--bind', HOST, '--port', String(port), '--dir', folder, '--save', '', '--appendonly', 'yes'],
    ready: async () => {
      // While it loads its data the answer is an error (-LOADING).
      const answer = await exchange(port, Buffer.from('PING\r\n'));
      if (!answer.toString().startsWith('+PONG')) throw new Error(answer.toString().trim());
    },
    readyTimeoutMs: 10_000,
  });
}
