/** Who asks, for histories: the header `x-milepost-user`, which a proxy that signs people in sets. Until then anybody may say anything. */
import type { FastifyRequest } from 'fastify';

const LONGEST_NAME = 128;

export function whoOf({ headers }: FastifyRequest): string {
  const header = headers['x-milepost-user'];
  const name = [header]
    .flat()[0]
    ?.replace(/\p{Cc}/gu, '')
    .trim();
  return name ? name.slice(0, LONGEST_NAME) : 'anonymous';
}
