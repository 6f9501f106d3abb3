/**
 * Tracking payloads as records of `package-events` in JSON, written straight into a buffer that many of them share: byte for byte what
 * `eventRecord(toTrackingEvent(payload, source), 'json')` gives (event-writer.test.ts), for a third of the time and a fifth of the garbage.
 * What a batch says over and over (its gateway, places, clocks) is put into words once.
 *
 * Bound: caches hold `MAX_KNOWN` entries each and begin anew beyond that.
 */
import { eventIdOf } from '../../protocols/uplink/identity.ts';
import type { Place, TrackingPayload } from '../../protocols/uplink/model.ts';
import { type LogRecord, TOPICS } from '../log/event-log.ts';
import { dataJson, placeJson, quote } from './event-json.ts';
import { identityHeader, schemaHeader } from './publish.ts';
import { isoOf, type Source, statedUncertaintyMs } from './to-messages.ts';

const CHUNK_BYTES = 1024 * 1024;
const MAX_KNOWN = 4_096;
const SCHEMA = schemaHeader('tracking-event', 'json');

/** A value that comes again and again, and what it is in JSON. */
class Known<Value> {
  readonly #texts = new Map<string, Text & { value: Value }>();
  readonly #same: (a: Value, b: Value) => boolean;
  readonly #json: (value: Value) => string;

  constructor(options: { same: (a: Value, b: Value) => boolean; json: (value: Value) => string }) {
    this.#same = options.same;
    this.#json = options.json;
  }

  /** `name` finds it quickly; two values of one name take turns. */
  of(name: string, value: Value): Text {
    const known = this.#texts.get(name);
    if (known !== undefined && this.#same(known.value, value)) return known;
    const json = this.#json(value);
    const text = { value, json, isAscii: !BEYOND_ASCII.test(json) };
    if (this.#texts.size >= MAX_KNOWN) this.#texts.clear();
    this.#texts.set(name, text);
    return text;
  }
}

interface Text {
  json: string;
  isAscii: boolean;
}

const BEYOND_ASCII = /[^ -~]/;

export class EventWriter {
  #chunk = Buffer.alloc(0);
  #at = 0;
  /** Of the event in hand: bytes and characters are the same, which takes half the time to write. */
  #isAscii = true;
  readonly #places = new Known<Place>({ same: isSamePlace, json: placeJson });
  readonly #names = new Known<string>({ same: (a, b) => a === b, json: quote });
  #origin = { gatewayId: '', epoch: '', lane: '', json: '', isAscii: true };
  #received = { ms: Number.NaN, iso: '' };
  #clock = { state: '', uncertaintyMs: Number.NaN, corrected: false, json: '' };

  record(payload: TrackingPayload, source: Source): LogRecord {
    const { packageId } = payload;
    const eventId = eventIdOf(source.identity);
    return {
      topic: TOPICS.packageEvents,
      key: packageId,
      value: this.#write(this.#json(payload, source, eventId)),
      headers: { identity: identityHeader(source.identity), schema: SCHEMA },
    };
  }

  #json(payload: TrackingPayload, source: Source, eventId: string): string {
    const { otherIds, place, employeeId } = payload;
    const { clientEventId } = source;
    this.#isAscii = true;
    let json =
      `{"version":1,"eventId":"${eventId}","packageId":${this.#fresh(quote(payload.packageId))},` +
      `"otherIds":${otherIds.length === 0 ? '[]' : this.#fresh(JSON.stringify(otherIds))},"eventType":"${payload.eventType}",` +
      `"scanType":"${payload.scanType}","businessStep":${this.#name(payload.businessStep)},` +
      `"occurredAt":"${isoOf(source.time.wallMs)}","recordedAt":"${this.#recordedAt(source.receivedMs)}",` +
      `"clock":${this.#clockJson(source)},"location":${this.#said(this.#places.of(place.readPoint ?? '', place))},` +
      `"source":${this.#originJson(source)}${source.identity.sequence},"deviceId":${this.#name(payload.deviceId)}`;
    if (clientEventId !== undefined) json += `,"clientEventId":${this.#fresh(quote(clientEventId))}`;
    json += `},"data":${this.#fresh(dataJson(payload))}`;
    if (place.vehicleId !== undefined) json += `,"vehicleId":${this.#name(place.vehicleId)}`;
    if (employeeId !== undefined) json += `,"employeeId":${this.#name(employeeId)}`;
    return `${json}}`;
  }

  #name(text: string): string {
    return this.#said(this.#names.of(text, text));
  }

  #said({ json, isAscii }: Text): string {
    if (!isAscii) this.#isAscii = false;
    return json;
  }

  /** Of what differs from event to event. */
  #fresh(json: string): string {
    if (BEYOND_ASCII.test(json)) this.#isAscii = false;
    return json;
  }

  #recordedAt(ms: number): string {
    if (this.#received.ms !== ms) this.#received = { ms, iso: isoOf(ms) };
    return this.#received.iso;
  }

  #clockJson({ time: { state, uncertaintyMs }, corrected }: Source): string {
    const known = this.#clock;
    if (known.state === state && known.uncertaintyMs === uncertaintyMs && known.corrected === corrected)
      return known.json;
    const json = `{"state":"${state}","uncertaintyMs":${statedUncertaintyMs(uncertaintyMs)},"corrected":${corrected}}`;
    this.#clock = { state, uncertaintyMs, corrected, json };
    return json;
  }

  /** Up to the sequence. */
  #originJson({ identity: { gatewayId, epoch, lane } }: Source): string {
    const known = this.#origin;
    if (known.gatewayId === gatewayId && known.epoch === epoch && known.lane === lane) return this.#said(known);
    const json = `{"gatewayId":${quote(gatewayId)},"epoch":"${epoch}","lane":"${lane}","sequence":`;
    this.#origin = { gatewayId, epoch, lane, json, isAscii: !BEYOND_ASCII.test(json) };
    return this.#said(this.#origin);
  }

  /** A view into a chunk, which is never written over: it goes when nobody has a view into it any more. */
  #write(text: string): Buffer {
    // No character takes more than three bytes for each of its units.
    const room = this.#isAscii ? text.length : 3 * text.length;
    if (this.#at + room > this.#chunk.length) {
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, room));
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += this.#chunk.write(text, start, this.#isAscii ? 'latin1' : 'utf8');
    return this.#chunk.subarray(start, this.#at);
  }
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
