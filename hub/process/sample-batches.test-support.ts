/** Batches of one gateway as they stand in the log, and what it says of itself. */
import { encodeBatch } from '../../protocols/uplink/batch.ts';
import type { GatewayStatus, LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { recordBytes, writeRecord } from '../../protocols/uplink/record.ts';
import type { StoredRecord } from '../log/event-log.ts';

export const EPOCH = '00000000000000aa';
export const WALL_MS = Date.UTC(2026, 5, 1);

export function scan(packageId: string): Payload {
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

export const temperature = {
  kind: 'temperature',
  deviceId: 't1',
  place: { facilityId: 'DC' },
  temperatureCelsius: 4,
} satisfies Payload;

export function batch(lane: Lane, firstSequence: number, payloads: readonly (Payload | Buffer)[]): StoredRecord {
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

/** It counts so many records of the lane tracking as delivered, and nothing as pending. */
export function statusOf(delivered: number, atMs: number): GatewayStatus {
  const none: LaneLedger = { accepted: 0, delivered: 0, evicted: 0, quarantined: 0, pending: 0 };
  const lanes = { alert: none, tracking: { ...none, accepted: delivered, delivered }, telemetry: none };
  return {
    version: 1,
    gatewayId: 'gw',
    online: true,
    epoch: EPOCH,
    bootId: 1,
    atMs: WALL_MS + atMs,
    outbox: { mode: 'ok', lanes },
  };
}
