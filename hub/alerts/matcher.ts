/** Which incidents a silence covers and a subscription takes. Each key that is given must fit; of a list, one entry must. Pure. */
import type { Source } from './incident.ts';

export type Wanted = string | readonly string[];

/** Text may hold `*`, for any characters. */
export interface Matcher {
  gateway?: Wanted;
  vehicle?: Wanted;
  facility?: Wanted;
  readPoint?: Wanted;
  rule?: Wanted;
  /** Of the gateway (its own, or those that the fleet's owner gave it). */
  labels?: Readonly<Record<string, Wanted>>;
}

/** Labels by gateway. */
export type LabelsOf = ReadonlyMap<string, Readonly<Record<string, string>>>;

export function matches(matcher: Matcher, source: Source, labels: LabelsOf): boolean {
  const { gateway, vehicle, facility, readPoint, rule } = matcher;
  const own = labels.get(source.gatewayId) ?? {};
  return (
    fits(gateway, source.gatewayId) &&
    fits(vehicle, source.vehicleId) &&
    fits(facility, source.facilityId) &&
    fits(readPoint, source.readPoint) &&
    fits(rule, source.ruleId) &&
    Object.entries(matcher.labels ?? {}).every(([label, wanted]) => fits(wanted, own[label]))
  );
}

export function isEmpty({ labels = {}, ...rest }: Matcher): boolean {
  return Object.keys(labels).length === 0 && Object.values(rest).every((wanted) => wanted === undefined);
}

function fits(wanted: Wanted | undefined, value: string | undefined): boolean {
  if (wanted === undefined) return true;
  if (value === undefined) return false;
  return (typeof wanted === 'string' ? [wanted] : wanted).some((pattern) => fitsPattern(pattern, value));
}

/** Without a regular expression: nobody's pattern may be slow. */
function fitsPattern(pattern: string, value: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop();
  if (tail === undefined) return pattern === value;
  if (!value.startsWith(head) || !value.endsWith(tail) || value.length < head.length + tail.length) return false;
  let at = head.length;
  for (const part of rest) {
    const found = value.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= value.length - tail.length;
}
