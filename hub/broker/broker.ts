/**
 * The MQTT port of the hub: embedded (aedes in this process) or external (any MQTT 3.1.1 broker).
 */
export interface Broker {
  /**
   * Starts delivering what gateways publish on `topics.allUp`. A handler's promise is waited for once more than `maxPendingBytes` are
   * in hands: the flow stops at the sockets then, and the gateways' disks are the buffer.
   */
  start(handler: (topic: string, payload: Buffer) => Promise<void>): Promise<void>;
  /** QoS 1. Resolves when the broker has it. */
  publish(topic: string, payload: Buffer, options?: { retain?: boolean }): Promise<void>;
  healthy(): { ok: boolean; detail: string };
  /** What gateways put into `hub.url`; undefined for an external broker. */
  readonly url: string | undefined;
  close(): Promise<void>;
}

export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: 'broker-port';

  constructor(fault: { code: BrokerError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}
