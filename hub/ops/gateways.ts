/** What the hub last heard of each gateway (its retained status). In memory: the log tells it again after a restart. */
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';

export interface KnownGateway extends GatewayStatus {
  /** Milliseconds since 1970, this hub's clock. */
  heardMs: number;
}

/** More gateways than this are not remembered one by one. */
export const MAX_GATEWAYS = 200_000;

export class Gateways {
  readonly #known = new Map<string, KnownGateway>();

  heard(status: GatewayStatus, heardMs: number): void {
    if (!this.#known.has(status.gatewayId) && this.#known.size >= MAX_GATEWAYS) return;
    const before = this.#known.get(status.gatewayId);
    // The will says only that it is gone: what was known before stays worth knowing.
    this.#known.set(status.gatewayId, { ...before, ...status, heardMs });
  }

  list(): KnownGateway[] {
    return [...this.#known.values()].sort((a, b) => (a.gatewayId < b.gatewayId ? -1 : 1));
  }
}
