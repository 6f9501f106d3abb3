/**
 * A simulated gateway's connection to the hub. mqtt-connection.ts is the real one; tests bring their own.
 */
export interface HubConnection {
  readonly connected: boolean;
  /** QoS 1. Rejects when the connection goes before the next hop has the message. */
  publish(topic: string, payload: Buffer, options?: { retain?: boolean }): Promise<void>;
  /** Cuts the connection without a word, so that the will speaks; it comes back by itself. */
  cut(): void;
  /** Disconnects in order, and comes back after so long; `Infinity`: it stays away until it is closed. */
  leave(forMs: number): void;
  /** Disconnects in order and stays away. */
  close(): Promise<void>;
}

export interface HubConnectionEvents {
  onConnected(): void;
  onDisconnected(): void;
  onMessage(topic: string, payload: Buffer): void;
}

export interface HubConnectionOptions {
  clientId: string;
  subscribe: readonly string[];
  will: { topic: string; payload: Buffer };
  /** Wait before the first attempt: a thousand gateways are not switched on in the same millisecond. */
  startAfterMs: number;
  events: HubConnectionEvents;
}

export type OpenHubConnection = (options: HubConnectionOptions) => HubConnection;

/**
 * What a gateway does with the desired configuration that the hub retains on `down/config`. Gateways subscribe to it when there is
 * such a behaviour.
 */
export interface ConfigBehaviour {
  /** Each time the gateway is connected. */
  onConnected(gateway: ConfigPort): void;
  onDesired(gateway: ConfigPort, payload: Buffer): void;
}

export interface ConfigPort {
  gatewayId: string;
  /** Retained on `up/config`. Rejects when the connection is gone; the hub's message comes again with the next one. */
  report(payload: Buffer): Promise<void>;
}
