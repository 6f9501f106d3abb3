/** Names, addresses and IPv4 networks in CIDR notation → hosts to ask. Pure. */
export const MOST_HOSTS = 1_024;

/** The hosts, each once, or what is wrong with one of the words. */
export function expandHosts(words: readonly string[]): { hosts: string[] } | { error: string } {
  const hosts = new Set<string>();
  for (const word of words) {
    const expanded = expand(word.trim());
    if (typeof expanded === 'string') return { error: expanded };
    for (const host of expanded) hosts.add(host);
    if (hosts.size > MOST_HOSTS) {
      return { error: `more than ${MOST_HOSTS} addresses: ask smaller networks one after the other` };
    }
  }
  return { hosts: [...hosts] };
}

function expand(word: string): Iterable<string> | string {
  const [address = '', prefix] = word.split('/');
  if (prefix === undefined) {
    return /^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252})$/.test(word) ? [word] : `'${word}' is no host, address or network`;
  }
  const base = ipv4(address);
  const bits = /^\d{1,2}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (base === undefined || !(bits >= 0 && bits <= 32)) {
    return `'${word}' is no IPv4 network: 192.0.2.0/24 was expected`;
  }
  const size = 2 ** (32 - bits);
  if (size > MOST_HOSTS * 2)
    return `'${word}' has ${size} addresses, at most ${MOST_HOSTS} are asked: /22 is the largest`;
  const first = base - (base % size);
  // The first address is the network's, the last one the broadcast's; not so in networks of one or two (RFC 3021).
  const [from, to] = size > 2 ? [first + 1, first + size - 2] : [first, first + size - 1];
  return Array.from({ length: to - from + 1 }, (_, index) => dotted(from + index));
}

function ipv4(text: string): number | undefined {
  const parts = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  return parts.length === 4 && parts.every((part) => part < 256)
    ? parts.reduce((sum, part) => sum * 256 + part, 0)
    : undefined;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
