/**
 * `milepost/v1/{gateway}/down/config`, retained: the configuration that a gateway shall take (design, section 5). JSON; published schema:
 * desired-config.schema.json.
 */
import type { Settings } from './settings.ts';

export interface DesiredConfig {
  schema: 1;
  gatewayId: string;
  /** Grows per gateway, from 1. */
  version: number;
  /** ISO 8601, UTC. */
  issuedAt: string;
  settings: Settings;
}
