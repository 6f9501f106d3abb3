/**
 * Which addresses a web hook may reach. A subscription is written by whoever may use the API, and the hub's machine sees more of a network
 * than they do: what is not on the public Internet is refused, unless the configuration names it (alerts.webhooks.allow).
 *
 * The address is looked at when the connection is made, so that a name that resolves elsewhere tomorrow gets nowhere either.
 * Source: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890): what is not globally reachable.
 */
import { lookup as lookUpName } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { AlertingError } from './errors.ts';

const SPECIAL: readonly [net: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
];

const special = listOf(SPECIAL);

export class AddressGuard {
  readonly #allowed: BlockList;

  /** @param allow Networks as `10.0.0.0/8`, or single addresses. */
  constructor(allow: readonly string[] = []) {
    this.#allowed = listOf(allow.map(networkOf));
  }

  permits(address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    return isIP(address) !== 0 && (this.#allowed.check(address, family) || !special.check(address, family));
  }

  /** @throws AlertingError `address-private` for a host that is written as an address and may not be reached. */
  check(url: URL): void {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !this.permits(host)) throw refused(host);
  }

  /** For net.connect: gives only addresses that may be reached. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookUpName(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const good = addresses.filter(({ address }) => this.permits(address));
      const [first] = good;
      if (!first) return callback(refused(`${hostname} (${addresses[0]?.address})`), '', 0);
      if (options.all) return callback(null, good);
      return callback(null, first.address, first.family);
    });
  };
}

/** `10.0.0.0/8` or an address; undefined when it is neither. */
export function parseNetwork(text: string): [net: string, prefix: number] | undefined {
  const [net = '', prefix, ...rest] = text.split('/');
  const version = isIP(net);
  if (version === 0 || rest.length > 0) return undefined;
  const most = version === 4 ? 32 : 128;
  if (prefix === undefined) return [net, most];
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= most ? [net, Number(prefix)] : undefined;
}

function networkOf(text: string): [net: string, prefix: number] {
  const network = parseNetwork(text);
  if (!network) throw new TypeError(`${text} is no network`);
  return network;
}

function listOf(networks: readonly [net: string, prefix: number][]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of networks) list.addSubnet(net, prefix, isIP(net) === 6 ? 'ipv6' : 'ipv4');
  return list;
}

function refused(host: string): AlertingError {
  const message = `${host} is no address on the public Internet; alerts.webhooks.allow in the hub's configuration permits others`;
  return new AlertingError('address-private', message);
}
