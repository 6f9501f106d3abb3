/** Alerts for tests: times in minutes after 2026-01-05 08:00 UTC, ids drawn from them, the same each time. */
import { uuidV5 } from '../../protocols/uplink/identity.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';

export const START_MS = Date.UTC(2026, 0, 5, 8);
export const minute = (minutes: number): string => new Date(START_MS + minutes * 60_000).toISOString();

const NAMESPACE = Buffer.alloc(16, 7);

/** A phase of an alert of van VAN-7's cooler. */
export function coolerAlert(
  alertId: string,
  phase: AlertMessage['phase'],
  minutes: number,
  rest: Partial<AlertMessage> = {},
): AlertMessage {
  return {
    version: 1,
    alertId,
    eventId: uuidV5(NAMESPACE, `${alertId}/${phase}/${minutes}`),
    phase,
    ruleId: 'cold-chain',
    severity: 'warning',
    gatewayId: 'gw-van-7',
    deviceId: 'cooler-1',
    location: { vehicleId: 'VAN-7' },
    quantity: 'temperatureCelsius',
    value: 9.4,
    limit: 8,
    message: '9.4 °C is above 8 °C',
    occurredAt: minute(minutes),
    ...rest,
  };
}
