import { durationMs } from '../protocols/config/units.ts';

/** `60s` → milliseconds; undefined when it is no duration with a unit. */
export function checkDuration(text: string): number | undefined {
  const result = durationMs.safeParse(text);
  return result.success ? result.data : undefined;
}
