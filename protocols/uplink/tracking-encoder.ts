/**
 * Tracking message → Protobuf, field by field and in the order of its table: what nearly every record is, written without a table, which is several
 * times as fast. payload-codec.test.ts holds it against the table.
 */
import type { ProtoWriter } from '../base/protobuf.ts';
import { EVENT_TYPES, type Place, SCAN_TYPES, type TrackingPayload } from './model.ts';

const E7 = 1e7;

export function encodeTracking(payload: TrackingPayload, writer: ProtoWriter): void {
  text(writer, 10, payload.deviceId);
  text(writer, 18, payload.packageId);
  for (const id of payload.otherIds) text(writer, 26, id);
  count(writer, 32, EVENT_TYPES.indexOf(payload.eventType) + 1);
  count(writer, 40, SCAN_TYPES.indexOf(payload.scanType) + 1);
  text(writer, 50, payload.businessStep);
  writer.varint(58);
  const place = writer.open();
  encodePlace(payload.place, writer);
  writer.close(place);
  text(writer, 66, payload.employeeId);
  text(writer, 74, payload.scanned);
  text(writer, 82, payload.aim);
  count(writer, 88, payload.antenna);
  const { rssiDbm } = payload;
  count(writer, 96, rssiDbm === undefined ? undefined : rssiDbm >= 0 ? rssiDbm * 2 : -rssiDbm * 2 - 1);
  count(writer, 104, payload.reads);
  count(writer, 112, payload.presentMs);
}

function encodePlace({ readPoint, facilityId, vehicleId, latitude, longitude }: Place, writer: ProtoWriter): void {
  text(writer, 10, readPoint);
  text(writer, 18, facilityId);
  text(writer, 26, vehicleId);
  if (latitude === undefined || longitude === undefined) return;
  writer.varint(37);
  writer.sfixed32(Math.round(latitude * E7));
  writer.varint(45);
  writer.sfixed32(Math.round(longitude * E7));
}

function text(writer: ProtoWriter, tag: number, value: string | undefined): void {
  if (value === undefined) return;
  writer.varint(tag);
  writer.string(value);
}

function count(writer: ProtoWriter, tag: number, value: number | undefined): void {
  if (value === undefined) return;
  writer.varint(tag);
  writer.varint(value);
}
