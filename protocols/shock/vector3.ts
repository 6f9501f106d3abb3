/** Three axes of a sensor. */
export interface Vector3 {
  x: number;
  y: number;
  z: number;
}

export const ZERO: Readonly<Vector3> = { x: 0, y: 0, z: 0 };

export function magnitude(vector: Vector3): number {
  return Math.sqrt(vector.x * vector.x + vector.y * vector.y + vector.z * vector.z);
}

export function subtract(a: Vector3, b: Vector3): Vector3 {
  return { x: a.x - b.x, y: a.y - b.y, z: a.z - b.z };
}

export function scaled(vector: Vector3, factor: number): Vector3 {
  return { x: vector.x * factor, y: vector.y * factor, z: vector.z * factor };
}

export function angleDegrees(a: Vector3, b: Vector3): number {
  const cosine = (a.x * b.x + a.y * b.y + a.z * b.z) / (magnitude(a) * magnitude(b));
  return (Math.acos(Math.min(1, Math.max(-1, cosine))) * 180) / Math.PI;
}
