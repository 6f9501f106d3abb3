/**
 * What an alert is about and what is wrong with it: alerts of one subject and one cause are one incident (incident.ts). Pure.
 *
 * Subject: the vehicle or the read point of a facility where it happened; the gateway where it says no place (its devices, its records).
 * Cause: the family of the value that is watched, so that limit, rate and mean kinetic temperature of a failed cooler are one matter, on
 * all sensors of the van. The hub's own rules and rules about values that no family has stand for themselves.
 */
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';

/** `vehicle/<id>`, `facility/<id>/<read point>`, `facility/<id>` or `gateway/<id>`. */
export function subjectOf({ location, gatewayId }: Pick<AlertMessage, 'location' | 'gatewayId'>): string {
  const { vehicleId, facilityId, readPoint } = location;
  if (vehicleId !== undefined) return `vehicle/${vehicleId}`;
  if (facilityId === undefined) return `gateway/${gatewayId}`;
  return readPoint === undefined ? `facility/${facilityId}` : `facility/${facilityId}/${readPoint}`;
}

/** A family, or `rule:<rule id>`. */
export function causeOf({ ruleId, quantity }: Pick<AlertMessage, 'ruleId' | 'quantity'>): string {
  const ofHub = HUB_RULES.get(ruleId);
  if (ofHub !== undefined) return ofHub;
  return FAMILIES.find(({ sign }) => sign.test(quantity))?.cause ?? `rule:${ruleId}`;
}

/** For people: `Temperature on vehicle VAN-7`. */
export function titleOf(subject: string, cause: string): string {
  const what = TITLES[cause] ?? (cause.startsWith('rule:') ? `Rule ${cause.slice('rule:'.length)}` : cause);
  const [kind = '', id = '', ...rest] = subject.split('/');
  const readPoint = rest.join('/');
  if (kind === 'facility') return `${what} at ${id}${readPoint === '' ? '' : `, ${readPoint}`}`;
  return `${what} ${kind === 'vehicle' ? 'on vehicle' : 'of gateway'} ${subject.slice(kind.length + 1)}`;
}

/** Rules of the hub about a gateway (process/to-messages.ts). */
const HUB_RULES: ReadonlyMap<string, string> = new Map([
  ['device-health', 'device'],
  ['sequence-gap', 'records'],
  ['conservation', 'records'],
  ['series-limit', 'series'],
]);

const FAMILIES: readonly { cause: string; sign: RegExp }[] = [
  { cause: 'silence', sign: /^silent/i },
  { cause: 'temperature', sign: /temperature|celsius|kinetic/i },
  { cause: 'humidity', sign: /humidity/i },
  { cause: 'shock', sign: /(peak|rms).*g$|shock|velocityChange/i },
  { cause: 'door', sign: /^(open|contact|door)/i },
  { cause: 'position', sign: /latitude|longitude|position|^meters(In|Out)side/i },
  { cause: 'speed', sign: /^speed/i },
];

const TITLES: Readonly<Record<string, string>> = {
  temperature: 'Temperature',
  humidity: 'Humidity',
  shock: 'Shock',
  door: 'Door',
  position: 'Position',
  speed: 'Speed',
  silence: 'No data',
  device: 'Devices',
  records: 'Missing records',
  series: 'Too many series',
};
