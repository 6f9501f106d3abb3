/**
 * A package's state: a pure, deterministic fold over the set of its tracking events (design, section 10).
 *
 * Invariants
 * - The fold runs in the order (corrected occurredAt, gateway, epoch, sequence), whatever the order of arrival: the same
 *   set gives the same state, and `version` names the set.
 * - `extend(state, events)` with events that all come after `state.lastEvent` gives what `fold` gives for the whole set:
 *   the state is all that the fold remembers, so only a late event makes a refold from the beginning necessary.
 * - DELIVERED is final: only a RETURN scan reopens it. What is seen after it is kept as a conflict.
 * - Lists inside the state are bounded; what falls out is counted.
 */
import type { Place } from '../../protocols/uplink/model.ts';
import type { PackageException, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { type Conflict, conflictBetween } from './conflict.ts';
import { type ExceptionState, exceptionAfter, inspectionPoint, wantsInspection } from './exceptions.ts';
import { type PackageStatus, statusAfter } from './status.ts';

/** Where a package was for a while, and so whose sensors tell what it went through. */
export interface Stay {
  /** A read point of a facility, or a vehicle as a whole. */
  place: Pick<Place, 'facilityId' | 'vehicleId' | 'readPoint'>;
  from: string;
  /** Absent while it lasts. */
  to?: string;
}

/** What the fold and its readers need of the newest event. */
export interface LastEvent {
  eventId: string;
  eventType: TrackingEvent['eventType'];
  scanType: TrackingEvent['scanType'];
  businessStep: string;
  occurredAt: string;
  clock: TrackingEvent['clock'];
  location: Place;
  vehicleId?: string;
  employeeId?: string;
  source: TrackingEvent['source'];
}

export interface PackageState {
  packageId: string;
  /** Other identities that its labels allow. */
  otherIds: string[];
  status: PackageStatus;
  /** A RETURN scan was seen: the package is on its way back to its sender. */
  returning: boolean;
  firstAt: string;
  lastAt: string;
  lastEvent: LastEvent;
  /** The last position that an event gave. */
  position?: { latitude: number; longitude: number; at: string };
  stays: Stay[];
  conflicts: Conflict[];
  /** The last event that saw it, while the last of all is an exception, which says nothing of where it is. */
  sighting?: Pick<LastEvent, 'eventId' | 'occurredAt' | 'clock' | 'location'>;
  /** What went against its own limits; absent while nothing did. */
  exceptions?: ExceptionState[];
  /** Somebody must look at it: until the next scan at a read point of a facility. */
  inspection?: 'required';
  /** How many of the oldest entries no longer are in the lists above. */
  dropped: { otherIds: number; stays: number; conflicts: number };
  eventCount: number;
  /** Number of events and exclusive or of their ids: names the set that this state was folded from. */
  version: string;
}

export const BOUNDS = { otherIds: 32, stays: 256, conflicts: 64 } as const;
/** More are not kept; the timeline has them. The first ones are those that began it. */
const MAX_EXCEPTIONS = 64;

/** The state of the package whose events these are, in any order. Undefined when there are none. */
export function fold(events: Iterable<TrackingEvent>): PackageState | undefined {
  const unique = new Map<string, TrackingEvent>();
  for (const event of events) unique.set(event.eventId, event);
  return extend(undefined, [...unique.values()].sort(compareEvents));
}

/** Goes on from a state. The events are new, in order, and all come after the state's last event. */
export function extend(state: PackageState | undefined, events: readonly TrackingEvent[]): PackageState | undefined {
  const next = state === undefined ? undefined : copyOf(state);
  return events.reduce((folded, event) => step(folded, event), next);
}

/** The order of the fold. */
export function compareEvents(a: Ordered, b: Ordered): number {
  return (
    compareText(a.occurredAt, b.occurredAt) ||
    compareText(a.source.gatewayId, b.source.gatewayId) ||
    compareText(a.source.epoch, b.source.epoch) ||
    a.source.sequence - b.source.sequence ||
    compareText(a.eventId, b.eventId)
  );
}

type Ordered = Pick<TrackingEvent, 'eventId' | 'occurredAt' | 'source'>;

function step(state: PackageState | undefined, event: TrackingEvent): PackageState {
  const folded = state ?? emptyState(event);
  const { exception } = event.data;
  if (exception) {
    noteException(folded, event, exception);
    return folded;
  }
  const seen = state && (state.sighting ?? state.lastEvent);
  const conflict = seen && conflictBetween(seen, event);
  if (conflict) pushBounded(folded, 'conflicts', conflict);

  const wanted = statusAfter(state?.status, event);
  const isReturn = event.scanType === 'RETURN' && event.eventType === 'PACKAGE_SCANNED';
  if (seen && state.status === 'DELIVERED' && !isReturn) {
    if (wanted !== 'DELIVERED') pushBounded(folded, 'conflicts', seenAfterDelivery(seen, event));
  } else {
    folded.status = wanted;
    if (isReturn) folded.returning = true;
    follow(folded, event);
  }

  for (const id of event.otherIds) {
    if (id !== folded.packageId && !folded.otherIds.includes(id)) pushBounded(folded, 'otherIds', id);
  }
  noteInspection(folded, event);
  // Leaving an antenna's field says where the package no longer is: it may be on the vehicle already.
  const moves = event.eventType !== 'TAG_DEPARTED';
  const { latitude, longitude } = event.location;
  if (moves && latitude !== undefined && longitude !== undefined) {
    folded.position = { latitude, longitude, at: event.occurredAt };
  }
  delete folded.sighting;
  folded.lastAt = event.occurredAt;
  folded.lastEvent = moves || !state ? lastEventOf(event) : { ...lastEventOf(event), ...placeOf(state.lastEvent) };
  folded.eventCount += 1;
  folded.version = versionAfter(folded, event.eventId);
  return folded;
}

/** What the hub found by the package's limits says nothing of where it is and how far it has come. */
function noteException(state: PackageState, event: TrackingEvent, said: PackageException): void {
  const before = state.exceptions ?? [];
  const known = before.find(({ exceptionId }) => exceptionId === said.exceptionId);
  const after = exceptionAfter(known, said, event.recordedAt);
  if (known) state.exceptions = before.map((each) => (each === known ? after : each));
  else if (before.length < MAX_EXCEPTIONS) state.exceptions = [...before, after];
  sayInspection(state);
  state.lastAt = event.occurredAt;
  const { eventId, occurredAt, source } = event;
  if (!state.sighting && state.eventCount > 0) {
    const { clock, location, ...last } = state.lastEvent;
    state.sighting = { eventId: last.eventId, occurredAt: last.occurredAt, clock, location };
  }
  state.lastEvent = { ...state.lastEvent, eventId, occurredAt, source };
  state.eventCount += 1;
  state.version = versionAfter(state, event.eventId);
}

/** A scan at a read point of a facility: whoever holds the package there looks at it. */
function noteInspection(state: PackageState, { eventId, occurredAt: at, ...event }: TrackingEvent): void {
  const readPoint = inspectionPoint({ eventId, occurredAt: at, ...event });
  if (readPoint === undefined || state.inspection === undefined) return;
  state.exceptions = (state.exceptions ?? []).map((each) =>
    each.inspectedAt || each.retracted || each.knownAt > at
      ? each
      : { ...each, inspectedAt: { eventId, at, readPoint } },
  );
  sayInspection(state);
}

function sayInspection(state: PackageState): void {
  if (wantsInspection(state.exceptions ?? [])) state.inspection = 'required';
  else delete state.inspection;
}

/** Ends the stay at the place that the package has left and opens one where it is now. */
function follow(state: PackageState, event: TrackingEvent): void {
  const open = state.stays.at(-1);
  const place = state.status === 'DELIVERED' ? undefined : holderOf(event);
  if (open && open.to === undefined) {
    if (place ? samePlace(open.place, place) : state.status !== 'DELIVERED') return;
    open.to = event.occurredAt;
  }
  if (place) pushBounded(state, 'stays', { place, from: event.occurredAt });
}

/** Who holds the package after this event: a read point of a facility or a vehicle; undefined when the event does not say. */
function holderOf(event: TrackingEvent): Stay['place'] | undefined {
  const { facilityId, readPoint } = event.location;
  const vehicleId = event.vehicleId ?? event.location.vehicleId;
  if (event.eventType === 'TAG_DEPARTED') return undefined;
  const atFacility =
    facilityId === undefined ? undefined : { facilityId, ...(readPoint !== undefined && { readPoint }) };
  const onVehicle = vehicleId === undefined ? undefined : { vehicleId };
  return boardsVehicle(event) ? (onVehicle ?? atFacility) : (atFacility ?? onVehicle);
}

function boardsVehicle(event: TrackingEvent): boolean {
  const { eventType, scanType } = event;
  if (eventType === 'VEHICLE_DEPARTED' || eventType === 'VEHICLE_ARRIVED') return true;
  return scanType === 'LOAD' || scanType === 'DEPARTURE' || scanType === 'OUT_FOR_DELIVERY';
}

function samePlace(a: Stay['place'], b: Stay['place']): boolean {
  return a.facilityId === b.facilityId && a.vehicleId === b.vehicleId && a.readPoint === b.readPoint;
}

function seenAfterDelivery(last: Pick<LastEvent, 'eventId'>, event: TrackingEvent): Conflict {
  return {
    kind: 'seen-after-delivery',
    eventIds: [last.eventId, event.eventId],
    at: event.occurredAt,
    detail: `${event.scanType} was seen after the delivery, without a RETURN`,
  };
}

function emptyState(event: TrackingEvent): PackageState {
  return {
    packageId: event.packageId,
    otherIds: [],
    status: statusAfter(undefined, event),
    returning: false,
    firstAt: event.occurredAt,
    lastAt: event.occurredAt,
    lastEvent: lastEventOf(event),
    stays: [],
    conflicts: [],
    dropped: { otherIds: 0, stays: 0, conflicts: 0 },
    eventCount: 0,
    version: '',
  };
}

function placeOf({ location, vehicleId }: LastEvent): Pick<LastEvent, 'location' | 'vehicleId'> {
  return { location, ...(vehicleId !== undefined && { vehicleId }) };
}

function lastEventOf(event: TrackingEvent): LastEvent {
  const { eventId, eventType, scanType, businessStep, occurredAt, clock, location, vehicleId, employeeId, source } =
    event;
  return {
    eventId,
    eventType,
    scanType,
    businessStep,
    occurredAt,
    clock,
    location,
    ...(vehicleId !== undefined && { vehicleId }),
    ...(employeeId !== undefined && { employeeId }),
    source,
  };
}

/** Event ids are hashes already (UUIDv5), so their exclusive or is a hash of the set. */
function versionAfter(state: PackageState, eventId: string): string {
  const before = BigInt(`0x${state.version.split('-')[1] ?? '0'}`);
  const id = BigInt(`0x${eventId.replaceAll('-', '')}`);
  return `${state.eventCount}-${(before ^ id).toString(16).padStart(32, '0')}`;
}

function pushBounded<K extends keyof typeof BOUNDS>(state: PackageState, list: K, item: PackageState[K][number]): void {
  const items = state[list] as (typeof item)[];
  items.push(item);
  if (items.length <= BOUNDS[list]) return;
  items.shift();
  state.dropped[list] += 1;
}

function copyOf(state: PackageState): PackageState {
  return {
    ...state,
    otherIds: [...state.otherIds],
    stays: state.stays.map((stay) => ({ ...stay })),
    conflicts: [...state.conflicts],
    dropped: { ...state.dropped },
  };
}

/** By code units: the same on every machine, whatever its locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
