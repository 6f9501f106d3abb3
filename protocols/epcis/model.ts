/** What an EPCIS 2.0 document is taken apart into. */
import type { DoorEvent } from '../door/door-event.ts';

/** One event of a document: what it says of packages and sensors, or why it says nothing here. */
export interface EpcisItem {
  /** Place in the event list, from 0. */
  index: number;
  /** As the document has it, or made of the event's content. */
  eventId: string;
  events: DoorEvent[];
  /** `epcis-invalid`: not an EPCIS event. `epcis-unsupported`: one that says nothing of a package's journey; kept for a later version. */
  fault?: { code: 'epcis-invalid' | 'epcis-unsupported'; reason: string };
  /** The event as it stands in the document. */
  source: object;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
