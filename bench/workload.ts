/** The events that the throughput benchmarks carry: scans of SSCC labels at a dock door, and temperatures of a cold room. */
import { encodeBatch } from '../protocols/uplink/batch.ts';
import type { Lane } from '../protocols/uplink/identity.ts';
import type { TelemetryPayload, TrackingPayload } from '../protocols/uplink/model.ts';
import { encodePayload } from '../protocols/uplink/payload-codec.ts';
import { type RecordTime, recordBytes, writeRecord } from '../protocols/uplink/record.ts';

export const EPOCH = '5d1c9a7e30b2f486';
export const START_MS = Date.UTC(2026, 10, 23, 8);
const READERS = 8;

/** 18 digits, as they stand on a label, with their check digit. */
export function ssccOf(index: number): string {
  const digits = `34012345${String((index * 7919) % 1e9).padStart(9, '0')}`;
  let sum = 0;
  for (let at = 0; at < digits.length; at++) sum += (digits.charCodeAt(at) - 48) * (at % 2 === 0 ? 3 : 1);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

export function scanOf(index: number): TrackingPayload {
  const sscc = ssccOf(index);
  const door = 1 + (index % READERS);
  return {
    kind: 'tracking',
    deviceId: `dock-${door}-scanner`,
    packageId: `sscc:${sscc}`,
    otherIds: [],
    eventType: 'PACKAGE_SCANNED',
    scanType: 'ARRIVAL',
    businessStep: 'receiving',
    place: { readPoint: `dock-${door}-in`, facilityId: 'DC-CHICAGO-1', latitude: 41.8781136, longitude: -87.6297982 },
    scanned: `00${sscc}`,
    aim: ']C1',
  };
}

export function temperatureOf(index: number): TelemetryPayload {
  return {
    kind: 'temperature',
    deviceId: `cold-room-${1 + (index % READERS)}`,
    place: { readPoint: 'cold-store', facilityId: 'DC-CHICAGO-1' },
    temperatureCelsius: 2 + (index % 40) / 10,
  };
}

export function timeOf(index: number): RecordTime {
  const monotonicUs = 1_000_000_000 + index * 1700;
  return { bootId: 0x5eed, monotonicUs, wallMs: START_MS + Math.floor(index * 1.7), state: 'ntp', uncertaintyMs: 8 };
}

/** Records `first` to `first + count - 1` of a lane, concatenated as the Outbox has them. */
export function recordsOf(lane: Lane, first: number, count: number): Buffer {
  const payloads = Array.from({ length: count }, (_, at) =>
    encodePayload(lane === 'telemetry' ? temperatureOf(first + at) : scanOf(first + at)),
  );
  const records = Buffer.alloc(payloads.reduce((sum, payload) => sum + recordBytes(payload.length), 0));
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    at = writeRecord(records, at, { sequence: first + index, time: timeOf(first + index), payload });
  }
  return records;
}

export function batchOf(lane: Lane, first: number, count: number, deflate = true): Buffer {
  const { bootId, monotonicUs, wallMs, state, uncertaintyMs } = timeOf(first + count);
  const clock = { bootId, monotonicUs, wallMs, state, uncertaintyMs };
  const records = recordsOf(lane, first, count);
  return encodeBatch({ epoch: EPOCH, lane, firstSequence: first, count, clock, records, deflate });
}
