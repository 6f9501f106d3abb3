/**
 * Readings that limits of packages may be about, out of records of `uplink`: temperatures and impacts with a place, at their true time. What
 * cannot be decoded is the processor's matter (dead letters), and passed over here.
 */
import { CodecError } from '../../protocols/base/codec-error.ts';
import { readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import type { RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { doorItems, isDoor } from '../door/process.ts';
import type { StoredRecord } from '../log/event-log.ts';
import { TimeCorrection } from '../process/correct-time.ts';
import type { Source } from '../process/to-messages.ts';
import { placeOf } from './places.ts';

export const QUANTITIES = ['temperatureCelsius', 'peakG'] as const;
export type LimitQuantity = (typeof QUANTITIES)[number];

export interface Reading {
  place: string;
  /** With lane `telemetry`, the record's identity. */
  gatewayId: string;
  epoch: string;
  sequence: number;
  deviceId: string;
  quantity: LimitQuantity;
  atUs: number;
  value: number;
  clock: TrackingEvent['clock'];
}

const LANE = 'telemetry';

export function readingsOf(record: StoredRecord): Reading[] {
  if (record.value === null || record.headers?.lane !== LANE) return [];
  try {
    return isDoor(record) ? ofDoor(record, record.value) : ofBatch(record, record.value);
  } catch (error) {
    if (error instanceof CodecError) return [];
    throw error;
  }
}

function ofBatch(record: StoredRecord, value: Buffer): Reading[] {
  const header = readBatchHeader(value);
  const correction = new TimeCorrection(header);
  const readings: Reading[] = [];
  for (const item of readBatchRecords(header)) {
    if (!('record' in item)) continue;
    const payload = payloadOf(item.record.payload);
    const identity = { gatewayId: record.key, epoch: header.epoch, lane: LANE, sequence: item.sequence } as const;
    const reading = payload && readingOf(payload, identity, correction.apply(item.record.time));
    if (reading) readings.push(reading);
  }
  return readings;
}

/** Ids are not remembered here: what comes again has the same identity. */
const NO_BOOK = { see: () => 'new' as const };

function ofDoor(record: StoredRecord, value: Buffer): Reading[] {
  const receivedMs = Number(record.headers?.['received-ms'] ?? record.timestampMs);
  const items = [...doorItems({ key: record.key, value, receivedMs, lane: LANE }, NO_BOOK)];
  return items.flatMap((item) =>
    item.kind === 'payload' ? (readingOf(item.payload, item.source.identity, item.source) ?? []) : [],
  );
}

function payloadOf(bytes: Buffer): Payload | undefined {
  try {
    return decodePayload(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function readingOf(
  payload: Payload,
  { gatewayId, epoch, sequence }: RecordIdentity,
  { time, corrected }: Pick<Source, 'time' | 'corrected'>,
): Reading | undefined {
  if (payload.kind !== 'temperature' && payload.kind !== 'shock') return undefined;
  const place = placeOf(payload.place);
  if (place === undefined) return undefined;
  const uncertaintyMs = Number.isFinite(time.uncertaintyMs) ? time.uncertaintyMs : 2 ** 50;
  return {
    place,
    gatewayId,
    epoch,
    sequence,
    deviceId: payload.deviceId,
    ...(payload.kind === 'temperature'
      ? { quantity: 'temperatureCelsius', value: payload.temperatureCelsius }
      : { quantity: 'peakG', value: payload.peakG }),
    atUs: Math.round(time.wallMs * 1000),
    clock: { state: time.state, uncertaintyMs, corrected },
  };
}
