/**
 * Two whole hubs at one Mosquitto, Kafka and PostgreSQL, and a partner that sends an event a message and believes the broker's PUBACK. One of them is killed
 * in the flow and started again: every event stands in `package-events`, once.
 */
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kcatFollowing } from '../servers/kcat.ts';
import { startHubStack } from './hub-stack.ts';
import { healthy, Process, topicExists } from './stack.ts';

const EVENTS = 6_000;
const WINDOW = 100;

let stack: Awaited<ReturnType<typeof startHubStack>>;

beforeAll(async () => {
  stack = await startHubStack({
    name: 'door-kill',
    mosquitto: { config: ['max_queued_messages 0', 'set_tcp_nodelay true'] },
  });
}, 180_000);

afterAll(() => stack.stop());

it('a named hub dies among the messages of a partner: every event counts once', async () => {
  const { kafka, mosquitto, keep } = stack;
  const start = (name: string) => stack.hub('--instance', name);
  const [first, second] = [start('hub-1'), start('hub-2')];
  await Promise.all([first, second].map(async (hub) => healthy(await hub.line(/pages and API at/, 60_000))));
  await topicExists(kafka.url, 'package-events');
  const following = kcatFollowing({ brokers: kafka.url, topic: 'package-events' });
  const messages = keep(new Process('kcat', 'kcat', following));

  const sent = flow(mosquitto.url);
  await messages.until(() => messages.lines.length > EVENTS / 20, 'events', 60_000);
  await first.kill9();
  start('hub-1');
  await sent;
  await messages.until(() => messages.lines.length >= EVENTS, `${EVENTS} events`, 90_000);
  const ids = messages.lines.map(({ text }) => (JSON.parse(text) as { source: { clientEventId: string } }).source);
  expect(new Set(ids.map(({ clientEventId }) => clientEventId)).size).toBe(EVENTS);
  expect(ids).toHaveLength(EVENTS);
}, 240_000);

/** Sends as fast as the broker acknowledges, `WINDOW` at a time, from three clients' topics. */
async function flow(url: string): Promise<void> {
  const client = await mqtt.connectAsync(url);
  let next = 0;
  const send = async () => {
    for (let number = next++; number < EVENTS; number = next++) {
      const event = { eventId: `e-${number}`, scanned: `P${number}`, scanType: 'LOAD' };
      await client.publishAsync(`milepost/v1/partner-${number % 3}/json`, JSON.stringify(event), { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: WINDOW }, send));
  await client.endAsync();
}
