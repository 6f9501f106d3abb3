/** Gateways as the hub sees them: many connections, each with a window of batches, of which the next goes when one is acknowledged. */
import { decodeAcknowledgement } from '../../protocols/uplink/batch.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { mqttSocket, onPublish, publishPacket } from './mqtt-socket.ts';
import type { Role } from './worker.ts';

const GATEWAYS = 256;
const WINDOW = 4;
/** What the naive way answers in place of a range. */
const BARE_ANSWER_BYTES = 1;

export const gateways: Role = async ({ mqtt: url = '', message = '' }) => {
  const payload = Buffer.from(message, 'base64');
  const { hostname: host, port } = new URL(url);
  let acknowledged = 0;
  const connect = async (index: number) => {
    const clientId = `gateway-${index}`;
    const socket = await mqttSocket({ host, port: Number(port), clientId, topic: topics.downAck(clientId) });
    const packets = Array.from({ length: WINDOW }, (_, n) =>
      publishPacket(topics.up(clientId, 'tracking'), n + 1, payload),
    );
    let sent = 0;
    const send = (count: number) => {
      for (let n = 0; n < count; n++) socket.write(packets[sent++ % WINDOW] as Buffer);
    };
    onPublish(socket, (answer) => {
      const ranges = answer.length === BARE_ANSWER_BYTES ? 1 : decodeAcknowledgement(answer).length;
      acknowledged += ranges;
      send(ranges);
    });
    return () => send(WINDOW);
  };
  const starts = await Promise.all(Array.from({ length: GATEWAYS }, (_, index) => connect(index)));
  for (const start of starts) start();
  return { done: () => acknowledged };
};
