/**
 * The connection to the hub as the uplink needs it: publish, listen, know whether it stands. Over MQTT: mqtt-link.ts; the simulation
 * brings its own.
 */
export interface Link {
  readonly connected: boolean;
  /**
   * Hands a message to the next hop, at least once. Resolves when that hop has it (PUBACK), which frees nothing; rejects when the
   * connection goes before. Called only while connected.
   */
  publish(topic: string, payload: Buffer, options?: { retain?: boolean }): Promise<void>;
  /** Called with `true` when connected and subscribed, with `false` when the connection is gone. */
  onState(listener: (connected: boolean) => void): void;
  onMessage(listener: (topic: string, payload: Buffer) => void): void;
  /** Why there is no connection; undefined while there is one. */
  fault(): { code: string; message: string } | undefined;
  close(): Promise<void>;
}
