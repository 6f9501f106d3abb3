/**
 * Publishes JSON events over MQTT, QoS 1, one a message: what devices send to a bridge that is not Milepost's own uplink.
 *
 *   node --import tsx load.ts BROKER_URL TOPIC_PREFIX EVENTS_PER_SECOND SECONDS RUN
 *
 * Each of the connections has at most WINDOW messages unacknowledged; what the broker does not take in time is made later, so the rate is at most
 * what was asked. Prints how many events were made, and acknowledged by the broker, when all of them are.
 */
import mqtt from 'mqtt';
import { ssccOf } from '../workload.ts';

const CONNECTIONS = 20;
const WINDOW = 200;
const TICK_MS = 5;

const [url = '', prefix = '', perSecond = '', seconds = '', run = ''] = process.argv.slice(2);
const ratePerConnection = Number(perSecond) / CONNECTIONS;
const nowMs = () => performance.timeOrigin + performance.now();

let made = 0;
let acknowledged = 0;
const clients = await Promise.all(
  Array.from({ length: CONNECTIONS }, (_, index) => mqtt.connectAsync(url, { clientId: `device-${index}` })),
);
const startMs = nowMs();
const endMs = startMs + Number(seconds) * 1000;
await Promise.all(clients.map(publish));
for (const client of clients) client.end(true);
process.stdout.write(`${JSON.stringify({ made, acknowledged })}\n`);

async function publish(client: mqtt.MqttClient, index: number): Promise<void> {
  let sent = 0;
  let open = 0;
  const topic = `${prefix}/device-${index}/json`;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.floor(((Math.min(nowMs(), endMs) - startMs) / 1000) * ratePerConnection);
      for (; sent < due && open < WINDOW; sent++) {
        open++;
        made++;
        client.publish(topic, eventOf(`${run}-${index}-${sent}`, made), { qos: 1 }, (error) => {
          open--;
          if (!error) acknowledged++;
        });
      }
      if (nowMs() < endMs || open > 0) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
}

/** As the open door has it (docs/open-door.md); a bridge passes it on as it is. */
function eventOf(name: string, serial: number): string {
  return JSON.stringify({
    eventId: name,
    packageId: `sscc:${ssccOf(serial)}`,
    businessStep: 'receiving',
    occurredAt: new Date(nowMs()).toISOString(),
    location: { facilityId: 'DC-1', readPoint: 'dock-4' },
  });
}
