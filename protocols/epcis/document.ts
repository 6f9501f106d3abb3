/**
 * EPCIS 2.0 documents in JSON-LD (ISO/IEC 19987:2024, chapter 10) as events of the open door.
 *
 * An ObjectEvent or TransactionEvent gives one tracking event for each EPC, an AggregationEvent one for the parent and one for each child;
 * sensor reports of temperature and relative humidity give telemetry. What an event says of quantities without serial numbers names no
 * package and is left out. AssociationEvent, TransformationEvent and events that declare an earlier one erroneous are `epcis-unsupported`.
 *
 * The identity of each is SHA-256 over the EPCIS event's id (or, without one, its content) and the EPC: a document that comes again counts once.
 */
import { CodecError } from '../base/codec-error.ts';
import { contentDigest, type DoorEvent } from '../door/door-event.ts';
import { BUSINESS_STEPS, isBusinessStep } from '../uplink/business-steps.ts';
import { type EpcisItem, isObject, type JsonObject, textOf } from './model.ts';
import { cbvWord, derivedId, packageIdsOfUri, placeOf, timeOf } from './names.ts';
import { sensorEvents } from './sensors.ts';

const MAX_EPCIS_EVENTS = 10_000;
const MAX_EPCS = 10_000;
/** CBV dispositions after which somebody must look. */
const EXCEPTIONS = new Set(['damaged', 'destroyed', 'stolen', 'disposed', 'recalled']);

/** @throws CodecError `epcis-document` for what is no EPCIS 2 document. */
export function readEpcisDocument(value: unknown): EpcisItem[] {
  if (!isObject(value)) throw fault('an EPCIS document is a JSON object');
  const type = value.type ?? value.isA;
  if (type !== 'EPCISDocument') throw fault(`type is ${told(type)}: 'EPCISDocument' was expected`);
  // Drafts of the standard had a number there.
  const { schemaVersion } = value;
  if (!/^2(\.\d+)*$/.test(String(schemaVersion)))
    throw fault(`schemaVersion is ${told(schemaVersion)}: '2.0' was expected`);
  const body = value.epcisBody;
  const list = isObject(body) ? (body.eventList ?? (body.event === undefined ? undefined : [body.event])) : undefined;
  if (!Array.isArray(list)) throw fault('epcisBody.eventList is missing');
  if (list.length > MAX_EPCIS_EVENTS) throw fault(`${list.length} events in one document: at most ${MAX_EPCIS_EVENTS}`);
  return list.map((event: unknown, index) => readEpcisEvent(event, index));
}

/** One event of a document, also when it is tried again by itself. */
export function readEpcisEvent(event: unknown, index: number): EpcisItem {
  const source = isObject(event) ? event : { value: event };
  const eventId = textOf(source.eventID) ?? `sha256:${contentDigest(source).toString('hex')}`;
  const item = { index, eventId, events: [], source };
  const invalid = (reason: string): EpcisItem => ({ ...item, fault: { code: 'epcis-invalid', reason } });
  const unsupported = (reason: string): EpcisItem => ({ ...item, fault: { code: 'epcis-unsupported', reason } });
  if (!isObject(event)) return invalid('an event is a JSON object');
  const type = textOf(event.type) ?? textOf(event.isA);
  if (type === 'AssociationEvent' || type === 'TransformationEvent')
    return unsupported(`${type} says nothing of a package's journey; it is kept`);
  if (type !== 'ObjectEvent' && type !== 'AggregationEvent' && type !== 'TransactionEvent')
    return invalid(`type is ${told(type)}: no event of EPCIS 2.0`);
  if (event.errorDeclaration !== undefined)
    return unsupported('an error declaration does not take events back; it is kept');
  const at = timeOf(event.eventTime);
  if (at === undefined)
    return invalid(`eventTime is ${told(event.eventTime)}: a date-time with an offset was expected`);
  if (!['ADD', 'OBSERVE', 'DELETE'].includes(String(event.action)))
    return invalid(`action is ${told(event.action)}: ADD, OBSERVE or DELETE was expected`);
  const epcs = epcsOf(event, type);
  if (epcs === undefined) return invalid('epcList, childEPCs and parentID hold URIs');
  if (epcs.length > MAX_EPCS) return invalid(`${epcs.length} EPCs in one event: at most ${MAX_EPCS}`);
  const events = [
    ...tracking(event, { eventId, at, epcs }),
    ...sensorEvents(event, { eventId, at, place: placeOf(event) }),
  ];
  if (events.length === 0)
    return unsupported('it names no package with a serial number and has no sensor report that is known; it is kept');
  return { ...item, events };
}

function tracking(event: JsonObject, of: { eventId: string; at: string; epcs: readonly string[] }): DoorEvent[] {
  const word = cbvWord('BizStep', event.bizStep);
  const location = placeOf(event);
  const isException = EXCEPTIONS.has(cbvWord('Disp', event.disposition) ?? '');
  return of.epcs.map((epc) => ({
    kind: 'tracking',
    eventId: derivedId(of.eventId, epc),
    occurredAt: of.at,
    location,
    packageId: packageIdsOfUri(epc)[0] as string,
    scanned: epc,
    scanType: word !== undefined && isBusinessStep(word) ? BUSINESS_STEPS[word] : 'INVENTORY',
    ...(word !== undefined && { businessStep: word }),
    ...(isException && { eventType: 'EXCEPTION_OCCURRED' as const }),
  }));
}

/** Undefined when a list holds something else than URIs. */
function epcsOf(event: JsonObject, type: string): string[] | undefined {
  const list = type === 'AggregationEvent' ? event.childEPCs : event.epcList;
  const parent = type === 'ObjectEvent' ? undefined : event.parentID;
  if (list !== undefined && !Array.isArray(list)) return undefined;
  const all: unknown[] = [...(parent === undefined ? [] : [parent]), ...(list ?? [])];
  return all.every((each): each is string => typeof each === 'string' && /^[a-z][a-z0-9+.-]*:\S{1,2000}$/i.test(each))
    ? [...new Set(all)]
    : undefined;
}

function told(value: unknown): string {
  if (value === undefined) return 'missing';
  return typeof value === 'object' ? 'no text' : JSON.stringify(value).slice(0, 100);
}

function fault(message: string): CodecError {
  return new CodecError({ code: 'epcis-document', message });
}
