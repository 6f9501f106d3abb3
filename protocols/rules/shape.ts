/** Areas of geofence rules as people write them: a circle, or a polygon of corners, latitude first. */
import { type LatLon, unwrapped } from '../base/geofence.ts';
import { type Measured, measure } from './quantities.ts';
import { type Fields, isFields, type Report, reportUnknown, show } from './report.ts';
import type { GeofenceShape } from './rule.ts';

const MOST_POINTS = 200;
const LARGEST_RADIUS_METERS = 20_000_000;
/** A polygon that spans half of the earth has no inside. */
const WIDEST_DEGREES = 180;

export function checkShape(input: unknown, report: Report): GeofenceShape | undefined {
  if (!isFields(input)) {
    const proposal =
      '{ kind: circle, latitude: 52.52, longitude: 13.4, radius: 500 m } or { kind: polygon, points: [[52.5, 13.3], …] }';
    report(['shape'], { code: 'rule-missing', message: "a 'shape' is needed", proposal });
    return undefined;
  }
  if (input.kind === 'circle') return checkCircle(input, report);
  if (input.kind === 'polygon') return checkPolygon(input, report);
  const message = `${show(input.kind)} is no kind of shape`;
  report(['shape', 'kind'], { code: 'rule-choice', message, proposal: "'circle' or 'polygon'" });
  return undefined;
}

export function formatShape(shape: GeofenceShape): Record<string, unknown> {
  if (shape.kind === 'polygon') return { ...shape };
  const { radiusMeters, ...rest } = shape;
  return { ...rest, radius: `${radiusMeters} m` };
}

function checkCircle(input: Fields, report: Report): GeofenceShape | undefined {
  reportUnknown(input, ['kind', 'latitude', 'longitude', 'radius', 'radiusMeters'], { at: ['shape'], report });
  const at = [input.latitude, input.longitude];
  if (!isPosition(at)) {
    const message = `${show(at)} is no position: latitude from −90 to 90, longitude from −180 to 180`;
    report(['shape'], { code: 'rule-position', message, proposal: 'decimal degrees, for example 52.52 and 13.405' });
    return undefined;
  }
  const key = input.radius === undefined ? 'radiusMeters' : 'radius';
  const radius = measure(input[key], 'm');
  if ('value' in radius && radius.value > 0 && radius.value <= LARGEST_RADIUS_METERS) {
    return { kind: 'circle', latitude: at[0], longitude: at[1], radiusMeters: radius.value };
  }
  const message = `${show(input[key])} is no radius: above zero, with its unit`;
  report(['shape', key], { code: isOfElse(radius) ? 'rule-unit' : 'rule-range', message, proposal: 'radius: 500 m' });
  return undefined;
}

/** The unit is that of something else. */
function isOfElse(measured: Measured): boolean {
  return 'fault' in measured && measured.fault === 'unit';
}

function checkPolygon(input: Fields, report: Report): GeofenceShape | undefined {
  reportUnknown(input, ['kind', 'points'], { at: ['shape'], report });
  const at = ['shape', 'points'];
  const { points } = input;
  const corners = Array.isArray(points) ? points : [];
  for (const [index, corner] of corners.entries()) {
    if (isPosition(corner)) continue;
    const message = `${show(corner)} is no corner: [latitude, longitude], −90 to 90 and −180 to 180`;
    report([...at, index], { code: 'rule-position', message, proposal: 'latitude first, for example [52.52, 13.405]' });
    return undefined;
  }
  const polygon = withoutRepetition(corners as [number, number][]);
  if (polygon.length < 3 || polygon.length > MOST_POINTS) {
    const message = `${polygon.length} different corners: a polygon has 3 to ${MOST_POINTS}`;
    const proposal = polygon.length < 3 ? 'a circle, or at least three corners' : 'fewer corners';
    report(at, { code: 'rule-polygon', message, proposal });
    return undefined;
  }
  const plane = unwrapped(polygon.map(([latitude, longitude]) => ({ latitude, longitude })));
  const longitudes = plane.map(({ longitude }) => longitude);
  const first = plane[0] as LatLon;
  const last = plane.at(-1) as LatLon;
  const isAround = Math.abs(last.longitude - first.longitude) > WIDEST_DEGREES;
  if (isAround || Math.max(...longitudes) - Math.min(...longitudes) > WIDEST_DEGREES) {
    const message = 'the polygon goes around half of the earth or more: what is inside of it is not clear';
    report(at, { code: 'rule-polygon', message, proposal: 'a smaller area, or one rule for each part' });
    return undefined;
  }
  const crossing = crossingOf(plane);
  if (!crossing) return { kind: 'polygon', points: polygon };
  const [a, b] = crossing;
  const message = `the edge after corner ${a + 1} crosses the edge after corner ${b + 1}`;
  report(at, { code: 'rule-polygon', message, proposal: 'the corners in their order along the border' });
  return undefined;
}

function isPosition(value: unknown): value is [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [latitude, longitude] = value as unknown[];
  return isWithin(latitude, 90) && isWithin(longitude, 180);
}

function isWithin(value: unknown, limit: number): boolean {
  return typeof value === 'number' && Math.abs(value) <= limit;
}

/** Many programs close a polygon with its first corner, which goes without saying here. */
function withoutRepetition(points: readonly [number, number][]): [number, number][] {
  return points
    .filter(([latitude, longitude], index) => {
      const before = points[index === 0 ? points.length - 1 : index - 1] as [number, number];
      const isSame = before[0] === latitude && before[1] === longitude;
      // Of the closing pair the first stays.
      return !isSame || (index === 0 && points.length > 1);
    })
    .filter((point, index, all) => {
      const [first] = all as [[number, number]];
      return index === 0 || index < all.length - 1 || point[0] !== first[0] || point[1] !== first[1];
    });
}

/** Two edges that meet though they are no neighbours. */
function crossingOf(corners: readonly LatLon[]): [number, number] | undefined {
  const count = corners.length;
  const corner = (index: number) => corners[index % count] as LatLon;
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const areNeighbours = b === a + 1 || (a === 0 && b === count - 1);
      const edges = [corner(a), corner(a + 1), corner(b), corner(b + 1)] as const;
      if (areNeighbours ? foldsBack(edges, b === a + 1) : meet(edges)) return [a, b];
    }
  }
  return undefined;
}

/** An edge that runs back along its neighbour. */
function foldsBack([a, b, c, d]: readonly [LatLon, LatLon, LatLon, LatLon], isNext: boolean): boolean {
  const [joint, one, other] = isNext ? [b, a, d] : [a, b, c];
  if (turn(joint, one, other) !== 0) return false;
  const dot =
    (one.longitude - joint.longitude) * (other.longitude - joint.longitude) +
    (one.latitude - joint.latitude) * (other.latitude - joint.latitude);
  return dot > 0;
}

function meet([a, b, c, d]: readonly [LatLon, LatLon, LatLon, LatLon]): boolean {
  const [c1, c2, c3, c4] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
  if (c1 * c2 < 0 && c3 * c4 < 0) return true;
  return (
    (c1 === 0 && isBetween(a, b, c)) ||
    (c2 === 0 && isBetween(a, b, d)) ||
    (c3 === 0 && isBetween(c, d, a)) ||
    (c4 === 0 && isBetween(c, d, b))
  );
}

/** Which way one turns from a over b to c: the sign says it, zero is straight on. */
function turn(a: LatLon, b: LatLon, c: LatLon): number {
  return Math.sign(
    (b.longitude - a.longitude) * (c.latitude - a.latitude) - (b.latitude - a.latitude) * (c.longitude - a.longitude),
  );
}

function isBetween(a: LatLon, b: LatLon, point: LatLon): boolean {
  return (
    Math.min(a.longitude, b.longitude) <= point.longitude &&
    point.longitude <= Math.max(a.longitude, b.longitude) &&
    Math.min(a.latitude, b.latitude) <= point.latitude &&
    point.latitude <= Math.max(a.latitude, b.latitude)
  );
}
