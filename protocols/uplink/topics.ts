/** MQTT topics between gateways and hubs (design, section 5). The only place that spells them. */
import { GATEWAY_ID, isLane, type Lane } from './identity.ts';

const ROOT = 'milepost/v1';

export const topics = {
  up: (gatewayId: string, lane: Lane) => `${ROOT}/${gatewayId}/up/${lane}`,
  upStatus: (gatewayId: string) => `${ROOT}/${gatewayId}/up/status`,
  upConfig: (gatewayId: string) => `${ROOT}/${gatewayId}/up/config`,
  downAck: (gatewayId: string) => `${ROOT}/${gatewayId}/down/ack`,
  downConfig: (gatewayId: string) => `${ROOT}/${gatewayId}/down/config`,
  /** The open door: JSON of clients that run no Milepost. */
  door: (clientId: string) => `${ROOT}/${clientId}/json`,
  /** What a hub subscribes to: everything that gateways send … */
  allUp: `${ROOT}/+/up/#`,
  /** … and what comes by the open door. */
  allDoors: `${ROOT}/+/json`,
};

export type UpTopic =
  | { gatewayId: string; kind: 'lane'; lane: Lane }
  | { gatewayId: string; kind: 'status' }
  | { gatewayId: string; kind: 'config' }
  | { gatewayId: string; kind: 'door' };

/** Takes an upward topic apart; undefined when it is none of ours or the gateway's id is not allowed. */
export function parseUpTopic(topic: string): UpTopic | undefined {
  const parts = topic.split('/');
  const [product, version, gatewayId, direction, leaf] = parts;
  if (`${product}/${version}` !== ROOT || gatewayId === undefined || !GATEWAY_ID.test(gatewayId)) return undefined;
  if (parts.length === 4 && direction === 'json') return { gatewayId, kind: 'door' };
  if (parts.length !== 5 || direction !== 'up' || leaf === undefined) return undefined;
  if (isLane(leaf)) return { gatewayId, kind: 'lane', lane: leaf };
  if (leaf === 'status' || leaf === 'config') return { gatewayId, kind: leaf };
  return undefined;
}
