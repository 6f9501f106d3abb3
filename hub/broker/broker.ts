/**
 * The MQTT port of the hub: embedded (aedes in this process) or external (any MQTT 3.1.1 broker).
 */
import { parseSparkplugTopic, sparkplugGatewayId } from '../../protocols/sparkplug/index.ts';
import { parseUpTopic } from '../../protocols/uplink/topics.ts';

/** Rejects when the message could not be taken: one that is acknowledged only afterwards (`isAcknowledgedLate`) comes again. */
export type Handler = (topic: string, payload: Buffer) => Promise<void>;

export interface Broker {
  /**
   * Starts delivering what clients publish. A handler's promise is waited for once more than `maxPendingBytes` are in hands: the flow stops
   * at the sockets then, and the gateways' disks are the buffer.
   */
  start(handler: Handler): Promise<void>;
  /** QoS 1. Resolves when the broker has it. */
  publish(topic: string, payload: Buffer, options?: { retain?: boolean }): Promise<void>;
  healthy(): { ok: boolean; detail: string };
  /** What is in hands, and how many messages wait to be taken into them. */
  queue(): { bytes: number; waiting: number };
  /** What gateways put into `hub.url`; undefined for an external broker. */
  readonly url: string | undefined;
  /** Takes nothing new, finishes what is in hands (acknowledgements go out meanwhile), closes. */
  close(): Promise<void>;
}

/**
 * Gateways are answered by acknowledged ranges, so MQTT's own acknowledgement may come at once. Everybody else (the JSON topic, Sparkplug nodes)
 * has nothing but that, so it waits until the message is taken.
 */
export function isAcknowledgedLate(topic: string): boolean {
  const up = parseUpTopic(topic);
  return up === undefined || up.kind === 'door';
}

/** The gateway whose topic it is: who may publish there when clients must log in. */
export function senderOf(topic: string): string | undefined {
  const node = parseSparkplugTopic(topic);
  return node ? sparkplugGatewayId(node) : parseUpTopic(topic)?.gatewayId;
}

export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: 'broker-port' | 'broker-session' | 'broker-unreachable';

  constructor(fault: { code: BrokerError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}

/** How long closing waits for what is in hands. */
export const FINISH_MS = 5_000;
