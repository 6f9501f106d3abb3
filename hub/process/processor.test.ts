import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { encodeBatch } from '../../protocols/uplink/batch.ts';
import { eventIdOf, type Lane } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import type { EventLog, LogRecord, StoredRecord, TransformOptions } from '../log/event-log.ts';
import type { Point, TimeSeries } from '../timeseries/time-series.ts';
import { Processor } from './processor.ts';

const EPOCH = '00000000000000aa';
const WALL_MS = Date.UTC(2026, 5, 1);

function scan(packageId: string): Payload {
  return {
    kind: 'tracking',
    deviceId: 's1',
    packageId,
    otherIds: [],
    eventType: 'PACKAGE_SCANNED',
    scanType: 'LOAD',
    businessStep: 'loading',
    place: { readPoint: 'door', vehicleId: 'v1' },
    scanned: packageId,
  };
}

const temperature: Payload = {
  kind: 'temperature',
  deviceId: 't1',
  place: { facilityId: 'DC' },
  temperatureCelsius: 4,
};

function batch(lane: Lane, firstSequence: number, payloads: readonly (Payload | Buffer)[]): StoredRecord {
  const encoded = payloads.map((payload) => (Buffer.isBuffer(payload) ? payload : encodePayload(payload)));
  const records = Buffer.alloc(encoded.reduce((sum, payload) => sum + recordBytes(payload.length), 0));
  let at = 0;
  for (const [index, payload] of encoded.entries()) {
    const time = { bootId: 1, monotonicUs: 5, wallMs: WALL_MS + index, state: 'ntp', uncertaintyMs: 4 } as const;
    at = writeRecord(records, at, { sequence: firstSequence + index, time, payload });
  }
  const clock = { bootId: 1, monotonicUs: 9, wallMs: WALL_MS, state: 'ntp', uncertaintyMs: 4 } as const;
  const value = encodeBatch({
    epoch: EPOCH,
    lane,
    firstSequence,
    count: encoded.length,
    clock,
    records,
    deflate: true,
  });
  return {
    topic: 'uplink',
    partition: 2,
    offset: 0,
    key: 'gw',
    value,
    headers: { lane, 'received-ms': String(WALL_MS) },
    timestampMs: 0,
  };
}

/** A transform as the port promises it: outputs and state count only when committed; after an abort the state is given anew. */
async function setup(lanes: readonly Lane[], rest: Partial<ConstructorParameters<typeof Processor>[0]> = {}) {
  const clock = new ManualClock();
  const outputs: LogRecord[] = [];
  const state = new Map<string, Buffer>();
  const points: Point[] = [];
  const away = { timeSeries: false };
  let options: TransformOptions | undefined;
  const eventLog = {
    transform: async (given: TransformOptions) => {
      options = given;
      given.onAssigned(2, new Map());
      return { stop: async () => {}, lag: () => 0, fault: () => undefined };
    },
  } as Partial<EventLog> as EventLog;
  const timeSeries = {
    write: async (given: readonly Point[]) => {
      if (away.timeSeries) throw new Error('away');
      points.push(...given);
      return given.flatMap((point, index) =>
        point.fields.temperatureCelsius === -999
          ? [{ index, reason: 'refused' }]
          : point.fields.temperatureCelsius === 999
            ? [{ index, reason: 'too many', code: 'series-limit' as const }]
            : [],
      );
    },
  } as Partial<TimeSeries> as TimeSeries;
  const processor = new Processor({ group: 'g', lanes, eventLog, timeSeries, clock, log: silentLog, ...rest });
  await processor.start();
  const commit = (produced: readonly LogRecord[]) => {
    for (const record of produced) {
      if (record.topic === 'gateway-sequences' && record.value) state.set(record.key, record.value);
      else outputs.push(record);
    }
  };
  const feed = async (records: readonly StoredRecord[], fate: 'commit' | 'abort' = 'commit') => {
    const result = await options?.onRecords(records);
    if (fate === 'abort' || !result) return options?.onAssigned(2, new Map(state));
    commit(result.outputs);
    result.committed?.();
  };
  const tick = () => {
    const result = options?.onTick?.();
    if (!result) return [];
    commit(result.outputs);
    result.committed?.();
    return result.outputs.filter(({ topic }) => topic === 'alerts').map(({ value }) => JSON.parse(String(value)));
  };
  const of = (topic: string) => outputs.filter((record) => record.topic === topic);
  return { processor, clock, feed, tick, of, points, away, restart: () => options?.onAssigned(2, new Map(state)) };
}

describe('Processor', () => {
  it('publishes each record once, keyed by package, whatever comes twice and in whatever order', async () => {
    const { processor, feed, of, restart } = await setup(['alert', 'tracking']);
    await feed([batch('tracking', 3, [scan('p3'), scan('p4')])]);
    await feed([batch('tracking', 1, [scan('p1'), scan('p2'), scan('p3')])]);
    restart();
    await feed([batch('tracking', 1, [scan('p1'), scan('p2'), scan('p3'), scan('p4'), scan('p5')])]);
    expect(of('package-events').map(({ key }) => key)).toEqual(['p3', 'p4', 'p1', 'p2', 'p5']);
    const event = JSON.parse(String(of('package-events')[0]?.value));
    const identity = { gatewayId: 'gw', epoch: EPOCH, lane: 'tracking', sequence: 3 } as const;
    expect(event).toMatchObject({
      eventId: eventIdOf(identity),
      packageId: 'p3',
      occurredAt: '2026-06-01T00:00:00.000Z',
      vehicleId: 'v1',
      source: { ...identity, deviceId: 's1' },
    });
    expect(processor.counters).toMatchObject({ packageEvents: 5, duplicates: 5, deadLetters: 0 });
    expect(processor.ledger().tracking).toEqual({ highest: 5, seen: 5, lost: 0, missing: 0 });
  });

  it('what an aborted transaction took comes again and counts', async () => {
    const { feed, of } = await setup(['alert', 'tracking']);
    await feed([batch('tracking', 1, [scan('p1')])], 'abort');
    await feed([batch('tracking', 1, [scan('p1')])]);
    expect(of('package-events')).toHaveLength(1);
  });

  it('sends what it cannot decode to dead-letters with identity, reason and bytes, and goes on', async () => {
    const { feed, of } = await setup(['alert', 'tracking']);
    await feed([batch('tracking', 1, [scan('p1'), Buffer.from('0a05', 'hex'), scan('p3')])]);
    expect(of('package-events').map(({ key }) => key)).toEqual(['p1', 'p3']);
    expect(of('dead-letters')).toMatchObject([
      {
        key: 'gw',
        value: Buffer.from('0a05', 'hex'),
        headers: { code: 'protobuf-truncated', epoch: EPOCH, lane: 'tracking', sequence: '2' },
      },
    ]);
  });

  it('reports a gap within two seconds, not before, and closes it by late arrival or by statement', async () => {
    const { clock, feed, tick } = await setup(['alert', 'tracking']);
    await feed([batch('tracking', 1, [scan('p1')]), batch('tracking', 4, [scan('p4')])]);
    expect(tick()).toEqual([]);
    await clock.advance(1_400);
    expect(tick()).toEqual([]);
    await clock.advance(250);
    const [raised] = tick();
    expect(raised).toMatchObject({ phase: 'raised', ruleId: 'sequence-gap', gatewayId: 'gw', value: 2 });
    await feed([batch('tracking', 2, [scan('p2')])]);
    await feed([
      batch('alert', 1, [{ kind: 'range', fate: 'evicted', lane: 'tracking', first: 3, last: 3, reason: 'full' }]),
    ]);
    expect(tick()).toMatchObject([{ phase: 'cleared', alertId: raised.alertId }]);
    await clock.advance(10_000);
    expect(tick()).toEqual([]);
  });

  it('whoever takes over reports no gap a second time, and reports its end', async () => {
    const { clock, feed, tick, restart } = await setup(['alert', 'tracking']);
    await feed([batch('tracking', 3, [scan('p3')])]);
    tick();
    await clock.advance(2_000);
    const [raised] = tick();
    expect(raised).toMatchObject({ phase: 'raised', value: 2 });
    restart();
    tick();
    await clock.advance(5_000);
    expect(tick()).toEqual([]);
    await feed([batch('tracking', 1, [scan('p1'), scan('p2')])]);
    expect(tick()).toMatchObject([{ phase: 'cleared', alertId: raised.alertId }]);
    restart();
    expect(tick()).toEqual([]);
  });

  it('raises no alarm for batches that are only reordered', async () => {
    const { clock, feed, tick } = await setup(['alert', 'tracking']);
    await feed([batch('tracking', 2, [scan('p2')])]);
    tick();
    await clock.advance(1_000);
    await feed([batch('tracking', 1, [scan('p1')])]);
    tick();
    await clock.advance(5_000);
    expect(tick()).toEqual([]);
  });

  it('telemetry becomes points with unique times; what the series refuses goes to dead-letters; an absent series stops only telemetry', async () => {
    const series = await setup(['telemetry']);
    const refused: Payload = { ...temperature, temperatureCelsius: -999 } as Payload;
    series.away.timeSeries = true;
    await expect(series.feed([batch('telemetry', 1, [temperature])])).rejects.toThrow('away');
    series.restart();
    series.away.timeSeries = false;
    await series.feed([batch('telemetry', 1, [temperature, refused]), batch('tracking', 1, [scan('p1')])]);
    expect(series.points[0]).toEqual({
      measurement: 'temperature',
      tags: { gateway: 'gw', device: 't1', facility: 'DC' },
      fields: { temperatureCelsius: 4 },
      atMs: WALL_MS,
      subMsNs: 1,
    });
    expect(series.of('dead-letters')).toMatchObject([{ headers: { code: 'point-rejected', sequence: '2' } }]);
    expect(series.of('package-events')).toEqual([]);
    await series.feed([
      batch('alert', 1, [{ kind: 'range', fate: 'evicted', lane: 'telemetry', first: 3, last: 9, reason: 'full' }]),
    ]);
    expect(series.processor.ledger().telemetry).toEqual({ highest: 9, seen: 2, lost: 7, missing: 0 });
  });

  it('raises one alert for a gateway that makes too many series, also when its saying was lost, and clears it', async () => {
    const { clock, feed, tick, of } = await setup(['telemetry']);
    const exploding: Payload = { ...temperature, temperatureCelsius: 999 };
    await feed([batch('telemetry', 1, [exploding, temperature])], 'abort');
    await feed([batch('telemetry', 1, [exploding, temperature, exploding])]);
    await feed([batch('telemetry', 4, [exploding])]);
    expect(of('dead-letters').map(({ headers }) => headers?.code)).toEqual(Array(3).fill('series-limit'));
    const alerts = of('alerts').map(({ value }) => JSON.parse(String(value)));
    expect(alerts).toMatchObject([{ phase: 'raised', ruleId: 'series-limit', gatewayId: 'gw', message: 'too many' }]);
    expect(tick()).toEqual([]);
    await clock.advance(3_600_000);
    expect(tick()).toMatchObject([{ phase: 'cleared', alertId: alerts[0].alertId }]);
    expect(tick()).toEqual([]);
  });

  it('tells how old the oldest record of a batch is at each stage, events only once they are committed', async () => {
    const reached: [string, number, number | undefined][] = [];
    const onReached = (...each: [string, number, number?]) => reached.push([each[0], each[1], each[2]]);
    const { feed } = await setup(['alert', 'tracking'], { onReached });
    const logged = { ...batch('tracking', 1, [scan('p1'), scan('p2')]), timestampMs: WALL_MS + 70 };
    await feed([logged], 'abort');
    expect(reached).toEqual([['log', WALL_MS, WALL_MS + 70]]);
    await feed([logged]);
    expect(reached.slice(1)).toEqual([
      ['log', WALL_MS, WALL_MS + 70],
      ['events', WALL_MS, undefined],
    ]);
    await feed([logged]);
    expect(reached).toHaveLength(3);
  });
});
