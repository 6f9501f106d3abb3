/** What a connected gateway costs the embedded broker: as many as fit, each connected, logged in by its id and subscribed. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { openEmbeddedBroker } from '../../hub/broker/embedded.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Row } from '../row.ts';
import { mqttSocket } from './mqtt-socket.ts';

const AT_ONCE = 100;
const SETTLE_TURNS = 5;

interface Memory {
  rss: number;
  heapUsed: number;
}

export async function connections(count: number): Promise<Row> {
  const child = fork(new URL(import.meta.url).pathname, ['--serve'], {
    execArgv: [...process.execArgv, '--expose-gc'],
  });
  const sockets: Socket[] = [];
  try {
    const [port] = (await once(child, 'message')) as [number];
    const memory = async (): Promise<Memory> => {
      child.send('memory');
      const [said] = (await once(child, 'message')) as [Memory];
      return said;
    };
    const before = await memory();
    while (sockets.length < count) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, (_, n) =>
        gateway(port, `gateway-${sockets.length + n}`),
      );
      sockets.push(...(await Promise.all(some)));
    }
    const after = await memory();
    const kilobytes = (after.rss - before.rss) / 1024 / count;
    return {
      path: `connected gateways on the embedded broker: ${count}`,
      unit: 'KiB of RSS/gateway',
      ours: kilobytes,
      beside: { 'of which JavaScript heap': (after.heapUsed - before.heapUsed) / 1024 / count },
      goals: [],
      note: `100,000 gateways would take ${((kilobytes * 100_000) / 1024 / 1024).toFixed(1)} GiB of processes, sockets in the kernel not counted`,
    };
  } finally {
    for (const socket of sockets) socket.destroy();
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}

function gateway(port: number, id: string): Promise<Socket> {
  return mqttSocket({ host: '127.0.0.1', port, clientId: id, topic: topics.downAck(id) });
}

if (process.argv[2] === '--serve' && process.send) {
  const broker = await openEmbeddedBroker({ host: '127.0.0.1', port: 0, users: new Map(), log: silentLog });
  await broker.start(async () => {});
  process.on('message', () => {
    for (let turn = 0; turn < SETTLE_TURNS; turn++) globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    process.send?.({ rss, heapUsed });
  });
  process.on('disconnect', () => process.exit());
  process.send(Number(new URL(broker.url ?? '').port));
}
