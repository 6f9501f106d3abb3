/**
 * Tracking events and alerts as records of `package-events` and `alerts`: the contract with readers that have no Milepost code (docs/kafka.md).
 * Headers say what a record is without decoding it: its identity, and the name, version and encoding of its schema. They are two, since each
 * costs a producer as much as some 200 bytes of value (docs/decisions/0010-two-headers.md).
 */

import { identityText } from '../../protocols/uplink/identity.ts';
import { encodeAlertMessage, encodeTrackingEvent } from '../../protocols/uplink/message-codec.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { type LogRecord, TOPICS } from '../log/event-log.ts';
import { trackingEventJson } from './event-json.ts';
import type { Source } from './to-messages.ts';

export const MESSAGE_FORMATS = ['json', 'protobuf'] as const;
export type MessageFormat = (typeof MESSAGE_FORMATS)[number];

export function schemaHeader(name: 'tracking-event' | 'alert' | 'package-state', format: MessageFormat): string {
  return `${name}/1+${format}`;
}

/** JSON where the header is not there or says nothing of an encoding. */
export function formatOf(schema: string | undefined): MessageFormat {
  return schema?.endsWith('+protobuf') ? 'protobuf' : 'json';
}

export function eventRecord(event: TrackingEvent, format: MessageFormat): LogRecord {
  return {
    topic: TOPICS.packageEvents,
    key: event.packageId,
    value: format === 'json' ? Buffer.from(trackingEventJson(event)) : encodeTrackingEvent(event),
    headers: { identity: identityText(event.source), schema: schemaHeader('tracking-event', format) },
  };
}

/** @param source The record that it came in; the hub's own alerts have none. */
export function alertRecord(alert: AlertMessage, format: MessageFormat, source?: Source): LogRecord {
  return {
    topic: TOPICS.alerts,
    key: alert.gatewayId,
    value: format === 'json' ? Buffer.from(JSON.stringify(alert)) : encodeAlertMessage(alert),
    headers: {
      identity: source ? identityText(source.identity) : alert.eventId,
      schema: schemaHeader('alert', format),
    },
  };
}
