/**
 * What a gateway says of itself on `up/status` (JSON, retained; the will says offline). Published schema:
 * gateway-status.schema.json.
 */
import type { Lane } from './identity.ts';

export interface LaneLedger {
  accepted: number;
  delivered: number;
  evicted: number;
  quarantined: number;
  pending: number;
}

export interface GatewayStatus {
  version: 1;
  gatewayId: string;
  online: boolean;
  /** Milepost's version; absent in the will. */
  software?: string;
  bootId?: number;
  epoch?: string;
  /** What the gateway's file says of it, for the fleet to select by: `profile: cold-van`. */
  labels?: Record<string, string>;
  atMs?: number;
  /** `askedUs`: the gateway does not know the time and asks for it, at this monotonic time of its own (uplink.proto, HubTime). */
  clock?: { state: string; uncertaintyMs: number; askedUs?: number };
  /** Mode: `ok`, `disk-full`, `read-only`, `io-error`. */
  outbox?: {
    mode: string;
    lanes: Record<Lane, LaneLedger>;
    /** Sequences that were skipped, so that none is given out twice: highest sequence = accepted + unused. Absent: none. */
    unused?: Record<Lane, number>;
  };
  devices?: { id: string; driver: string; state: string; code: string; message: string }[];
}

/** Undefined when the text is no status. */
export function parseGatewayStatus(text: string): GatewayStatus | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const status = value as Partial<GatewayStatus>;
    if (status.version !== 1 || typeof status.gatewayId !== 'string' || typeof status.online !== 'boolean')
      return undefined;
    return status as GatewayStatus;
  } catch {
    return undefined;
  }
}
