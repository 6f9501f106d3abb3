/**
 * Desired configurations on their way to the gateways: out of the store into the compacted topic `gateway-config`, and from there, in a process
 * that has a broker, out as retained messages.
 *
 * What goes out twice does no harm: a gateway looks at a version once. So nothing is locked on the way, and a follower begins with the whole
 * topic, which gives an embedded broker back what it kept in memory only.
 */
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { GATEWAY_ID } from '../../protocols/uplink/identity.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Broker } from '../broker/broker.ts';
import { type EventLog, type Runner, type StoredRecord, TOPICS } from '../log/event-log.ts';
import type { Store } from '../store/store.ts';

export const CONFIG_GROUP = 500;
const IN_FLIGHT = 64;

interface Row extends Record<string, unknown> {
  gateway_id: string;
  desired_version: number;
  desired_at: Date;
  settings: Settings;
}

/** Writes what has not been written yet, at most a group of it, and gives how many. */
export async function drainConfigs(
  { store, eventLog }: { store: Store; eventLog: Pick<EventLog, 'append'> },
  nowMs: number,
): Promise<number> {
  const rows = await store.query<Row>(
    `select gateway_id, desired_version, desired_at, settings
     from fleet_gateways join fleet_settings on hash = desired_hash
     where desired_version > published_version order by gateway_id limit ${CONFIG_GROUP}`,
  );
  if (rows.length === 0) return 0;
  await eventLog.append(
    rows.map((row) => ({
      topic: TOPICS.gatewayConfig,
      key: row.gateway_id,
      value: Buffer.from(JSON.stringify(desiredConfig(row))),
    })),
  );
  // What changed meanwhile may stand in the log before this: it is written again.
  await store.query(
    `with written as (
       select g.gateway_id, n.version
       from fleet_gateways g join unnest($1::text[], $2::bigint[]) n (gateway_id, version) using (gateway_id)
       order by g.gateway_id for update of g)
     update fleet_gateways g set
       published_version = case when g.desired_version = written.version then written.version else 0 end,
       published_at = $3::timestamptz
     from written where g.gateway_id = written.gateway_id`,
    [
      rows.map(({ gateway_id }) => gateway_id),
      rows.map(({ desired_version }) => desired_version),
      new Date(nowMs).toISOString(),
    ],
  );
  return rows.length;
}

export function desiredConfig(
  row: Pick<Row, 'gateway_id' | 'desired_version' | 'desired_at' | 'settings'>,
): DesiredConfig {
  return {
    schema: 1,
    gatewayId: row.gateway_id,
    version: row.desired_version,
    issuedAt: row.desired_at.toISOString(),
    settings: row.settings,
  };
}

/** @param options.group Shared by the processes at one external broker, each of which publishes a part. */
export function publishConfigs(options: {
  eventLog: Pick<EventLog, 'follow'>;
  broker: Pick<Broker, 'publish'>;
  group?: string;
}): Promise<Runner> {
  const { eventLog, broker, group } = options;
  return eventLog.follow({
    ...(group === undefined ? {} : { group }),
    topic: TOPICS.gatewayConfig,
    position: async () => 0,
    onRecords: async (records) => {
      // Of each gateway the newest: publishing side by side keeps no order.
      const newest = new Map(records.map((record) => [record.key, record]));
      await inParts(
        [...newest.values()].filter(({ key }) => GATEWAY_ID.test(key)),
        broker,
      );
    },
    maxRecords: CONFIG_GROUP,
  });
}

async function inParts(records: readonly StoredRecord[], broker: Pick<Broker, 'publish'>): Promise<void> {
  for (let from = 0; from < records.length; from += IN_FLIGHT) {
    const part = records.slice(from, from + IN_FLIGHT);
    await Promise.all(
      part.map(({ key, value }) => broker.publish(topics.downConfig(key), value ?? Buffer.alloc(0), { retain: true })),
    );
  }
}
