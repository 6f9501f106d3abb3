/**
 * What the events of one device have in common, as bytes of their JSON. Between them stand the few things that differ from one event to the
 * next: its id, its package, when it was, its sequence and what was read. Most events of a batch are written by copying these.
 */
import { EVENT_ID_BYTES, type EventIds } from '../../protocols/uplink/identity.ts';
import type { Place, TrackingPayload } from '../../protocols/uplink/model.ts';
import { writeIso, writePlain } from './ascii.ts';
import { dataJson, placeJson, quote } from './event-json.ts';
import { type Source, statedUncertaintyMs } from './to-messages.ts';

/** Two times, the id, a sequence and what dataJson adds to a scan. */
const VARYING_BYTES = 2 * 24 + EVENT_ID_BYTES + 16 + 128;

const HEAD = Buffer.from('{"version":1,"eventId":"');
const PACKAGE = Buffer.from('","packageId":"');
const RECORDED = Buffer.from('","recordedAt":"');

/** The bytes between what differs, in their order. */
interface Parts {
  kind: Buffer;
  origin: Buffer;
  device: Buffer;
  scanned: Buffer;
  afterScanned: Buffer;
  end: Buffer;
  bytes: number;
}

export class EventForm {
  readonly #payload: TrackingPayload;
  readonly #source: Source;
  readonly #ids: EventIds;
  #parts: Parts | undefined;

  /** @param example An event of the device. */
  constructor(example: { payload: TrackingPayload; source: Source; ids: EventIds }) {
    this.#payload = example.payload;
    this.#source = example.source;
    this.#ids = example.ids;
  }

  /** Whether this event is of the same form. */
  fits(payload: TrackingPayload, { time, corrected, clientEventId }: Source, ids: EventIds): boolean {
    const form = this.#payload;
    const source = this.#source;
    return (
      ids === this.#ids &&
      payload.deviceId === form.deviceId &&
      payload.eventType === form.eventType &&
      payload.scanType === form.scanType &&
      payload.businessStep === form.businessStep &&
      payload.aim === form.aim &&
      payload.employeeId === form.employeeId &&
      payload.otherIds.length === 0 &&
      clientEventId === undefined &&
      time.state === source.time.state &&
      time.uncertaintyMs === source.time.uncertaintyMs &&
      corrected === source.corrected &&
      isSamePlace(payload.place, form.place)
    );
  }

  /** Bytes that `write` may need. */
  room({ packageId, scanned }: TrackingPayload): number {
    this.#parts ??= this.#build();
    return this.#parts.bytes + VARYING_BYTES + packageId.length + scanned.length;
  }

  /** Writes an event that fits, into room for it; gives the offset behind, or -1 where a text needs more than copying. */
  write(payload: TrackingPayload, source: Source, target: Buffer, start: number): number {
    this.#parts ??= this.#build();
    const parts = this.#parts;
    let at = this.#ids.write(source.identity.sequence, target, copy(HEAD, target, start));
    at = copy(PACKAGE, target, at);
    at = writePlain(payload.packageId, target, at);
    if (at < 0) return at;
    at = writeIso(source.time.wallMs, target, copy(parts.kind, target, at));
    if (at < 0) return at;
    at = writeIso(source.receivedMs, target, copy(RECORDED, target, at));
    if (at < 0) return at;
    at = writePlain(String(source.identity.sequence), target, copy(parts.origin, target, at));
    at = copy(parts.device, target, at);
    if (hasMore(payload)) return writeMore({ payload, end: parts.end }, target, at);
    at = writePlain(payload.scanned, target, copy(parts.scanned, target, at));
    return at < 0 ? at : copy(parts.afterScanned, target, at);
  }

  #build(): Parts {
    const { eventType, scanType, businessStep, deviceId, place, aim, employeeId } = this.#payload;
    const { identity, time, corrected } = this.#source;
    const { gatewayId, epoch, lane } = identity;
    const end =
      (place.vehicleId === undefined ? '' : `,"vehicleId":${quote(place.vehicleId)}`) +
      (employeeId === undefined ? '' : `,"employeeId":${quote(employeeId)}`);
    const parts = {
      kind: Buffer.from(
        `","otherIds":[],"eventType":"${eventType}","scanType":"${scanType}","businessStep":${quote(businessStep)},"occurredAt":"`,
      ),
      origin: Buffer.from(
        `","clock":{"state":"${time.state}","uncertaintyMs":${statedUncertaintyMs(time.uncertaintyMs)},"corrected":${corrected}},` +
          `"location":${placeJson(place)},"source":{"gatewayId":${quote(gatewayId)},"epoch":"${epoch}","lane":"${lane}","sequence":`,
      ),
      device: Buffer.from(`,"deviceId":${quote(deviceId)}},"data":`),
      scanned: Buffer.from('{"scanned":"'),
      afterScanned: Buffer.from(`"${aim === undefined ? '' : `,"aim":${quote(aim)}`}}${end}}`),
      end: Buffer.from(`${end}}`),
    };
    const all = [HEAD, PACKAGE, RECORDED, ...Object.values(parts)];
    return { ...parts, bytes: all.reduce((sum, { length }) => sum + length, 0) };
  }
}

const BEYOND_ASCII = /[^ -~]/;

function writeMore({ payload, end }: { payload: TrackingPayload; end: Buffer }, target: Buffer, at: number): number {
  const json = dataJson(payload);
  if (json.length > VARYING_BYTES || BEYOND_ASCII.test(json)) return -1;
  return copy(end, target, at + target.write(json, at, 'latin1'));
}

function copy(bytes: Buffer, target: Buffer, at: number): number {
  target.set(bytes, at);
  return at + bytes.length;
}

/** What a tag says beside its content. */
function hasMore({ antenna, rssiDbm, reads, presentMs }: TrackingPayload): boolean {
  return antenna !== undefined || rssiDbm !== undefined || reads !== undefined || presentMs !== undefined;
}

function isSamePlace(a: Place, b: Place): boolean {
  return (
    a.readPoint === b.readPoint &&
    a.facilityId === b.facilityId &&
    a.vehicleId === b.vehicleId &&
    a.latitude === b.latitude &&
    a.longitude === b.longitude
  );
}
