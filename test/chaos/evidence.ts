/**
 * What stands where after the storm, read from outside: Kafka with kcat (read_committed), InfluxDB and PostgreSQL in their own languages,
 * the gateways' and hubs' ledgers as they tell them. Our code decodes the `uplink` topic only, to know which alert records are statements.
 */
import { Client } from 'pg';
import { askDaemon } from '../../edge/ops/server.ts';
import { readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { httpText } from '../servers/exchange.ts';
import { kcat } from '../servers/kcat.ts';
import type { Evidence, FoundEvent, GatewayEvidence, HubLane } from './judge.ts';
import { INFLUX_DATABASE, type World } from './world.ts';

export async function gather(world: World): Promise<Evidence> {
  const { kafka, gateways, hubs, writer } = world;
  const [packageEvents, alertIds, alertRecords, deadLetters, points, timeline] = await Promise.all([
    readPackageEvents(kafka.url),
    readAlertIds(kafka.url),
    readAlertRecords(kafka.url),
    kcat({ brokers: kafka.url, topic: 'dead-letters', format: '%o\\n' }).then(
      (lines) => lines.toString().split('\n').length - 1,
    ),
    readPoints(world),
    readTimeline(world.postgres.url),
  ]);
  return {
    emissions: writer.emissions,
    gateways: await Promise.all(gateways.map(gatewayEvidence)),
    packageEvents,
    alertIds,
    alertRecords,
    points,
    deadLetters,
    hub: await hubLedger(hubs.map(({ url }) => url)),
    timeline,
  };
}

async function gatewayEvidence(gateway: World['gateways'][number]): Promise<GatewayEvidence> {
  const { epoch, outbox, rejected, balanced } = await askDaemon(gateway.stateDir);
  const { deathsMs } = gateway.daemon;
  return { gatewayId: gateway.id, epoch, lanes: outbox.lanes, rejected, balanced, deathsMs };
}

/** Sums of the hubs' ledgers: each holds the partitions that it processes. */
async function hubLedger(urls: readonly string[]): Promise<Record<Lane, HubLane>> {
  const metrics = await Promise.all(urls.map((url) => httpText(`${url}/metrics`)));
  const sum = (name: string, lane: Lane) =>
    metrics.reduce((total, text) => {
      const value = new RegExp(`^milepost_hub_${name}_records\\{lane="${lane}"\\} (\\d+)$`, 'm').exec(text)?.[1];
      return total + Number(value ?? 0);
    }, 0);
  const lane = (name: Lane): HubLane => {
    const [seen, lost, missing] = [sum('delivered', name), sum('lost', name), sum('missing', name)];
    return { highest: seen + lost + missing, seen, lost, missing };
  };
  return { alert: lane('alert'), tracking: lane('tracking'), telemetry: lane('telemetry') };
}

async function readPackageEvents(brokers: string): Promise<FoundEvent[]> {
  const lines = (await kcat({ brokers, topic: 'package-events', format: '%p\\t%o\\t%k\\t%s\\n' }))
    .toString()
    .split('\n');
  return lines.slice(0, -1).map((line) => {
    const [partition, offset, key = '', ...rest] = line.split('\t');
    const { eventId, packageId, source, data } = JSON.parse(rest.join('\t'));
    return {
      partition: Number(partition),
      offset: Number(offset),
      key,
      eventId,
      packageId,
      text: data.scanned,
      source,
    };
  });
}

async function readAlertIds(brokers: string): Promise<string[]> {
  const lines = (await kcat({ brokers, topic: 'alerts', format: '%s\\n' })).toString().split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line).eventId);
}

async function readAlertRecords(brokers: string): Promise<Evidence['alertRecords']> {
  const found: Evidence['alertRecords'][number][] = [];
  const bytes = await kcat({ brokers, topic: 'uplink', format: '%k\\t%S\\t%s' });
  for (let at = 0; at < bytes.length; ) {
    const keyEnd = bytes.indexOf('\t', at);
    const sizeEnd = bytes.indexOf('\t', keyEnd + 1);
    const gatewayId = bytes.toString('utf8', at, keyEnd);
    at = sizeEnd + 1 + Number(bytes.toString('utf8', keyEnd + 1, sizeEnd));
    const header = readBatchHeader(bytes.subarray(sizeEnd + 1, at));
    if (header.lane !== 'alert') continue;
    for (const item of readBatchRecords(header)) {
      if (!('record' in item)) throw new Error(`${gatewayId}: alert ${item.sequence} cannot be read: ${item.reason}`);
      const payload = decodePayload(item.record.payload);
      const identity = { gatewayId, epoch: header.epoch, sequence: item.sequence };
      if (payload.kind === 'range') {
        const { fate, lane, first, last } = payload;
        found.push({ ...identity, kind: payload.kind, statement: { fate, lane, first, last } });
      } else found.push({ ...identity, kind: payload.kind });
    }
  }
  return found;
}

/** The hub makes time stamps unique by the sequence: it stands in their last six digits. */
async function readPoints({ influx, gateways }: World): Promise<Evidence['points']> {
  const found: Evidence['points'][number][] = [];
  for (const { id } of gateways) {
    const parameters = new URLSearchParams({
      db: INFLUX_DATABASE,
      epoch: 'ns',
      q: `SELECT * FROM /.*/ WHERE gateway = '${id}'`,
    });
    // CSV: a JSON number does not hold nanoseconds.
    const response = await fetch(`${influx.url}/query?${parameters}`, { headers: { accept: 'application/csv' } });
    const text = await response.text();
    if (!response.ok) throw new Error(`InfluxDB: ${text}`);
    for (const line of text.split('\n')) {
      const time = /^[^,]*,[^,]*,(\d{19}),/.exec(line)?.[1];
      if (time !== undefined) found.push({ gatewayId: id, sequence: Number(time.slice(-6)) });
    }
  }
  return found;
}

async function readTimeline(url: string): Promise<ReadonlyMap<string, number>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ gateway_id: string; events: number }>(
      'select gateway_id, count(*)::int as events from package_events group by gateway_id',
    );
    return new Map(rows.map(({ gateway_id, events }) => [gateway_id, events]));
  } finally {
    await client.end();
  }
}

/** How many records the gateways have accepted, once none of them is pending and the hubs have seen them all; until then undefined. */
export async function settledRecords({ gateways, hubs }: World): Promise<number | undefined> {
  const found = await Promise.all(gateways.map(gatewayEvidence));
  if (found.some(({ lanes }) => LANES.some((lane) => lanes[lane].pending > 0))) return undefined;
  const hub = await hubLedger(hubs.map(({ url }) => url));
  const sum = (lane: Lane, of: (ledger: LaneLedger) => number) =>
    found.reduce((total, { lanes }) => total + of(lanes[lane]), 0);
  const kept = (lane: Lane) => sum(lane, ({ accepted, evicted, quarantined }) => accepted - evicted - quarantined);
  if (LANES.some((lane) => hub[lane].seen !== kept(lane) || hub[lane].missing > 0)) return undefined;
  return LANES.reduce((total, lane) => total + sum(lane, ({ accepted }) => accepted), 0);
}
