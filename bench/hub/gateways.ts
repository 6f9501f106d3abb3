/** Gateways as the hub sees them: many connections, each with a window of batches that are sent again and again as they are acknowledged. */
import mqtt from 'mqtt';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Role } from './worker.ts';

const GATEWAYS = 32;
const WINDOW = 4;

export const gateways: Role = async ({ mqtt: url = '', message = '' }) => {
  const payload = Buffer.from(message, 'base64');
  let acknowledged = 0;
  const connect = async (index: number) => {
    const gateway = `gateway-${index}`;
    const client = await mqtt.connectAsync(url, { clientId: gateway, protocolVersion: 4, clean: true });
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    const send = () => void client.publish(topics.up(gateway, 'tracking'), payload, { qos: 1 });
    client.on('message', () => {
      acknowledged++;
      send();
    });
    await client.subscribeAsync(topics.downAck(gateway), { qos: 1 });
    return () => {
      for (let n = 0; n < WINDOW; n++) send();
    };
  };
  const starts = await Promise.all(Array.from({ length: GATEWAYS }, (_, index) => connect(index)));
  for (const start of starts) start();
  return { done: () => acknowledged };
};
