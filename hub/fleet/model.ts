/** What the fleet's API answers with. Times are ISO 8601, UTC. */
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import type { KeyReason, ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Labels, Selector } from './labels.ts';

/** `none`: nothing was ever desired. `rejected`: by the gateway, or by the hub where its profiles contradict each other. */
export const CONFIG_STATES = ['in-force', 'pending', 'rejected', 'rolled-back', 'offline', 'none'] as const;
export type ConfigState = (typeof CONFIG_STATES)[number];

export interface FleetGateway {
  gatewayId: string;
  online: boolean;
  heardAt?: string;
  software?: string;
  labels: Labels;
  /** Records that wait on the gateway. */
  lag?: Record<Lane, number>;
  clock?: GatewayStatus['clock'];
  outboxMode?: string;
  devices: NonNullable<GatewayStatus['devices']>;
  inForceVersion: number;
  desiredVersion: number;
  configState: ConfigState;
  /** In force, but not yet proven: the gateway takes it back if uplink or devices do not return. */
  trying: boolean;
  reasons: readonly KeyReason[];
}

export interface FleetGatewayDetail extends FleetGateway {
  /** As its own file has them, and what was set here instead. */
  ownLabels: Labels;
  setLabels: Labels;
  desired?: DesiredConfig;
  reported?: ReportedConfig;
  reportedAt?: string;
  profiles: readonly GatewayProfile[];
  history: readonly HistoryEntry[];
}

export interface GatewayProfile {
  profileId: string;
  name: string;
  /** What the gateway shall have. */
  version: number;
}

export interface HistoryEntry {
  id: number;
  at: string;
  who: string;
  what: string;
  why: string;
  subject: string;
  detail: Readonly<Record<string, unknown>>;
}

export interface ProfileVersion {
  profileId: string;
  version: number;
  name: string;
  selector: Selector;
  settings: Settings;
  author: string;
  reason: string;
  createdAt: string;
}

export interface Profile extends ProfileVersion {
  /** What gateways get that no rollout has moved. */
  releasedVersion?: number;
  /** Known gateways that fit the selector. */
  gateways: number;
  openRollout?: string;
}

export const ROLLOUT_STATES = ['canary', 'rolling', 'done', 'stopped', 'rolled-back'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

/** `waiting`: not yet its turn. */
export type RolloutGatewayState = 'waiting' | Exclude<ConfigState, 'none'>;

export interface RolloutCounts {
  total: number;
  waiting: number;
  inForce: number;
  pending: number;
  rejected: number;
  rolledBack: number;
  offline: number;
}

export interface Rollout {
  rolloutId: string;
  profileId: string;
  fromVersion?: number;
  version: number;
  state: RolloutState;
  canaryPercent: number;
  canaryMinutes: number;
  maxRejectedPercent: number;
  maxAlertRateFactor: number;
  author: string;
  reason: string;
  createdAt: string;
  /** When it came into this state, and why. */
  stateAt: string;
  why?: string;
  /** Of one that was rolled back: as it was before that. */
  counts: RolloutCounts;
  /** Of one that was rolled back, until the profile's next rollout: how its gateways stand with what they had before. */
  back?: Omit<RolloutCounts, 'waiting'>;
}

export interface RolloutGateway {
  gatewayId: string;
  canary: boolean;
  state: RolloutGatewayState;
  movedAt?: string;
  reasons: readonly KeyReason[];
}

export interface RolloutDetail extends Rollout {
  gateways: readonly RolloutGateway[];
}
