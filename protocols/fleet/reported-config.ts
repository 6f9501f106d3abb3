/**
 * `milepost/v1/{gateway}/up/config`, retained: what a gateway made of its desired configuration (design, section 5). JSON; published
 * schema: reported-config.schema.json.
 *
 * A version is in force as a whole or not at all: one key that cannot be applied rejects it, and every such key is named.
 */

export interface KeyReason {
  /** `rules/<ruleId>`, `readPoints/<id>`, `rates/<deviceId>`; empty for the document as a whole. */
  key: string;
  /** Kebab-case; docs/errors.md. */
  code: string;
  reason: string;
}

export const CONFIG_STATES = ['applied', 'trying', 'rejected', 'rolled-back'] as const;

export interface ReportedConfig {
  schema: 1;
  gatewayId: string;
  /** Milliseconds since 1970, the gateway's clock. */
  atMs: number;
  /** Version 0: the file alone. `hash` is that of the settings (canonical.ts). */
  inForce: { version: number; hash: string };
  /** The newest desired version that was looked at; 0 where none could be read. `trying`: in force, not yet proven (120 s). */
  last?: {
    version: number;
    state: (typeof CONFIG_STATES)[number];
    reasons: KeyReason[];
  };
  /**
   * What can be targeted here: each device, and each sensor of one that has several (`bus-1/cold`; `bus-1/*` where the device finds out by itself).
   * `zone`: that of its read point.
   */
  devices: { id: string; quantities: string[]; zone?: string }[];
  readPoints: string[];
}
