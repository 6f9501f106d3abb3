/** Names settings by what they say: the same on a gateway and at the hub, whatever the order of their properties. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.ts';
import type { Settings } from './settings.ts';

/** The first 16 hexadecimal digits of SHA-256 over the canonical JSON. */
export function settingsHash(settings: Settings): string {
  return createHash('sha256').update(canonicalJson(settings)).digest('hex').slice(0, 16);
}
