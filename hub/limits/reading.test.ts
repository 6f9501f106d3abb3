import { expect, it } from 'vitest';
import { encodeBatch } from '../../protocols/uplink/batch.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import type { StoredRecord } from '../log/event-log.ts';
import { LOOKBACK_MS, Lookback } from './lookback.ts';
import { placeOf } from './places.ts';
import { readingsOf } from './reading.ts';
import { temperature } from './sample-readings.test-support.ts';

const WALL_MS = Date.UTC(2026, 5, 1);
const VAN = { vehicleId: 'VAN-7' };

/** Recorded by a boot that did not know the time yet, and learned it a minute after its start. */
function batch(payloads: readonly (Payload | Buffer)[], lane: 'telemetry' | 'tracking' = 'telemetry'): StoredRecord {
  const encoded = payloads.map((payload) => (Buffer.isBuffer(payload) ? payload : encodePayload(payload)));
  const records = Buffer.alloc(encoded.reduce((sum, payload) => sum + recordBytes(payload.length), 0));
  let at = 0;
  for (const [index, payload] of encoded.entries()) {
    const time = {
      bootId: 1,
      monotonicUs: index * 1e6,
      wallMs: index * 1000,
      state: 'unsynced',
      uncertaintyMs: 0,
    } as const;
    at = writeRecord(records, at, { sequence: 10 + index, time, payload });
  }
  const value = encodeBatch({
    epoch: '00000000000000aa',
    lane,
    firstSequence: 10,
    count: encoded.length,
    clock: { bootId: 1, monotonicUs: 60e6, wallMs: WALL_MS, state: 'gps', uncertaintyMs: 4 },
    records,
    deflate: true,
  });
  return { topic: 'uplink', partition: 0, offset: 0, key: 'gw', value, headers: { lane }, timestampMs: WALL_MS };
}

it('reads temperatures and impacts of a batch, at their true time, and passes over the rest', () => {
  const shock: Payload = {
    kind: 'shock',
    deviceId: 'impacts',
    place: VAN,
    peakG: 5,
    peakXG: 1,
    peakYG: 1,
    peakZG: 4.8,
    durationMs: 11,
    velocityChangeMetersPerSecond: 0.4,
    sampleRateHz: 1600,
    clipped: false,
  };
  const payloads: (Payload | Buffer)[] = [
    { kind: 'temperature', deviceId: 't1', place: VAN, temperatureCelsius: 4.5 },
    { kind: 'humidity', deviceId: 't1', place: VAN, relativeHumidityPercent: 40 },
    Buffer.from([0xff, 0xff]),
    { kind: 'temperature', deviceId: 't2', place: {}, temperatureCelsius: 4.5 },
    shock,
  ];
  const common = { place: placeOf(VAN), gatewayId: 'gw', epoch: '00000000000000aa' };
  const clock = { state: 'gps', uncertaintyMs: 4, corrected: true };
  expect(readingsOf(batch(payloads))).toEqual([
    {
      ...common,
      sequence: 10,
      deviceId: 't1',
      quantity: 'temperatureCelsius',
      value: 4.5,
      atUs: (WALL_MS - 60_000) * 1000,
      clock,
    },
    {
      ...common,
      sequence: 14,
      deviceId: 'impacts',
      quantity: 'peakG',
      value: 5,
      atUs: (WALL_MS - 56_000) * 1000,
      clock,
    },
  ]);
  expect(readingsOf(batch(payloads, 'tracking'))).toEqual([]);
  expect(readingsOf({ ...batch([]), value: Buffer.from('no batch') })).toEqual([]);
  expect(readingsOf({ ...batch([]), value: null })).toEqual([]);
});

it('looks back five minutes, and no further than its bound', () => {
  const lookback = new Lookback(3_000);
  const places = new Set([placeOf(VAN) ?? '']);
  lookback.add(
    Array.from({ length: 2_500 }, (_, index) => temperature(index, index)),
    0,
  );
  lookback.add([temperature(1, 1, { place: 'elsewhere' })], 1_000);
  expect(lookback.of(places)).toHaveLength(2_500);
  lookback.add(
    Array.from({ length: 600 }, (_, index) => temperature(index, index)),
    2_000,
  );
  expect(lookback.count).toBeLessThanOrEqual(3_000);
  expect(lookback.of(places).length).toBeGreaterThan(2_000);
  lookback.add([temperature(9, 9)], 20_000 + LOOKBACK_MS);
  expect(lookback.count).toBe(1);
});
