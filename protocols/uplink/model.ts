/**
 * What travels from a gateway to the hub: the values inside records, before encoding and after decoding.
 *
 * Units stand in the field names. The Protobuf encoding is payload-codec.ts, its published schema uplink.proto.
 * Times are not in these values: a record's header (record.ts) carries when its reading was observed.
 */
import type { Lane } from './identity.ts';

/** Where something was observed: a read point (EPCIS) of a facility or a vehicle. */
export interface Place {
  /** Read point id, for example `dock-4-in`. */
  readPoint?: string;
  /** Exactly one of facility and vehicle is set where the place is known; both where a vehicle left or reached a facility. */
  facilityId?: string;
  vehicleId?: string;
  /** WGS 84, degrees. Both or neither. */
  latitude?: number;
  longitude?: number;
}

export const EVENT_TYPES = [
  'PACKAGE_SCANNED',
  'VEHICLE_DEPARTED',
  'VEHICLE_ARRIVED',
  'DELIVERY_ATTEMPTED',
  'EXCEPTION_OCCURRED',
  'TAG_DEPARTED',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const SCAN_TYPES = [
  'INDUCTION',
  'ARRIVAL',
  'SORT',
  'LOAD',
  'UNLOAD',
  'DEPARTURE',
  'OUT_FOR_DELIVERY',
  'DELIVERY',
  'RETURN',
  'INVENTORY',
] as const;
export type ScanType = (typeof SCAN_TYPES)[number];

/** One observation of a package, as a gateway states it (lane `tracking`). */
export interface TrackingPayload {
  kind: 'tracking';
  deviceId: string;
  /** Canonical id of the package, the first of the candidates that the read point's configuration allows. */
  packageId: string;
  /** The other identities that the same label allows, best first; at most 8. */
  otherIds: string[];
  eventType: EventType;
  scanType: ScanType;
  /** CBV business step of the read point, for example `receiving`. */
  businessStep: string;
  place: Place;
  employeeId?: string;
  /** What the device read, as it was: the text of a bar code, or the EPC in hexadecimal. */
  scanned: string;
  /** AIM symbology identifier with the `]`, where the reader sent one. */
  aim?: string;
  /** RFID only: antenna number, strongest RSSI in dBm, number of reads so far. */
  antenna?: number;
  rssiDbm?: number;
  reads?: number;
  /** RFID departures only: time from the first read to the last one, which is when the event occurred. */
  presentMs?: number;
}

/** What a sensor measures: what its driver reads, and what goes to the hub. */
export type Measured =
  | { kind: 'temperature'; temperatureCelsius: number }
  | { kind: 'humidity'; relativeHumidityPercent: number }
  | {
      kind: 'shock';
      peakG: number;
      peakXG: number;
      peakYG: number;
      peakZG: number;
      durationMs: number;
      velocityChangeMetersPerSecond: number;
      sampleRateHz: number;
      clipped: boolean;
    }
  | {
      kind: 'position';
      latitude: number;
      longitude: number;
      altitudeMeters?: number;
      speedMetersPerSecond?: number;
      courseDegrees?: number;
      hdop?: number;
      satellites?: number;
    }
  | { kind: 'contact'; open: boolean }
  | { kind: 'vibration'; rmsG: number; windowMs: number }
  /** What a vehicle says of itself; at least one of the three. */
  | { kind: 'vehicle'; speedMetersPerSecond?: number; engineRpm?: number; odometerMeters?: number };

/** Sensor readings (lane `telemetry`). */
export type TelemetryPayload = Measured & { deviceId: string; place: Place };

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** A rule was broken or is kept again (lane `alert`). One raise and one clear share an `alertId`. */
export interface AlertPayload {
  kind: 'alert';
  /** Names the excursion: the same in its raise and its clear. */
  alertId: string;
  phase: 'raised' | 'cleared' | 'retracted';
  ruleId: string;
  severity: AlertSeverity;
  deviceId: string;
  place: Place;
  /** Name of the value watched, with its unit, for example `temperatureCelsius`. */
  quantity: string;
  value: number;
  limit: number;
  message: string;
  /** The readings around it, oldest first; at most 20. */
  context?: ContextValue[];
}

/** A reading near an alert. */
export interface ContextValue {
  /** From the time of the alert's phase; negative before it. */
  offsetMs: number;
  value: number;
}

/** What a gateway states about its own records (lane `alert`): gaps the hub must not wait for. */
export interface RangePayload {
  kind: 'range';
  /** `unused`: skipped, so that no sequence is given out twice; no record is lost. */
  fate: 'evicted' | 'quarantined' | 'unused';
  lane: Lane;
  first: number;
  last: number;
  reason: string;
}

/** A gateway's boot learned the true time: the hub corrects what that boot recorded before (design, section 6). */
export interface ClockPayload {
  kind: 'clock';
  bootId: number;
  /** At this monotonic time of that boot … */
  monotonicUs: number;
  /** … the true time was this. */
  wallMs: number;
  state: 'ntp' | 'gps' | 'hub';
  uncertaintyMs: number;
}

/** A device was found, lost, or has something to say about itself (lane `alert`). */
export interface DevicePayload {
  kind: 'device';
  deviceId: string;
  state: 'online' | 'offline' | 'fault';
  /** Error code of the fault, kebab-case; empty when online. */
  code: string;
  message: string;
}

export type Payload = TrackingPayload | TelemetryPayload | AlertPayload | RangePayload | ClockPayload | DevicePayload;

/** The lane that a payload belongs to. */
export function laneOf(payload: Payload): Lane {
  switch (payload.kind) {
    case 'tracking':
      return 'tracking';
    case 'alert':
    case 'range':
    case 'clock':
    case 'device':
      return 'alert';
    default:
      return 'telemetry';
  }
}
