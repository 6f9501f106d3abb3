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
    // Twice the window, so that any number of them from any of them on is one piece of memory, and one write.
    const packets = Array.from({ length: 2 * WINDOW }, (_, n) =>
      publishPacket(topics.up(clientId, 'tracking'), (n % WINDOW) + 1, payload),
    );
    const bytes = (packets[0] as Buffer).length;
    const ring = Buffer.concat(packets);
    let sent = 0;
    const send = (count: number) => {
      for (let left = count; left > 0; left -= WINDOW) {
        const from = sent % WINDOW;
        const next = Math.min(left, WINDOW);
        socket.write(ring.subarray(from * bytes, (from + next) * bytes));
        sent += next;
      }
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
