import { InvalidArgumentError } from 'commander';
import { durationMs } from '../protocols/config/units.ts';

/** An option's argument, `60s` → milliseconds. @throws InvalidArgumentError for what is no duration with a unit */
export function duration(text: string): number {
  const result = durationMs.safeParse(text);
  if (!result.success) throw new InvalidArgumentError('a duration such as 500ms, 60s or 5min is expected.');
  return result.data;
}
