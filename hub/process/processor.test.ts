import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { eventIdOf, type Lane } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import type { EventLog, LogRecord, StoredRecord, TransformOptions } from '../log/event-log.ts';
import type { Point, TimeSeries } from '../timeseries/time-series.ts';
import { LedgerAudit } from './ledger-audit.ts';
import { Processor } from './processor.ts';
import { batch, EPOCH, scan, statusOf, temperature, WALL_MS } from './sample-batches.test-support.ts';

/**
 * A transform as the port promises it: outputs and state count only when committed; after an abort the state is given anew.
 *
 * @param state What was committed before, by another process.
 */
async function setup(
  lanes: readonly Lane[],
  rest: Partial<ConstructorParameters<typeof Processor>[0]> = {},
  state = new Map<string, Buffer>(),
) {
  const clock = new ManualClock();
  const outputs: LogRecord[] = [];
  const points: Point[] = [];
  const away = { timeSeries: false };
  let options: TransformOptions | undefined;
  const eventLog = {
    transform: async (given: TransformOptions) => {
      options = given;
      given.onAssigned(2, new Map(state));
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
      if (record.topic !== 'gateway-sequences') outputs.push(record);
      else if (record.value) state.set(record.key, record.value);
      else state.delete(record.key);
    }
  };
  const feed = async (records: readonly StoredRecord[], fate: 'commit' | 'abort' = 'commit') => {
    const result = await options?.onRecords(records);
    if (fate === 'abort' || !result) return options?.onAssigned(2, new Map(state));
    commit(result.outputs);
    result.committed?.();
  };
  const tick = (fate: 'commit' | 'abort' = 'commit') => {
    const result = options?.onTick?.();
    if (!result) return [];
    if (fate === 'abort') {
      options?.onAssigned(2, new Map(state));
      return [];
    }
    commit(result.outputs);
    result.committed?.();
    return result.outputs.filter(({ topic }) => topic === 'alerts').map(({ value }) => JSON.parse(String(value)));
  };
  const of = (topic: string) => outputs.filter((record) => record.topic === topic);
  const restart = () => options?.onAssigned(2, new Map(state));
  return { processor, clock, feed, tick, of, points, away, state, restart };
}

/** A processor and what it hears of its gateway: `delivered` records of the lane tracking, nothing pending. */
async function audited(state?: Map<string, Buffer>) {
  const audit = new LedgerAudit({ graceMs: 60_000 });
  const hub = await setup(['alert', 'tracking'], { audit }, state);
  const hear = (delivered: number) => {
    const nowMs = hub.clock.monotonicUs() / 1000;
    audit.heard(statusOf(delivered, nowMs), nowMs);
  };
  /** A minute and a half, in which the gateway goes on saying so. */
  const pass = async (delivered: number, fate: 'commit' | 'abort' = 'commit') => {
    const alerts: ReturnType<typeof hub.tick> = [];
    for (let n = 0; n < 18; n++) {
      hear(delivered);
      alerts.push(...hub.tick(fate));
      await hub.clock.advance(5_000);
    }
    return alerts;
  };
  return { ...hub, pass };
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

  it('of too many series, whoever takes over raises no second alert, and clears the one there is', async () => {
    const exploding: Payload = { ...temperature, temperatureCelsius: 999 };
    const first = await setup(['telemetry']);
    await first.feed([batch('telemetry', 1, [exploding])]);
    const [raised] = first.of('alerts').map(({ value }) => JSON.parse(String(value)));
    first.restart();
    await first.feed([batch('telemetry', 2, [exploding])]);
    expect(first.of('alerts')).toHaveLength(1);
    const second = await setup(['telemetry'], {}, first.state);
    await second.feed([batch('telemetry', 3, [exploding])]);
    expect(second.of('alerts')).toEqual([]);
    await second.clock.advance(3_600_000);
    expect(second.tick('abort')).toEqual([]);
    await second.clock.advance(3_600_000);
    expect(second.tick()).toMatchObject([{ phase: 'cleared', alertId: raised.alertId }]);
    const third = await setup(['telemetry'], {}, first.state);
    await third.clock.advance(9 * 3_600_000);
    expect(third.tick()).toEqual([]);
  });

  it('of a contradiction, whoever takes over raises no second alert, and clears the one there is', async () => {
    const first = await audited();
    await first.feed([batch('tracking', 1, [scan('p1'), scan('p2')])]);
    expect(await first.pass(3, 'abort')).toEqual([]);
    const [raised, ...more] = await first.pass(3);
    expect(raised).toMatchObject({ phase: 'raised', ruleId: 'conservation', gatewayId: 'gw' });
    expect(more).toEqual([]);
    first.restart();
    expect(await first.pass(3)).toEqual([]);
    const second = await audited(first.state);
    expect(await second.pass(3)).toEqual([]);
    await second.feed([batch('tracking', 3, [scan('p3')])]);
    const { alertId } = raised;
    expect(await second.pass(3)).toMatchObject([{ phase: 'cleared', ruleId: 'conservation', alertId }]);
    const third = await audited(first.state);
    expect(await third.pass(3)).toEqual([]);
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
