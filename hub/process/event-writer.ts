/**
 * Tracking payloads as records of `package-events` in JSON, written straight into a buffer that many of them share: byte for byte what
 * `eventRecord(toTrackingEvent(payload, source), 'json')` gives (event-writer.test.ts), for a fifth of the time and of the garbage.
 * What the events of a device say over and over is copied (event-form.ts); what has no such form, or is the first of it, goes the long way.
 *
 * Bound: `MAX_FORMS` forms are kept, and all begin anew beyond that.
 */
import { EventIds, type RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { TrackingPayload } from '../../protocols/uplink/model.ts';
import { type LogRecord, TOPICS } from '../log/event-log.ts';
import { EventForm } from './event-form.ts';
import { trackingEventJson } from './event-json.ts';
import { schemaHeader } from './publish.ts';
import { type Source, toTrackingEvent } from './to-messages.ts';

const CHUNK_BYTES = 1024 * 1024;
const MAX_FORMS = 4_096;
const SCHEMA = schemaHeader('tracking-event', 'json');

export class EventWriter {
  #chunk = Buffer.alloc(0);
  #at = 0;
  /** By device. */
  readonly #forms = new Map<string, EventForm>();
  #origin: Omit<RecordIdentity, 'sequence'> = { gatewayId: '', epoch: '', lane: 'alert' };
  #ids = new EventIds(this.#origin);

  record(payload: TrackingPayload, source: Source): LogRecord {
    const ids = this.#idsOf(source.identity);
    return {
      topic: TOPICS.packageEvents,
      key: payload.packageId,
      value: this.#inForm(payload, source, ids) ?? this.#write(trackingEventJson(toTrackingEvent(payload, source))),
      headers: { identity: ids.prefix + source.identity.sequence, schema: SCHEMA },
    };
  }

  #idsOf({ gatewayId, epoch, lane }: RecordIdentity): EventIds {
    const known = this.#origin;
    if (known.gatewayId !== gatewayId || known.epoch !== epoch || known.lane !== lane) {
      this.#origin = { gatewayId, epoch, lane };
      this.#ids = new EventIds(this.#origin);
    }
    return this.#ids;
  }

  #inForm(payload: TrackingPayload, source: Source, ids: EventIds): Buffer | undefined {
    const form = this.#forms.get(payload.deviceId);
    if (!form?.fits(payload, source, ids)) {
      // Its bytes are made when a second event fits: where each one differs they would be made for nothing.
      if (this.#forms.size >= MAX_FORMS) this.#forms.clear();
      this.#forms.set(payload.deviceId, new EventForm({ payload, source, ids }));
      return undefined;
    }
    this.#reserve(form.room(payload));
    const start = this.#at;
    const end = form.write(payload, source, this.#chunk, start);
    if (end < 0) return undefined;
    this.#at = end;
    return this.#chunk.subarray(start, end);
  }

  #write(text: string): Buffer {
    // No character takes more than three bytes for each of its units.
    this.#reserve(3 * text.length);
    const start = this.#at;
    this.#at += this.#chunk.write(text, start);
    return this.#chunk.subarray(start, this.#at);
  }

  /** Chunks are never written over: one goes when nobody has a view into it any more. */
  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return;
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.#at = 0;
  }
}
