/**
 * Who may send events over HTTP: `Authorization: Bearer TOKEN`, or `Basic` with a client's name and password. The name found is the client,
 * in whose name space its event ids are. Secrets are compared as digests, so that neither length nor beginning shows in the time it takes.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export class Credentials {
  readonly #tokens: ReadonlyMap<string, string>;
  readonly #passwords: ReadonlyMap<string, Buffer>;

  /** Client → token, client → password. */
  constructor(tokens: Readonly<Record<string, string>>, users: Readonly<Record<string, string>>) {
    this.#tokens = new Map(Object.entries(tokens).map(([client, token]) => [digest(token).toString('hex'), client]));
    this.#passwords = new Map(Object.entries(users).map(([client, password]) => [client, digest(password)]));
  }

  /** Nobody has any: the door is shut. */
  get isEmpty(): boolean {
    return this.#tokens.size === 0 && this.#passwords.size === 0;
  }

  /** The client that an Authorization header proves. */
  clientOf(authorization: string | undefined): string | undefined {
    const [, scheme = '', secret = ''] = /^(\w+) +(\S+) *$/.exec(authorization ?? '') ?? [];
    if (scheme.toLowerCase() === 'bearer') return this.#tokens.get(digest(secret).toString('hex'));
    if (scheme.toLowerCase() !== 'basic') return undefined;
    const text = Buffer.from(secret, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const client = text.slice(0, Math.max(0, colon));
    const expected = this.#passwords.get(client);
    return expected && timingSafeEqual(expected, digest(text.slice(colon + 1))) ? client : undefined;
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
