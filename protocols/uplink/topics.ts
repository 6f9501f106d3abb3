/** MQTT topics between gateways and hubs (design, section 5). The only place that spells them. */
import { GATEWAY_ID, isLane, type Lane } from './identity.ts';

const ROOT = 'milepost/v1';

export const topics = {
  up: (gatewayId: string, lane: Lane) => `${ROOT}/${gatewayId}/up/${lane}`,
  upStatus: (gatewayId: string) => `${ROOT}/${gatewayId}/up/status`,
  upConfig: (gatewayId: string) => `${ROOT}/${gatewayId}/up/config`,
  downAck: (gatewayId: string) => `${ROOT}/${gatewayId}/down/ack`,
  downConfig: (gatewayId: string) => `${ROOT}/${gatewayId}/down/config`,
  /** What a hub subscribes to: everything that gateways send. */
  allUp: `${ROOT}/+/up/#`,
};

export type UpTopic =
  | { gatewayId: string; kind: 'lane'; lane: Lane }
  | { gatewayId: string; kind: 'status' }
  | { gatewayId: string; kind: 'config' };

/** Takes an upward topic apart; undefined when it is none of ours or the gateway's id is not allowed. */
export function parseUpTopic(topic: string): UpTopic | undefined {
  const parts = topic.split('/');
  const [product, version, gatewayId, direction, leaf] = parts;
  if (parts.length !== 5 || `${product}/${version}` !== ROOT || direction !== 'up') return undefined;
  if (gatewayId === undefined || leaf === undefined || !GATEWAY_ID.test(gatewayId)) return undefined;
  if (isLane(leaf)) return { gatewayId, kind: 'lane', lane: leaf };
  if (leaf === 'status' || leaf === 'config') return { gatewayId, kind: leaf };
  return undefined;
}
