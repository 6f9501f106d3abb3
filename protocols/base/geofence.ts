/**
 * Areas on the earth, and how far inside or outside of them a position lies. Pure.
 *
 * Distances from a point are great circles on the mean sphere. Distances to the border of a polygon are taken on a plane through the
 * position (equirectangular): right to a few parts per thousand over the tens of kilometres that matter. A polygon's edge goes the shorter way
 * around the earth, so that one across the antimeridian is as good as any other.
 */

export interface LatLon {
  latitude: number;
  longitude: number;
}

export type Area = (LatLon & { radiusMeters: number }) | { polygon: readonly LatLon[] };

export type Geofence = { id: string } & Area;

/** Mean radius of WGS 84. */
const EARTH_METERS = 6_371_008.8;
const RADIANS = Math.PI / 180;

interface Point {
  x: number;
  y: number;
}

export function distanceMeters(from: LatLon, to: LatLon): number {
  const sinLatitude = Math.sin(((to.latitude - from.latitude) * RADIANS) / 2);
  const sinLongitude = Math.sin(((to.longitude - from.longitude) * RADIANS) / 2);
  const cosines = Math.cos(from.latitude * RADIANS) * Math.cos(to.latitude * RADIANS);
  const haversine = sinLatitude ** 2 + cosines * sinLongitude ** 2;
  return 2 * EARTH_METERS * Math.asin(Math.min(1, Math.sqrt(haversine)));
}

/** Metres from the border; negative inside. */
export function metersOutside(area: Area | Geofence, position: LatLon): number {
  if (!('polygon' in area)) return distanceMeters(area, position) - area.radiusMeters;
  const corners = aroundOrigin(area.polygon, position);
  let nearest = Number.POSITIVE_INFINITY;
  let isInside = false;
  for (const [index, a] of corners.entries()) {
    const b = corners[(index + 1) % corners.length] as Point;
    nearest = Math.min(nearest, distanceToEdge(a, b));
    // A ray to the right from the position, which is the origin, crosses the border an odd number of times.
    if (a.y > 0 !== b.y > 0 && a.x + ((b.x - a.x) * -a.y) / (b.y - a.y) > 0) isInside = !isInside;
  }
  return isInside ? -nearest : nearest;
}

/** The fence that the position lies deepest inside of. */
export function fenceAround(fences: readonly Geofence[], position: LatLon): Geofence | undefined {
  let best: { fence: Geofence; meters: number } | undefined;
  for (const fence of fences) {
    const meters = metersOutside(fence, position);
    if (meters <= 0 && (!best || meters < best.meters)) best = { fence, meters };
  }
  return best?.fence;
}

/** Longitudes of which each is within 180° of the one before; the first is as it was. */
export function unwrapped(points: readonly LatLon[]): LatLon[] {
  let before = points[0]?.longitude ?? 0;
  return points.map(({ latitude, longitude }) => {
    before += shorterWay(longitude - before);
    return { latitude, longitude: before };
  });
}

/** The corners on the plane with the position as origin, the polygon as a whole on the side on which it is nearer. */
function aroundOrigin(polygon: readonly LatLon[], position: LatLon): Point[] {
  const corners = unwrapped(polygon);
  const longitudes = corners.map(({ longitude }) => longitude);
  const middle = (Math.min(...longitudes) + Math.max(...longitudes)) / 2;
  const origin = middle - shorterWay(middle - position.longitude);
  const meters = RADIANS * EARTH_METERS;
  return corners.map(({ latitude, longitude }) => ({
    x: (longitude - origin) * meters * Math.cos(position.latitude * RADIANS),
    y: (latitude - position.latitude) * meters,
  }));
}

/** −180 to under 180. */
function shorterWay(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

/** From the origin to the segment. */
function distanceToEdge(a: Point, b: Point): number {
  const length = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const along = length === 0 ? 0 : -(a.x * (b.x - a.x) + a.y * (b.y - a.y)) / length;
  const at = Math.min(1, Math.max(0, along));
  return Math.hypot(a.x + at * (b.x - a.x), a.y + at * (b.y - a.y));
}
