/** Configuration values with units: `30s`, `5 min`, `1 GiB`. A bare number is refused where it would leave the unit open. */
import { z } from 'zod';

const TIME_MS: Record<string, number> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KiB: 1024,
  MB: 1e6,
  MiB: 1024 ** 2,
  GB: 1e9,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** A duration such as `500ms`, `30s`, `5min`, `2h`, `1d` → milliseconds. */
export const durationMs = quantity('a duration', TIME_MS, '500ms, 30s, 5min, 2h, 1d');

/** `90s`, `2h`: the largest unit that leaves a whole number; durationMs reads it back. */
export function formatDuration(ms: number): string {
  const [unit, size] = Object.entries(TIME_MS)
    .reverse()
    .find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** A size such as `64MiB`, `1GiB` → bytes. */
export const sizeBytes = quantity('a size', BYTES, '512KiB, 64MiB, 1GiB');

function quantity(what: string, units: Record<string, number>, examples: string) {
  return z.string({ error: `${what} with its unit is expected (${examples})` }).transform((text, context) => {
    const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text);
    const factor = match?.[2] === undefined ? undefined : units[match[2]];
    if (!match || factor === undefined) {
      context.addIssue({ code: 'custom', message: `'${text}' is not ${what} (${examples})` });
      return z.NEVER;
    }
    return Math.round(Number(match[1]) * factor);
  });
}
