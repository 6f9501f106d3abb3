/**
 * Areas around facilities, and how far inside or outside of them a position lies. Pure.
 *
 * Distances are taken on a plane through the area (equirectangular): right to a few parts per thousand over the tens of kilometres that matter.
 */

export interface LatLon {
  latitude: number;
  longitude: number;
}

export type Geofence = { id: string } & ((LatLon & { radiusMeters: number }) | { polygon: readonly LatLon[] });

/** Mean radius of WGS 84. */
const EARTH_METERS = 6_371_008.8;
const RADIANS = Math.PI / 180;

interface Point {
  x: number;
  y: number;
}

export function distanceMeters(from: LatLon, to: LatLon): number {
  const { x, y } = onPlane(to, from);
  return Math.hypot(x, y);
}

/** Metres from the border; negative inside. */
export function metersOutside(fence: Geofence, position: LatLon): number {
  if (!('polygon' in fence)) return distanceMeters(fence, position) - fence.radiusMeters;
  const corners = fence.polygon.map((corner) => onPlane(corner, position));
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

function onPlane(point: LatLon, origin: LatLon): Point {
  // Across the date line the shorter way counts.
  const degrees = ((point.longitude - origin.longitude + 540) % 360) - 180;
  return {
    x: degrees * RADIANS * EARTH_METERS * Math.cos(origin.latitude * RADIANS),
    y: (point.latitude - origin.latitude) * RADIANS * EARTH_METERS,
  };
}

/** From the origin to the segment. */
function distanceToEdge(a: Point, b: Point): number {
  const length = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const along = length === 0 ? 0 : -(a.x * (b.x - a.x) + a.y * (b.y - a.y)) / length;
  const at = Math.min(1, Math.max(0, along));
  return Math.hypot(a.x + at * (b.x - a.x), a.y + at * (b.y - a.y));
}
