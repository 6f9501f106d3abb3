/**
 * Whose readings count for a package: of a stay on a vehicle all sensors of the vehicle; of one at a read point those of the read point and
 * those of the facility that belong to no read point. A sensor at another dock says nothing. Pure.
 */
import type { Place } from '../../protocols/uplink/model.ts';
import type { Stay } from '../tracking/state.ts';

/** Of a reading: undefined where it says no place. */
export function placeOf({ vehicleId, facilityId, readPoint }: Place): string | undefined {
  if (vehicleId !== undefined) return JSON.stringify(['vehicle', vehicleId]);
  if (facilityId === undefined) return undefined;
  return JSON.stringify(readPoint === undefined ? ['facility', facilityId] : ['facility', facilityId, readPoint]);
}

export function placesOf(place: Stay['place']): string[] {
  const { vehicleId, facilityId, readPoint } = place;
  const own = placeOf(place);
  const whole = vehicleId === undefined && facilityId !== undefined ? placeOf({ facilityId }) : undefined;
  if (own === undefined) return [];
  return whole === undefined || readPoint === undefined ? [own] : [own, whole];
}
