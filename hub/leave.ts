/**
 * `milepost hub leave`: what an external broker keeps for a named hub that will not come back goes into the event log, and its session ends; until
 * then the broker gives it its part of the share. That hub must not be running: the broker would throw it out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../protocols/base/clock.ts';
import { parseUpTopic } from '../protocols/uplink/topics.ts';
import { BrokerError } from './broker/broker.ts';
import { openDoorLink } from './broker/door-link.ts';
import { Door } from './door/door.ts';
import { nameOf, openEventLog, openStore, type PortOptions } from './ports.ts';

const CONNECT_MS = 30_000;
const POLL_MS = 50;

/** @returns how many messages were taken. */
export async function leaveDoor(options: PortOptions & { clock: Clock }): Promise<{ messages: number }> {
  const { config, clock, log } = options;
  const { url, share, username, password, maxPending: maxPendingBytes } = config.mqtt;
  const name = nameOf(config);
  if (url === undefined || name === undefined) {
    const message = 'only a process with a name at an external broker (mqtt.url) has a session there';
    throw new BrokerError({ code: 'broker-session', message });
  }
  const store = config.kafka ? undefined : await openStore(options);
  const eventLog = await openEventLog(options, store);
  const link = await openDoorLink({ url, share, name, username, password, maxPendingBytes, log });
  try {
    await store?.migrate();
    await eventLog.setup();
    const door = new Door({ eventLog, clock });
    let messages = 0;
    link.start(async (topic, payload) => {
      const up = parseUpTopic(topic);
      if (up?.kind !== 'door') return;
      await door.message(up.gatewayId, payload);
      messages++;
    });
    const deadlineMs = performance.now() + CONNECT_MS;
    while (!link.healthy().ok) {
      if (performance.now() > deadlineMs) {
        throw new BrokerError({ code: 'broker-unreachable', message: `${url}: ${link.healthy().detail}` });
      }
      await delay(POLL_MS);
    }
    await link.leave();
    return { messages };
  } finally {
    await link.close();
    await eventLog.close();
    await store?.close();
  }
}
