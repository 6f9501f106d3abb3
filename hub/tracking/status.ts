/** The stages that a package goes through, and what one event makes of the stage before it. Pure. */
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';

export const PACKAGE_STATUSES = [
  'INDUCTED',
  'IN_FACILITY',
  'LOADED',
  'IN_TRANSIT',
  'OUT_FOR_DELIVERY',
  'DELIVERY_ATTEMPTED',
  'DELIVERED',
  'RETURNED',
  'EXCEPTION',
] as const;
export type PackageStatus = (typeof PACKAGE_STATUSES)[number];

/** The status that an event leads to, when nothing forbids it. `before` is undefined for the first event. */
export function statusAfter(before: PackageStatus | undefined, event: TrackingEvent): PackageStatus {
  switch (event.eventType) {
    case 'EXCEPTION_OCCURRED':
      return 'EXCEPTION';
    case 'DELIVERY_ATTEMPTED':
      return 'DELIVERY_ATTEMPTED';
    case 'VEHICLE_DEPARTED':
      return isOnDeliveryTour(before) || event.scanType === 'OUT_FOR_DELIVERY' ? 'OUT_FOR_DELIVERY' : 'IN_TRANSIT';
    case 'VEHICLE_ARRIVED':
      return before !== undefined && isOnDeliveryTour(before) ? before : 'LOADED';
    case 'TAG_DEPARTED':
      // A tag that left an antenna's field says that it moved, not where to.
      return before ?? restingStatus(event);
    case 'PACKAGE_SCANNED':
      return statusOfScan(before, event);
  }
}

function statusOfScan(before: PackageStatus | undefined, event: TrackingEvent): PackageStatus {
  switch (event.scanType) {
    case 'INDUCTION':
      return 'INDUCTED';
    case 'ARRIVAL':
    case 'SORT':
    case 'UNLOAD':
      return 'IN_FACILITY';
    case 'LOAD':
      return 'LOADED';
    case 'DEPARTURE':
      return 'IN_TRANSIT';
    case 'OUT_FOR_DELIVERY':
      return 'OUT_FOR_DELIVERY';
    case 'DELIVERY':
      return 'DELIVERED';
    case 'RETURN':
      return 'RETURNED';
    case 'INVENTORY':
      // Seen where it lies: on a vehicle this says nothing about whether the vehicle moves.
      return before !== undefined && isOnVehicle(before) && event.location.facilityId === undefined
        ? before
        : restingStatus(event);
  }
}

function restingStatus(event: TrackingEvent): PackageStatus {
  return event.location.facilityId === undefined && event.location.vehicleId !== undefined ? 'LOADED' : 'IN_FACILITY';
}

function isOnDeliveryTour(status: PackageStatus | undefined): boolean {
  return status === 'OUT_FOR_DELIVERY' || status === 'DELIVERY_ATTEMPTED';
}

function isOnVehicle(status: PackageStatus): boolean {
  return status === 'LOADED' || status === 'IN_TRANSIT' || isOnDeliveryTour(status);
}
