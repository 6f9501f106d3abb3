/**
 * Pairs of events that cannot both be true: one package at two places, too far apart for the time between. Pure.
 *
 * They are kept and shown, never dropped. The rule that resolves them is the order of the fold: the later event counts.
 */
import type { Place } from '../../protocols/uplink/model.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';

export interface Conflict {
  kind: 'too-far-apart' | 'seen-after-delivery';
  /** The earlier and the later event. */
  eventIds: [string, string];
  /** When the later one occurred. */
  at: string;
  detail: string;
}

/** Faster than air freight between two ramps. */
const MAX_SPEED_KMH = 1000;
/** Positions nearer than this are the same yard, with the errors of two receivers. */
const MIN_DISTANCE_KM = 2;
/** Without positions: nothing gets from one facility into another in less. */
const MIN_TRANSFER_MS = 60_000;

type Sighting = Pick<TrackingEvent, 'eventId' | 'occurredAt' | 'clock' | 'location'>;

/** The conflict between two successive events of a package, if there is one. */
export function conflictBetween(earlier: Sighting, later: Sighting): Conflict | undefined {
  // A box that never learned the time says nothing about speed.
  if (isUnsynced(earlier) || isUnsynced(later)) return undefined;
  const apartMs = Date.parse(later.occurredAt) - Date.parse(earlier.occurredAt);
  const slackMs = earlier.clock.uncertaintyMs + later.clock.uncertaintyMs;
  const detail = tooFar(earlier.location, later.location, apartMs + slackMs);
  if (detail === undefined) return undefined;
  return { kind: 'too-far-apart', eventIds: [earlier.eventId, later.eventId], at: later.occurredAt, detail };
}

function isUnsynced({ clock }: Sighting): boolean {
  return clock.state === 'unsynced' && !clock.corrected;
}

function tooFar(from: Place, to: Place, withinMs: number): string | undefined {
  const km = distanceKm(from, to);
  const seconds = Math.round(withinMs / 1000);
  if (km !== undefined) {
    const possible = km <= MIN_DISTANCE_KM || km <= (withinMs / 3_600_000) * MAX_SPEED_KMH;
    return possible ? undefined : `${km.toFixed(1)} km within ${seconds} s (${nameOf(from)} → ${nameOf(to)})`;
  }
  const differ = from.facilityId !== undefined && to.facilityId !== undefined && from.facilityId !== to.facilityId;
  return differ && withinMs < MIN_TRANSFER_MS
    ? `two facilities within ${seconds} s (${nameOf(from)} → ${nameOf(to)})`
    : undefined;
}

function nameOf(place: Place): string {
  return place.facilityId ?? place.vehicleId ?? place.readPoint ?? 'unknown place';
}

/** Great-circle distance (haversine on the mean radius of WGS 84); undefined unless both places have coordinates. */
function distanceKm(from: Place, to: Place): number | undefined {
  if (from.latitude === undefined || from.longitude === undefined) return undefined;
  if (to.latitude === undefined || to.longitude === undefined) return undefined;
  const rad = Math.PI / 180;
  const latitudes = Math.sin(((to.latitude - from.latitude) * rad) / 2) ** 2;
  const longitudes = Math.sin(((to.longitude - from.longitude) * rad) / 2) ** 2;
  const chord = latitudes + Math.cos(from.latitude * rad) * Math.cos(to.latitude * rad) * longitudes;
  return 2 * 6371.0088 * Math.asin(Math.min(1, Math.sqrt(chord)));
}
