/** Sparkplug B topics (Eclipse Sparkplug 3.0.0, chapter 4.1): spBv1.0/group/message/node[/device]. */
import { createHash } from 'node:crypto';
import { GATEWAY_ID } from '../uplink/identity.ts';

export const SPARKPLUG_NAMESPACE = 'spBv1.0';
/** What a hub subscribes to. */
export const ALL_SPARKPLUG = `${SPARKPLUG_NAMESPACE}/#`;

const NODE_MESSAGES = ['NBIRTH', 'NDATA', 'NDEATH'] as const;
const DEVICE_MESSAGES = ['DBIRTH', 'DDATA', 'DDEATH'] as const;
export type SparkplugMessage = (typeof NODE_MESSAGES)[number] | (typeof DEVICE_MESSAGES)[number];

export interface SparkplugTopic {
  group: string;
  message: SparkplugMessage;
  node: string;
  /** In D… messages. */
  device?: string;
}

/** What edge nodes send; undefined for commands, states of host applications and everything else. */
export function parseSparkplugTopic(topic: string): SparkplugTopic | undefined {
  const [namespace, group, name, node, device, ...more] = topic.split('/');
  if (namespace !== SPARKPLUG_NAMESPACE || !group || !node || more.length > 0) return undefined;
  const ofNode = NODE_MESSAGES.find((each) => each === name);
  if (ofNode) return device === undefined ? { group, message: ofNode, node } : undefined;
  const ofDevice = DEVICE_MESSAGES.find((each) => each === name);
  return ofDevice && device ? { group, message: ofDevice, node, device } : undefined;
}

/** Where a node takes commands, among them the one to announce itself again. */
export function nodeCommandTopic({ group, node }: Pick<SparkplugTopic, 'group' | 'node'>): string {
  return `${SPARKPLUG_NAMESPACE}/${group}/NCMD/${node}`;
}

/** The node that a command's topic or filter belongs to. */
export function commandedNode(filter: string): Pick<SparkplugTopic, 'group' | 'node'> | undefined {
  const [namespace, group, name, node] = filter.split('/');
  if (namespace !== SPARKPLUG_NAMESPACE || !group || !node || (name !== 'NCMD' && name !== 'DCMD')) return undefined;
  return { group, node };
}

/**
 * A node as a gateway: `sparkplug:GROUP:NODE`. What no gateway's id may hold becomes `_`, and what is too long is cut; then eight digits of
 * the names' SHA-256 keep two nodes apart.
 */
export function sparkplugGatewayId({ group, node }: Pick<SparkplugTopic, 'group' | 'node'>): string {
  const plain = `sparkplug:${group}:${node}`;
  const isUnique = !group.includes(':') && !node.includes(':');
  if (GATEWAY_ID.test(plain) && isUnique) return plain;
  const hash = createHash('sha256').update(`${group}/${node}`).digest('hex').slice(0, 8);
  return `${plain.replace(/[^A-Za-z0-9._:-]/gu, '_').slice(0, 54)}.${hash}`;
}
