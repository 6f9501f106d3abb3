import type { TelemetryPayload } from '../../uplink/model.ts';
import { QUANTITIES } from '../quantities.ts';

/** Kinds of telemetry that may carry a quantity: a receiver tells its speed, as a vehicle does. */
export function payloadsWith(quantity: string): readonly TelemetryPayload['kind'][] {
  if (quantity === 'speedMetersPerSecond') return ['vehicle', 'position'];
  const kind = QUANTITIES[quantity]?.kind;
  return kind === undefined ? [] : [kind];
}
