/**
 * Normalise: what a driver read becomes what the gateway states, with the place it was read at. Pure.
 */
import type { Payload, Place, TelemetryPayload, TrackingPayload } from '../../protocols/uplink/model.ts';
import type { Reading } from '../driver.ts';
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

/** Places by site and read point: the same over and over, while the gateway stands still. */
const PLACES = new WeakMap<Site, WeakMap<ReadPoint, Place>>();

/** Not to be changed: it is shared. */
export function placeOf(site: Site, readPoint?: ReadPoint): Place {
  if (!readPoint) return { ...site };
  const places = PLACES.get(site) ?? new WeakMap<ReadPoint, Place>();
  const known = places.get(readPoint);
  if (known) return known;
  const place = { readPoint: readPoint.id, ...site };
  PLACES.set(site, places.set(readPoint, place));
  return place;
}

export function scanToPayload(options: {
  reading: Extract<Reading, { kind: 'scan' }>;
  deviceId: string;
  readPoint: ReadPoint;
  site: Site;
  identify: Identify;
}): TrackingPayload {
  const { reading, deviceId, readPoint, site, identify } = options;
  const { text, aim } = reading;
  const otherIds = identify(aim === undefined ? { text } : { text, aim }, readPoint.identities);
  const packageId = otherIds.shift() ?? `code:${text}`;
  // One literal, and no spreading: every scan comes by here.
  const payload: TrackingPayload = {
    kind: 'tracking',
    deviceId,
    packageId,
    otherIds: otherIds.length > MAX_OTHER_IDS ? otherIds.slice(0, MAX_OTHER_IDS) : otherIds,
    eventType: 'PACKAGE_SCANNED',
    scanType: scanTypeOf(readPoint),
    businessStep: readPoint.businessStep,
    place: placeOf(site, readPoint),
    scanned: text,
  };
  if (aim !== undefined) payload.aim = aim;
  return payload;
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

/** The numbers of a reading that dead bands may thin, by quantity. */
export function quantitiesOf(reading: SensorReading): [quantity: string, value: number][] {
  const quantities: [string, number][] = [];
  for (const [name, value] of Object.entries(reading)) {
    if (typeof value === 'number' && name !== 'monotonicUs' && name !== 'utcMs') quantities.push([name, value]);
  }
  if (reading.kind === 'contact') quantities.push(['open', reading.open ? 1 : 0]);
  return quantities;
}
