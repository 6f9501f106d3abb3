/**
 * The taking half of a hub, and as a process of its own one that tests kill: events of the open door from an external broker into a file, where each
 * append stands synced before it is acknowledged. Its only argument is a DoorHubJob as JSON; it says `taking` when it does.
 */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { Ingest } from '../ingest/ingest.ts';
import type { EventLog, LogRecord } from '../log/event-log.ts';
import type { Broker } from './broker.ts';
import { openExternalBroker } from './external.ts';

export interface DoorHubJob {
  url: string;
  share: string;
  name?: string;
  file: string;
}

/** A line for each record: key and value. */
export async function takeIntoFile({ file, ...options }: DoorHubJob): Promise<Broker> {
  const handle = await open(file, 'a');
  const eventLog = {
    async append(records: readonly LogRecord[]) {
      await handle.appendFile(records.map(({ key, value }) => `${key} ${value}\n`).join(''));
      await handle.datasync();
    },
  } as Partial<EventLog> as EventLog;
  const broker = await openExternalBroker({ ...options, log: silentLog });
  const ingest = new Ingest({ eventLog, broker, clock: new ManualClock(), log: silentLog, onStatus: () => {} });
  await broker.start((topic, payload) => ingest.handle(topic, payload));
  return {
    ...broker,
    async close() {
      await broker.close();
      await handle.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const broker = await takeIntoFile(JSON.parse(process.argv[2] ?? '') as DoorHubJob);
  while (!broker.healthy().ok) await delay(20);
  process.stdout.write('taking\n');
}
