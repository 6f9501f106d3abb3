/** The fleet as the API has it: gateways, profiles, rollouts, history. */
import type { LiveSource } from '../api/live-feed.ts';
import type { FleetPorts } from './fleet-store.ts';
import { FleetStore } from './fleet-store.ts';
import { type GatewayList, gatewaysById, listGateways, showGateway } from './gateway-reader.ts';
import { readHistory } from './history.ts';
import { type LabelChange, setLabels } from './label-desk.ts';
import type { FleetGateway, FleetGatewayDetail, HistoryEntry, Rollout, RolloutDetail } from './model.ts';
import { ProfileDesk } from './profile-desk.ts';
import {
  type RolloutOrder,
  type RolloutStart,
  resumeRollout,
  rollBack,
  startRollout,
  stopRollout,
} from './rollout-desk.ts';
import { listRollouts, type RolloutGatewayList, type RolloutList, rolloutsById, showRollout } from './rollout-rows.ts';

const GATEWAYS_SHOWN = 1_000;

export class Fleet {
  readonly profiles: ProfileDesk;
  readonly #store: FleetStore;

  constructor(ports: FleetPorts) {
    this.#store = new FleetStore(ports);
    this.profiles = new ProfileDesk(this.#store);
  }

  gateways(list: GatewayList): Promise<{ gateways: FleetGateway[]; total: number; next?: string }> {
    return listGateways(this.#store.sql, list);
  }

  gateway(gatewayId: string): Promise<FleetGatewayDetail> {
    return showGateway(this.#store.sql, gatewayId);
  }

  async setLabels(change: LabelChange): Promise<FleetGatewayDetail> {
    await setLabels(this.#store, change);
    return this.gateway(change.gatewayId);
  }

  rollouts(list: RolloutList): Promise<Rollout[]> {
    return listRollouts(this.#store.sql, list);
  }

  rollout(
    rolloutId: string,
    list: RolloutGatewayList = { limit: GATEWAYS_SHOWN },
  ): Promise<RolloutDetail & { next?: string }> {
    return showRollout(this.#store.sql, rolloutId, list);
  }

  async startRollout(start: RolloutStart): Promise<RolloutDetail> {
    return this.rollout(await startRollout(this.#store, start));
  }

  async stop(order: RolloutOrder): Promise<RolloutDetail> {
    await stopRollout(this.#store, order);
    return this.rollout(order.rolloutId);
  }

  async resume(order: RolloutOrder): Promise<RolloutDetail> {
    await resumeRollout(this.#store, order);
    return this.rollout(order.rolloutId);
  }

  async rollBack(order: RolloutOrder): Promise<RolloutDetail> {
    await rollBack(this.#store, order);
    return this.rollout(order.rolloutId);
  }

  history(filter: { subject?: string; limit: number; before?: number }): Promise<HistoryEntry[]> {
    return readHistory(this.#store.sql, filter);
  }

  /** For live streams: events `gateways` and `rollouts`, each a list as the lists of the API have them. */
  readonly live: readonly LiveSource[] = [
    {
      event: 'gateways',
      idOf: (change) => (change.kind === 'gateway' ? change.gatewayId : undefined),
      lookUp: (ids) => gatewaysById(this.#store.sql, ids),
    },
    {
      event: 'rollouts',
      idOf: (change) => (change.kind === 'rollout' ? change.rolloutId : undefined),
      lookUp: (ids) => rolloutsById(this.#store.sql, ids),
    },
  ];
}
