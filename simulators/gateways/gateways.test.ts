/** Simulated gateways on a hub that loses, doubles, delays and forgets; and over real MQTT against a broker in this process. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { encodeAcknowledgement, readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import { parseGatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { LANES } from '../../protocols/uplink/identity.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { parseUpTopic, topics } from '../../protocols/uplink/topics.ts';
import { seededRandom } from '../random.ts';
import { parseMix, type SimGatewaysArgs, simGateways } from './cli.ts';
import { Fleet, type FleetOptions } from './fleet.ts';
import type { ConfigBehaviour, HubConnection, HubConnectionOptions } from './hub-connection.ts';
import { MemoryLane } from './memory-outbox.ts';

const TIME = { bootId: 1, monotonicUs: 1, wallMs: 1, state: 'ntp', uncertaintyMs: 1 } as const;

describe('memory outbox', () => {
  it('numbers from 1, moves over the acknowledged prefix alone, and forgets nothing else', () => {
    const lane = new MemoryLane(1e6);
    for (let i = 1; i <= 10; i++) expect(lane.append(TIME, Buffer.of(i))).toBe(true);
    lane.acknowledge(4, 6);
    expect([lane.acknowledged, lane.pending]).toEqual([0, 10]);
    lane.acknowledge(1, 3);
    expect([lane.acknowledged, lane.pending, lane.accepted]).toEqual([6, 4, 10]);
    lane.acknowledge(5, 900);
    expect([lane.acknowledged, lane.pending]).toEqual([10, 0]);
    expect(lane.read(11, { records: 5, bytes: 1e6 })).toBeUndefined();
    lane.append(TIME, Buffer.of(11));
    expect(lane.read(11, { records: 5, bytes: 1e6 })?.records.readUIntLE(8, 6)).toBe(11);
  });

  it('takes no more than its bytes, and more again when there is room', () => {
    const lane = new MemoryLane(100);
    const payload = Buffer.alloc(10);
    expect([lane.append(TIME, payload), lane.append(TIME, payload), lane.append(TIME, payload)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(lane.accepted).toBe(2);
    lane.acknowledge(1, 1);
    expect(lane.append(TIME, payload)).toBe(true);
    expect(lane.accepted).toBe(3);
  });

  it('reads within its limits, at least one record', () => {
    const lane = new MemoryLane(1e6);
    for (let i = 0; i < 200; i++) lane.append(TIME, Buffer.alloc(68));
    lane.acknowledge(1, 150);
    expect(lane.read(151, { records: 7, bytes: 1e6 })?.count).toBe(7);
    expect(lane.read(151, { records: 100, bytes: 350 })?.count).toBe(3);
    expect(lane.read(200, { records: 100, bytes: 1 })?.count).toBe(1);
  });
});

/** A hub on a network that loses, doubles and delays. */
function stormyHub(clock: ManualClock, seed: number) {
  const random = seededRandom(seed);
  const weather = { loss: 0.2, doubling: 0.2, maxDelayMs: 300 };
  const stored = new Map<string, Map<number, string>>();
  const statuses = new Map<string, boolean>();
  const reports: string[] = [];
  let publishedWhileDown = 0;
  const travel = (arrive: () => void): void => {
    const copies = random.next() < weather.loss ? 0 : random.next() < weather.doubling ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) clock.after(random.next() * weather.maxDelayMs, arrive);
  };
  const ingest = (payload: Buffer): Buffer => {
    const header = readBatchHeader(payload);
    const key = `${header.epoch} ${header.lane}`;
    const lane = stored.get(key) ?? new Map<number, string>();
    stored.set(key, lane);
    for (const item of readBatchRecords(header)) {
      if (!('record' in item)) throw new Error(item.reason);
      const text = item.record.payload.toString('hex');
      // A sequence never means two things.
      if ((lane.get(item.sequence) ?? text) !== text) throw new Error(`${key} ${item.sequence} changed`);
      lane.set(item.sequence, text);
    }
    const { epoch, lane: name, firstSequence: first, count } = header;
    return encodeAcknowledgement([{ epoch, lane: name, first, last: first + count - 1 }]);
  };
  const open = ({ clientId, subscribe, will, startAfterMs, events }: HubConnectionOptions): HubConnection => {
    let up = false;
    let closed = false;
    const connect = (afterMs: number): void => {
      clock.after(afterMs, () => {
        if (closed) return;
        up = true;
        events.onConnected();
        if (subscribe.includes(topics.downConfig(clientId))) {
          events.onMessage(topics.downConfig(clientId), Buffer.from('desired'));
        }
      });
    };
    const down = (): void => {
      up = false;
      statuses.set(clientId, parseGatewayStatus(will.payload.toString())?.online ?? true);
      events.onDisconnected();
    };
    connect(startAfterMs);
    return {
      get connected() {
        return up;
      },
      async publish(topic, payload) {
        if (!up) publishedWhileDown++;
        const found = parseUpTopic(topic);
        if (found?.kind === 'status') statuses.set(clientId, parseGatewayStatus(payload.toString())?.online ?? false);
        if (found?.kind === 'config') reports.push(`${clientId} ${payload}`);
        if (found?.kind !== 'lane') return;
        travel(() => {
          const acknowledgement = ingest(payload);
          travel(() => up && events.onMessage(topics.downAck(clientId), acknowledgement));
        });
      },
      cut() {
        if (!up) return;
        down();
        connect(500);
      },
      leave(forMs) {
        up = false;
        events.onDisconnected();
        if (Number.isFinite(forMs)) connect(forMs);
      },
      async close() {
        closed = true;
        up = false;
      },
    };
  };
  return { open, stored, statuses, reports, weather, publishedWhileDown: () => publishedWhileDown };
}

function fleetOn(clock: ManualClock, open: FleetOptions['open'], changes: Partial<FleetOptions> = {}): Fleet {
  return new Fleet({
    ...{ count: 5, prefix: 'g-', ratePerS: 20, mix: { alert: 1, tracking: 6, telemetry: 3 }, packages: 50 },
    ...{ flapShare: 0.5, connectsPerS: 10, laneBytes: 1e6, lingerMs: 200, batchRecords: 30 },
    ...{ acknowledgeTimeoutMs: 1000, deflate: true, seed: 's', clock, open },
    ...changes,
  });
}

describe('a fleet', () => {
  it('brings everything over a bad network, with connections that come and go, and publishes nothing while down', async () => {
    const clock = new ManualClock();
    const hub = stormyHub(clock, 1);
    const fleet = fleetOn(clock, hub.open, { flapEveryMs: 3000 });
    for (let second = 0; second < 20; second++) {
      await clock.advance(1000);
      const { total } = fleet.ledger();
      expect(total.accepted).toBe(total.acknowledged + total.pending);
    }
    Object.assign(hub.weather, { loss: 0, doubling: 0, maxDelayMs: 20 });
    const drained = fleet.drain(120_000);
    await clock.advance(120_000);
    await drained;
    const { lanes, total, refused, disconnects, resent, everConnected } = fleet.ledger();
    expect(total.pending).toBe(0);
    expect(total.accepted).toBeGreaterThan(1500);
    expect([refused, everConnected]).toEqual([0, 5]);
    expect(Math.min(disconnects, resent)).toBeGreaterThan(0);
    for (const lane of LANES) {
      const arrived = [...hub.stored].filter(([key]) => key.endsWith(lane)).map(([, records]) => records);
      expect(arrived.reduce((sum, { size }) => sum + size, 0)).toBe(lanes[lane].accepted);
      for (const records of arrived) expect(Math.max(...records.keys())).toBe(records.size);
    }
    expect(hub.publishedWhileDown()).toBe(0);
    await fleet.stop();
    expect([...hub.statuses.values()]).toEqual(Array(5).fill(false));
    await clock.advance(60_000);
    expect(clock.timers).toBe(0);
  });

  it('holds readings for its linger and no longer, and sends the next tracking batch when the one before is acknowledged', async () => {
    const clock = new ManualClock();
    const hub = stormyHub(clock, 1);
    Object.assign(hub.weather, { loss: 0, doubling: 0, maxDelayMs: 1 });
    const underWay = new Map<string, number>();
    const waits: number[] = [];
    let mostUnderWay = 0;
    const open: FleetOptions['open'] = (options) => {
      const connection = hub.open({
        ...options,
        events: {
          ...options.events,
          onMessage: (topic, payload) => {
            underWay.set(options.clientId, 0);
            options.events.onMessage(topic, payload);
          },
        },
      });
      const publish: HubConnection['publish'] = async (topic, payload) => {
        if (topic === topics.up(options.clientId, 'tracking')) {
          const count = (underWay.get(options.clientId) ?? 0) + 1;
          underWay.set(options.clientId, count);
          mostUnderWay = Math.max(mostUnderWay, count);
          const [first] = readBatchRecords(readBatchHeader(payload));
          if (first && 'record' in first) waits.push(clock.wall().wallMs - first.record.time.wallMs);
        }
        await connection.publish(topic, payload);
      };
      return Object.assign(Object.create(connection) as HubConnection, { publish });
    };
    const fleet = fleetOn(clock, open, { lingerMs: 5, ratePerS: 100, mix: { alert: 0, tracking: 1, telemetry: 0 } });
    await clock.advance(3_000);
    expect(mostUnderWay).toBe(1);
    expect(waits.length).toBeGreaterThan(500);
    // One round for the linger, one for the acknowledgement; what came before there was a connection waited longer.
    expect(Math.max(...waits.slice(50))).toBeLessThanOrEqual(15);
    await fleet.stop();
  });

  it('makes the same readings for the same seed, of packages that pass four steps', async () => {
    const payloads = async (seed: string) => {
      const clock = new ManualClock();
      const hub = stormyHub(clock, 1);
      Object.assign(hub.weather, { loss: 0, doubling: 0, maxDelayMs: 1 });
      const fleet = fleetOn(clock, hub.open, { seed, count: 2 });
      await clock.advance(10_000);
      await fleet.stop();
      return [...hub.stored.values()].map((records) => [...records.values()]);
    };
    const first = await payloads('a');
    expect(await payloads('a')).toEqual(first);
    expect(await payloads('b')).not.toEqual(first);
    const scans = first.flat().map((hex) => decodePayload(Buffer.from(hex, 'hex')));
    const steps = new Map<string, string[]>();
    for (const scan of scans) {
      if (scan.kind !== 'tracking') continue;
      steps.set(scan.packageId, [...(steps.get(scan.packageId) ?? []), scan.scanType]);
    }
    expect(steps.size).toBeGreaterThan(50);
    for (const [id, seen] of steps) {
      expect(id).toMatch(/^sscc:\d{18}$/);
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  it('holds no more than its lanes may, while the hub is away', async () => {
    const clock = new ManualClock();
    const hub = stormyHub(clock, 1);
    hub.weather.loss = 1;
    const fleet = fleetOn(clock, hub.open, { laneBytes: 4096, ratePerS: 50 });
    await clock.advance(30_000);
    const { total, refused } = fleet.ledger();
    expect(total.accepted).toBeLessThan(5 * 3 * (4096 / 33));
    expect(refused).toBeGreaterThan(4000);
    expect(total.pending).toBe(total.accepted);
    await fleet.stop();
  });

  it('hands desired configurations to the behaviour that it is given', async () => {
    const clock = new ManualClock();
    const hub = stormyHub(clock, 1);
    const config: ConfigBehaviour = {
      onConnected: () => {},
      onDesired: ({ gatewayId, report }, payload) => {
        report(Buffer.from(`${gatewayId} applied ${payload}`)).catch(() => {});
      },
    };
    const fleet = fleetOn(clock, hub.open, { count: 2, config });
    await clock.advance(1000);
    expect(hub.reports).toEqual(['g-0001 g-0001 applied desired', 'g-0002 g-0002 applied desired']);
    await fleet.stop();
  });
});

describe('a gateway that goes away', () => {
  it.each([
    [1000, true],
    [Number.POSITIVE_INFINITY, false],
  ])('for %s ms is heard once, looks at nothing, and is back: %s', async (leavesForMs, isBack) => {
    const clock = new ManualClock();
    const hub = stormyHub(clock, 1);
    const config: ConfigBehaviour = {
      onConnected: ({ report }) => void report(Buffer.from('connected')),
      onDesired: ({ report }) => void report(Buffer.from('looked')),
    };
    const fleet = fleetOn(clock, hub.open, { count: 1, config, character: () => ({ leavesForMs }) });
    await clock.advance(500);
    expect([hub.reports, [...hub.statuses.values()]]).toEqual([['g-0001 connected'], [false]]);
    await clock.advance(2000);
    expect([hub.reports.includes('g-0001 looked'), [...hub.statuses.values()]]).toEqual([isBack, [isBack]]);
    // Who stays away for good observes nothing that could never be delivered.
    expect(fleet.ledger().total.accepted > 0).toBe(isBack);
    await fleet.stop();
  });
});

describe('sim gateways', () => {
  const args: SimGatewaysArgs = {
    ...{ hub: '', count: 5, rate: 20, packages: 100, mix: 'alert=1,tracking=1,telemetry=1', prefix: 'sim-', seed: 's' },
    ...{ forMs: 1500, drainMs: 20_000, flapShare: 0.5, connectsPerS: 1000, deflate: false, json: true },
  };

  async function run(changes: Partial<SimGatewaysArgs>) {
    const printed: string[] = [];
    const print = (text: string): void => void printed.push(text);
    const { signal } = new AbortController();
    const exit = await simGateways({ ...args, ...changes }, { clock: systemClock(), print, printError: print, signal });
    return { exit, summary: JSON.parse(printed.at(-1) ?? '{}') as Record<string, unknown> };
  }

  it('speaks MQTT: batches acknowledged, flapping survived, status and will said', async () => {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const statuses: boolean[] = [];
    broker.on('publish', (packet) => {
      const found = parseUpTopic(packet.topic);
      const payload = Buffer.from(packet.payload);
      if (found?.kind === 'status') statuses.push(parseGatewayStatus(payload.toString())?.online ?? false);
      if (found?.kind !== 'lane') return;
      const { epoch, lane, firstSequence: first, count } = readBatchHeader(payload);
      const ranges = [{ epoch, lane, first, last: first + count - 1 }];
      const topic = topics.downAck(found.gatewayId);
      const answer = {
        cmd: 'publish',
        topic,
        payload: encodeAcknowledgement(ranges),
        qos: 1,
        retain: false,
        dup: false,
      } as const;
      broker.publish(answer, () => {});
    });
    const { exit, summary } = await run({ hub: `mqtt://127.0.0.1:${port}`, flapEveryMs: 500 });
    expect(summary).toMatchObject({ gateways: 5, everConnected: 5, total: { pending: 0 }, ok: true, badMessages: 0 });
    expect(exit).toBe(0);
    expect(summary.disconnects).toBeGreaterThan(0);
    expect(statuses).toContain(true);
    expect(statuses).toContain(false);
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    await new Promise((resolve) => server.close(resolve));
  });

  it('exits 1 when the hub acknowledges nothing, and when there is no hub', async () => {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const hub = `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    const silent = await run({ hub, forMs: 500, drainMs: 200 });
    expect([silent.exit, silent.summary.ok]).toEqual([1, false]);
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    await new Promise((resolve) => server.close(resolve));
    const nobody = await run({ hub, forMs: 200, drainMs: 100 });
    expect(nobody).toMatchObject({ exit: 1, summary: { error: { code: 'sim-hub-unreachable' } } });
  });

  it.each<[string, Partial<SimGatewaysArgs>]>([
    ['a hub that is no URL', { hub: 'localhost' }],
    ['too many gateways', { hub: 'mqtt://h:1', count: 1001 }],
    ['a mix of nothing', { hub: 'mqtt://h:1', mix: 'alert=0' }],
    ['a share above 1', { hub: 'mqtt://h:1', flapShare: 2 }],
    ['a prefix that no topic takes', { hub: 'mqtt://h:1', prefix: 'a/b' }],
  ])('refuses %s', async (_what, changes) => {
    expect(await run(changes)).toMatchObject({ exit: 1, summary: { error: { code: 'sim-gateways-invalid' } } });
  });

  it('reads mixes', () => {
    expect(parseMix('tracking=3, alert=0.5')).toEqual({ alert: 0.5, tracking: 3, telemetry: 0 });
    expect(() => parseMix('parcels=1')).toThrow('alert=NUMBER');
  });
});
