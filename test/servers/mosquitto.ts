/** A Mosquitto broker: anonymous clients unless the configuration says otherwise, sessions and retained messages on disk. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exchange } from './exchange.ts';
import { program } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

export interface MosquittoOptions {
  /** Lines of mosquitto.conf, for example `['allow_anonymous false', 'password_file /…']`. They come last. */
  config?: readonly string[];
}

/** MQTT 3.1.1, 3.1: CONNECT, clean session, keep-alive 10 s, client id `probe`. */
const CONNECT = Buffer.from('101100044d5154540402000a000570726f6265', 'hex');
const CONNACK = 0x20;

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Server> {
  const folder = await serverFolder('mosquitto');
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const config = options.config ?? [];
  const lines = [
    `listener ${port} ${HOST}`,
    ...(config.some((line) => line.startsWith('allow_anonymous')) ? [] : ['allow_anonymous true']),
    'persistence true',
    `persistence_location ${folder}/`,
    // As root it would change to an account that cannot write here.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'log_dest stderr',
    ...config,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return startServer({
    name: 'mosquitto',
    port,
    url: `mqtt://${HOST}:${port}`,
    folder,
    command: program('mosquitto'),
    args: ['-c', file],
    ready: async () => {
      // A refusal (it may want a password) is an answer too.
      const answer = await exchange(port, CONNECT, (bytes) => bytes.length >= 4);
      if (answer[0] !== CONNACK) throw new Error(`not an MQTT broker: ${answer.toString('hex')}`);
    },
    readyTimeoutMs: 10_000,
  });
}
