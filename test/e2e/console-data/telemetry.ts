/** Days of temperatures: coolers that swing around 5 °C, warm at noon, and one that fails in the last hour. */
import type { Point } from '../../../hub/timeseries/time-series.ts';

const DAYS = 7;
const STEP_MS = 900_000;
const LAST_HOUR_STEP_MS = 60_000;
const HOUR_MS = 3_600_000;

export function telemetryOf({
  gateways,
  failing,
  nowMs,
}: {
  gateways: readonly string[];
  failing: string;
  nowMs: number;
}): Point[] {
  const times: number[] = [];
  for (let atMs = nowMs - DAYS * 24 * HOUR_MS; atMs < nowMs - HOUR_MS; atMs += STEP_MS) times.push(atMs);
  for (let atMs = nowMs - HOUR_MS; atMs <= nowMs; atMs += LAST_HOUR_STEP_MS) times.push(atMs);
  return gateways.flatMap((gateway, index) =>
    times.flatMap((atMs) => {
      const noon = Math.max(0, Math.sin(((atMs / HOUR_MS) % 24) * (Math.PI / 12) - Math.PI / 2));
      const swing = Math.sin(atMs / 1_700_000 + index) * 0.9;
      const failure = gateway === failing ? Math.max(0, 50 - (nowMs - atMs) / 60_000) * 0.09 : 0;
      const cooler = 4.6 + swing + noon * (1 + (index % 4) * 0.7) + failure;
      return [
        point(gateway, 'cooler-1', 'temperature', { temperatureCelsius: round(cooler) }, atMs),
        point(gateway, 'cabin', 'temperature', { temperatureCelsius: round(14 + swing + noon * 9) }, atMs),
        point(gateway, 'cabin', 'humidity', { relativeHumidityPercent: round(52 - swing * 4 - noon * 8) }, atMs),
      ];
    }),
  );
}

function point(gateway: string, device: string, measurement: string, fields: Point['fields'], atMs: number): Point {
  return { measurement, tags: { gateway, device, vehicle: gateway.toUpperCase() }, fields, atMs, subMsNs: 0 };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
