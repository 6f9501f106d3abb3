/**
 * The boundary of the projections: bytes of a log record into a TrackingEvent or an AlertMessage, or the reason why not.
 *
 * Written by hand, since it runs once per event. Unknown keys pass: a newer hub may write more than this one knows.
 */
import type { MessageTable } from '../../protocols/base/protobuf.ts';
import { ALERT_MESSAGE, decodeMessageObject, TRACKING_EVENT } from '../../protocols/uplink/message-codec.ts';
import { ALERT_SEVERITIES, EVENT_TYPES, type Place, SCAN_TYPES } from '../../protocols/uplink/model.ts';
import { type AlertMessage, EXCEPTION_KINDS, type TrackingEvent } from '../../protocols/uplink/tracking-event.ts';

import type { LogRecord } from '../log/event-log.ts';
import { formatOf } from '../process/publish.ts';

export type Parsed<T> = { value: T; fault?: undefined } | { fault: string; value?: undefined };

/** Two of them fit into one index entry of PostgreSQL (2,704 bytes) even in four-byte characters. */
const MAX_ID_LENGTH = 256;
const MAX_OTHER_IDS = 64;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Control characters and lone surrogates: PostgreSQL's text holds no NUL, and an id with any of them names nothing. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
/** What a four-digit year can name: then times compare as text, and PostgreSQL reads them. */
const MIN_TIME_MS = Date.parse('0001-01-01T00:00:00.000Z');
const MAX_TIME_MS = Date.UTC(9999, 11, 31);

/** @param record Its header `schema` says which of the two encodings it has; without one it is JSON. */
export function parseTrackingEvent(bytes: Buffer | null, record?: Pick<LogRecord, 'headers'>): Parsed<TrackingEvent> {
  const parsed = parseObject(bytes, record, TRACKING_EVENT);
  if (parsed.fault !== undefined) return parsed;
  const event = parsed.value;
  const fault =
    mustBe(event.version === 1, 'version is not 1') ??
    mustBe(isUuid(event.eventId), 'eventId is not a UUID') ??
    mustBe(isId(event.packageId), 'packageId is not a printable id') ??
    mustBe(isIdList(event.otherIds), 'otherIds is not a list of printable ids') ??
    mustBe(isOneOf(EVENT_TYPES, event.eventType), 'eventType is not known') ??
    mustBe(isOneOf(SCAN_TYPES, event.scanType), 'scanType is not known') ??
    mustBe(isTime(event.occurredAt), 'occurredAt is not a time') ??
    mustBe(isClock(event.clock), 'clock is not complete') ??
    mustBe(isPlace(event.location), 'location is not a place') ??
    mustBe(event.vehicleId === undefined || isId(event.vehicleId), 'vehicleId is not a printable id') ??
    mustBe(isSource(event.source), 'source is not complete') ??
    mustBe(isFinding(event.data), 'data.exception is not complete');
  if (fault !== undefined) return { fault };
  // Times compare as text only in one spelling.
  return { value: { ...(event as unknown as TrackingEvent), occurredAt: isoTime(event.occurredAt) } };
}

export function parseAlert(bytes: Buffer | null, record?: Pick<LogRecord, 'headers'>): Parsed<AlertMessage> {
  const parsed = parseObject(bytes, record, ALERT_MESSAGE);
  if (parsed.fault !== undefined) return parsed;
  const alert = parsed.value;
  const fault =
    mustBe(alert.version === 1, 'version is not 1') ??
    mustBe(isUuid(alert.eventId), 'eventId is not a UUID') ??
    mustBe(isId(alert.alertId), 'alertId is not a printable id') ??
    mustBe(isOneOf(['raised', 'cleared', 'retracted'], alert.phase), 'phase is not known') ??
    mustBe(isOneOf(ALERT_SEVERITIES, alert.severity), 'severity is not known') ??
    mustBe(isId(alert.ruleId), 'ruleId is not a printable id') ??
    mustBe(isId(alert.gatewayId), 'gatewayId is not a printable id') ??
    mustBe(typeof alert.deviceId === 'string', 'deviceId is no text') ??
    mustBe(isPlace(alert.location), 'location is not a place') ??
    mustBe(typeof alert.quantity === 'string' && typeof alert.message === 'string', 'quantity or message is no text') ??
    mustBe(typeof alert.value === 'number' && typeof alert.limit === 'number', 'value or limit is not a number') ??
    mustBe(isTime(alert.occurredAt), 'occurredAt is not a time');
  if (fault !== undefined) return { fault };
  return { value: { ...(alert as unknown as AlertMessage), occurredAt: isoTime(alert.occurredAt) } };
}

function parseObject(
  bytes: Buffer | null,
  record: Pick<LogRecord, 'headers'> | undefined,
  table: MessageTable,
): Parsed<Record<string, unknown>> {
  if (bytes === null) return { fault: 'no value' };
  const isProtobuf = formatOf(record?.headers?.schema) === 'protobuf';
  try {
    if (isProtobuf) return { value: decodeMessageObject(table, bytes) };
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isObject(value) ? { value } : { fault: 'not a JSON object' };
  } catch (error) {
    return { fault: `not ${isProtobuf ? 'Protobuf' : 'JSON'}: ${(error as Error).message}` };
  }
}

function mustBe(holds: boolean, fault: string): string | undefined {
  return holds ? undefined : fault;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOneOf(allowed: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && allowed.includes(value);
}

function isUuid(value: unknown): boolean {
  return typeof value === 'string' && UUID.test(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH && !UNPRINTABLE.test(value);
}

function isIdList(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_OTHER_IDS && value.every(isId);
}

function isTime(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const ms = Date.parse(value);
  return ms >= MIN_TIME_MS && ms <= MAX_TIME_MS;
}

function isoTime(value: unknown): string {
  return new Date(value as string).toISOString();
}

function isClock(value: unknown): boolean {
  return (
    isObject(value) &&
    isOneOf(['unsynced', 'ntp', 'gps', 'hub'], value.state) &&
    typeof value.uncertaintyMs === 'number' &&
    typeof value.corrected === 'boolean'
  );
}

function isPlace(value: unknown): value is Place {
  if (!isObject(value)) return false;
  const named = [value.readPoint, value.facilityId, value.vehicleId].every((id) => id === undefined || isId(id));
  return named && isCoordinate(value.latitude, 90) && isCoordinate(value.longitude, 180);
}

function isCoordinate(value: unknown, limit: number): boolean {
  return value === undefined || (typeof value === 'number' && Math.abs(value) <= limit);
}

/** Without an exception anything may stand there. */
function isFinding(data: unknown): boolean {
  if (!isObject(data) || data.exception === undefined) return true;
  const { exception } = data;
  return (
    isObject(exception) &&
    isUuid(exception.exceptionId) &&
    isOneOf(EXCEPTION_KINDS, exception.kind) &&
    isOneOf(['began', 'ended', 'retracted'], exception.phase) &&
    isOneOf(ALERT_SEVERITIES, exception.severity) &&
    Number.isSafeInteger(exception.revision) &&
    isTime(exception.beganAt) &&
    (exception.endedAt === undefined || isTime(exception.endedAt))
  );
}

function isSource(value: unknown): boolean {
  return (
    isObject(value) &&
    isId(value.gatewayId) &&
    isId(value.deviceId) &&
    isId(value.epoch) &&
    Number.isSafeInteger(value.sequence)
  );
}
