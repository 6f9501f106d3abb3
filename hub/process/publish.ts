/**
 * Tracking events and alerts as records of `package-events` and `alerts`: the contract with readers that have no Milepost code (docs/kafka.md).
 * Headers say what a record is without decoding it: its identity, and the name and version of its schema.
 */
import { encodeAlertMessage, encodeTrackingEvent } from '../../protocols/uplink/message-codec.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { type LogRecord, TOPICS } from '../log/event-log.ts';
import { trackingEventJson } from './event-json.ts';
import type { Source } from './to-messages.ts';

export const MESSAGE_FORMATS = ['json', 'protobuf'] as const;
export type MessageFormat = (typeof MESSAGE_FORMATS)[number];

export const CONTENT_TYPES: Readonly<Record<MessageFormat, string>> = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
};

export const EVENT_SCHEMA = 'tracking-event/1';

export function eventRecord(event: TrackingEvent, format: MessageFormat): LogRecord {
  const { gatewayId, epoch, lane, sequence } = event.source;
  return {
    topic: TOPICS.packageEvents,
    key: event.packageId,
    value: format === 'json' ? Buffer.from(trackingEventJson(event)) : encodeTrackingEvent(event),
    headers: {
      'event-id': event.eventId,
      gateway: gatewayId,
      epoch,
      lane,
      sequence: String(sequence),
      schema: EVENT_SCHEMA,
      'content-type': CONTENT_TYPES[format],
    },
  };
}

/** @param source The record that it came in; the hub's own alerts have none. */
export function alertRecord(alert: AlertMessage, format: MessageFormat, source?: Source): LogRecord {
  const { epoch, lane, sequence } = source?.identity ?? {};
  return {
    topic: TOPICS.alerts,
    key: alert.gatewayId,
    value: format === 'json' ? Buffer.from(JSON.stringify(alert)) : encodeAlertMessage(alert),
    headers: {
      'event-id': alert.eventId,
      gateway: alert.gatewayId,
      ...(epoch !== undefined && lane !== undefined && { epoch, lane, sequence: String(sequence) }),
      schema: 'alert/1',
      'content-type': CONTENT_TYPES[format],
    },
  };
}
