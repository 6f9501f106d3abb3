/** Puts together what a hub with the role `api` gives besides reading: the open door over HTTP, dead letters, replays. */
import { GATEWAY_ID } from '../../protocols/uplink/identity.ts';
import { Admission } from '../broker/admission.ts';
import type { HubConfig } from '../config.ts';
import { DeadLetterDesk } from '../dead-letters/desk.ts';
import { Credentials } from '../door/credentials.ts';
import { Door } from '../door/door.ts';
import { ReplayJobs } from '../replay/jobs.ts';
import type { ReplayPorts } from '../replay/replay.ts';
import type { Operators } from './app.ts';

export function openOperators(
  ports: Omit<ReplayPorts, 'series'> & { config: HubConfig; door: Door | undefined },
): Operators {
  const { config, door } = ports;
  // Who may log in over MQTT may do so over HTTP.
  const users = Object.entries(config.mqtt.users).filter(([name]) => GATEWAY_ID.test(name));
  return {
    door: door ?? new Door(ports),
    credentials: new Credentials(config.door.tokens, { ...Object.fromEntries(users), ...config.door.users }),
    maxBody: config.door.maxBody,
    hands: new Admission(Math.max(config.mqtt.maxPending, config.door.maxBody)),
    deadLetters: new DeadLetterDesk(ports),
    replays: new ReplayJobs({ ...ports, series: config.series }),
  };
}
