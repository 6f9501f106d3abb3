/**
 * Reads a Tracking message without its table (payload-codec.ts, uplink.proto), and nothing else: nearly every record of a network is one, and
 * going through a table takes several times as long. payload-codec.test.ts holds it against the table.
 */
import { decodeEnum, type ProtoReader } from '../base/protobuf.ts';
import { EVENT_TYPES, type EventType, type Place, SCAN_TYPES, type ScanType, type TrackingPayload } from './model.ts';

/** Without what is required of it: the caller looks. */
export type TrackingMessage = Omit<TrackingPayload, 'eventType' | 'scanType'> & {
  eventType: EventType | undefined;
  scanType: ScanType | undefined;
};

/** @throws CodecError `protobuf-*` */
export function decodeTracking(reader: ProtoReader): TrackingMessage {
  const message: TrackingMessage = {
    kind: 'tracking',
    deviceId: '',
    packageId: '',
    otherIds: [],
    eventType: undefined,
    scanType: undefined,
    businessStep: '',
    place: {},
    scanned: '',
  };
  while (reader.at < reader.end) {
    const tag = reader.varint();
    switch (tag) {
      case 10:
        message.deviceId = reader.knownString();
        break;
      case 18:
        message.packageId = reader.string();
        break;
      case 26:
        message.otherIds.push(reader.string());
        break;
      case 32:
        message.eventType = decodeEnum('eventType', EVENT_TYPES, reader);
        break;
      case 40:
        message.scanType = decodeEnum('scanType', SCAN_TYPES, reader);
        break;
      case 50:
        message.businessStep = reader.knownString();
        break;
      case 58:
        message.place = decodePlace(reader.message());
        break;
      case 66:
        message.employeeId = reader.knownString();
        break;
      case 74:
        message.scanned = reader.string();
        break;
      case 82:
        message.aim = reader.knownString();
        break;
      case 88:
        message.antenna = reader.varint();
        break;
      case 96:
        message.rssiDbm = reader.zigzag();
        break;
      case 104:
        message.reads = reader.varint();
        break;
      case 112:
        message.presentMs = reader.varint();
        break;
      default:
        reader.skip(tag % 8);
    }
  }
  return message;
}

export function decodePlace(reader: ProtoReader): Place {
  const place: Place = {};
  let latitudeE7: number | undefined;
  let longitudeE7: number | undefined;
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag === 10) place.readPoint = reader.knownString();
    else if (tag === 18) place.facilityId = reader.knownString();
    else if (tag === 26) place.vehicleId = reader.knownString();
    else if (tag === 37) latitudeE7 = reader.sfixed32();
    else if (tag === 45) longitudeE7 = reader.sfixed32();
    else reader.skip(tag % 8);
  }
  if (latitudeE7 !== undefined && longitudeE7 !== undefined) {
    place.latitude = latitudeE7 / 1e7;
    place.longitude = longitudeE7 / 1e7;
  }
  return place;
}
