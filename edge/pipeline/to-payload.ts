/**
 * Normalise: what a driver read becomes what the gateway states, with the place it was read at. Pure.
 */
import type { AlertPayload, Payload, Place, TelemetryPayload, TrackingPayload } from '../../protocols/uplink/model.ts';
import type { Reading } from '../driver.ts';
import type { ThresholdOutcome } from '../rules/threshold.ts';
import { type ReadPoint, scanTypeOf } from './read-point.ts';
import type { PresenceChange } from './tag-presence.ts';

/** Where a gateway is: a facility with fixed coordinates, or a vehicle with the last known ones. */
export interface Site {
  facilityId?: string;
  vehicleId?: string;
  latitude?: number;
  longitude?: number;
}

/** Ids of what a label or a tag names, best first; never empty. */
export type Identify = (label: { aim?: string; text: string }, preference?: readonly string[]) => string[];

/** Package ids of an EPC in hexadecimal, best first; empty for what is no EPC. */
export type IdentifyTag = (epcHex: string, preference?: readonly string[]) => string[];

/** Puts a payload on disk, and says whether it is there or had to be given up. Resolves after that. */
export type Store = (payload: Payload, observedUs: number, settle: (isStored: boolean) => void) => Promise<void>;

const MAX_OTHER_IDS = 8;

export function placeOf(site: Site, readPoint?: ReadPoint): Place {
  return readPoint ? { readPoint: readPoint.id, ...site } : { ...site };
}

export function scanToPayload(options: {
  reading: Extract<Reading, { kind: 'scan' }>;
  deviceId: string;
  readPoint: ReadPoint;
  site: Site;
  identify: Identify;
}): TrackingPayload {
  const { reading, deviceId, readPoint, site, identify } = options;
  const label = reading.aim === undefined ? { text: reading.text } : { text: reading.text, aim: reading.aim };
  const [packageId = `code:${reading.text}`, ...otherIds] = identify(label, readPoint.identities);
  return {
    ...tracking({ deviceId, readPoint, site }),
    packageId,
    otherIds: otherIds.slice(0, MAX_OTHER_IDS),
    scanned: reading.text,
    ...(reading.aim !== undefined && { aim: reading.aim }),
  };
}

export function tagToPayload(options: {
  change: PresenceChange;
  readPoint: ReadPoint;
  site: Site;
  /** Ids of what the EPC names, best first. */
  packageIds: readonly string[];
}): TrackingPayload {
  const { change, readPoint, site } = options;
  const [packageId = `epc:${change.epcHex}`, ...otherIds] = options.packageIds;
  const payload: TrackingPayload = {
    ...tracking({ deviceId: change.deviceId, readPoint, site }),
    packageId,
    otherIds: otherIds.slice(0, MAX_OTHER_IDS),
    scanned: change.epcHex,
    antenna: change.antenna,
    reads: change.reads,
    ...(change.rssiDbm === undefined ? {} : { rssiDbm: change.rssiDbm }),
  };
  if (change.kind === 'arrived') return payload;
  return {
    ...payload,
    eventType: 'TAG_DEPARTED',
    presentMs: Math.max(0, Math.round((change.lastUs - change.firstUs) / 1000)),
  };
}

function tracking(at: { deviceId: string; readPoint: ReadPoint; site: Site }) {
  return {
    kind: 'tracking',
    deviceId: at.deviceId,
    eventType: 'PACKAGE_SCANNED',
    scanType: scanTypeOf(at.readPoint),
    businessStep: at.readPoint.businessStep,
    place: placeOf(at.site, at.readPoint),
  } as const;
}

type SensorReading = Exclude<Reading, { kind: 'scan' | 'tag' | 'status' }>;

export function sensorToPayload(reading: SensorReading, deviceId: string, place: Place): TelemetryPayload {
  const { monotonicUs: _observed, channel: _channel, ...value } = reading;
  if (value.kind === 'position') {
    const { utcMs: _deviceTime, ...position } = value;
    return { deviceId, place, ...position };
  }
  return { deviceId, place, ...value };
}

/** The numbers of a reading that rules may watch and dead bands may thin, by quantity. */
export function quantitiesOf(reading: SensorReading): [quantity: string, value: number][] {
  const quantities: [string, number][] = [];
  for (const [name, value] of Object.entries(reading)) {
    if (typeof value === 'number' && name !== 'monotonicUs' && name !== 'utcMs') quantities.push([name, value]);
  }
  if (reading.kind === 'contact') quantities.push(['open', reading.open ? 1 : 0]);
  return quantities;
}

export function outcomeToPayload(outcome: ThresholdOutcome, place: Place): AlertPayload {
  const { threshold, phase, alertId, value, limit, message } = outcome;
  return {
    kind: 'alert',
    alertId,
    phase,
    ruleId: threshold.id,
    severity: threshold.severity,
    deviceId: threshold.deviceId,
    place,
    quantity: threshold.quantity,
    value,
    limit,
    message,
  };
}
