/** Gateways that say what real ones say: statuses, and what they made of their desired configuration. */
import { reportProjection, statusProjection } from '../../../hub/fleet/gateway-projections.ts';
import type { LogRecord } from '../../../hub/log/event-log.ts';
import type { Store } from '../../../hub/store/store.ts';
import type { Changes } from '../../../hub/tracking/changes.ts';
import { settingsHash } from '../../../protocols/fleet/canonical.ts';
import type { DesiredConfig } from '../../../protocols/fleet/desired-config.ts';
import type { KeyReason, ReportedConfig } from '../../../protocols/fleet/reported-config.ts';
import type { GatewayStatus, LaneLedger } from '../../../protocols/uplink/gateway-status.ts';

/** These have no second cooler, and say so. */
export const REFUSING = ['van-021', 'van-022', 'van-023'];
/** These do not answer. */
export const AWAY = ['van-098', 'van-099'];

export class PlayedGateways {
  readonly ids: readonly string[];
  readonly #store: Store;
  readonly #changes: Changes;
  readonly #inForce = new Map<string, ReportedConfig['inForce']>();
  #work = Promise.resolve();

  constructor({ store, changes, count }: { store: Store; changes: Changes; count: number }) {
    this.#store = store;
    this.#changes = changes;
    this.ids = Array.from(
      { length: count },
      (_, index) => `${index < count * 0.9 ? 'van' : 'depot'}-${String(index).padStart(3, '0')}`,
    );
  }

  async connect(nowMs: number): Promise<void> {
    const statuses = this.ids.map((id, index) => ({ value: statusOf(id, index, nowMs), heardMs: nowMs }));
    await this.#store.transaction((sql) => statusProjection.apply(sql, statuses));
    await this.#report(this.ids.map((id) => this.#answer(id, nowMs)));
  }

  /** A gateway tells of itself again, with something else. */
  async say(gatewayId: string, change: Partial<GatewayStatus>): Promise<void> {
    const nowMs = Date.now();
    const value = { ...statusOf(gatewayId, this.ids.indexOf(gatewayId), nowMs), ...change };
    const heard = [{ value, heardMs: nowMs }];
    this.#changes.publish(await this.#store.transaction((sql) => statusProjection.apply(sql, heard)));
  }

  /** As the broker would bring it to each; they answer a moment later, in the order in which they were asked. */
  configure(records: readonly LogRecord[]): void {
    const desired = records.map(({ value }) => JSON.parse(String(value)) as DesiredConfig);
    this.#work = this.#work.then(async () => {
      const nowMs = Date.now();
      const answering = desired.filter(({ gatewayId }) => !AWAY.includes(gatewayId));
      await this.#report(answering.map((config) => this.#answer(config.gatewayId, nowMs, config)));
    });
  }

  /** Every answer that is under way has been given. */
  settled(): Promise<void> {
    return this.#work;
  }

  #answer(gatewayId: string, atMs: number, config?: DesiredConfig): ReportedConfig {
    const reasons = config && REFUSING.includes(gatewayId) ? refusalOf(config) : [];
    if (config && reasons.length === 0) {
      this.#inForce.set(gatewayId, { version: config.version, hash: settingsHash(config.settings) });
    }
    return {
      schema: 1,
      gatewayId,
      atMs,
      inForce: this.#inForce.get(gatewayId) ?? { version: 0, hash: '0'.repeat(16) },
      ...(config && {
        last: { version: config.version, state: reasons.length > 0 ? 'rejected' : 'applied', reasons },
      }),
      devices: [
        { id: 'cooler-1', quantities: ['temperatureCelsius'] },
        { id: 'cabin', quantities: ['temperatureCelsius', 'relativeHumidityPercent'] },
      ],
      readPoints: ['rear-door'],
    };
  }

  async #report(reports: readonly ReportedConfig[]): Promise<void> {
    const heard = reports.map((value) => ({ value, heardMs: value.atMs }));
    this.#changes.publish(await this.#store.transaction((sql) => reportProjection.apply(sql, heard)));
  }
}

function refusalOf({ settings }: DesiredConfig): KeyReason[] {
  return settings.rules
    .filter((rule) => 'target' in rule && rule.target.device === 'cooler-1')
    .slice(0, 1)
    .map(({ id }) => ({
      key: `rules/${id}`,
      code: 'device-unknown',
      reason: 'there is no device cooler-1 here: did you mean cooler-a?',
    }));
}

function statusOf(gatewayId: string, index: number, nowMs: number): GatewayStatus {
  const isVan = gatewayId.startsWith('van');
  const ledger = (pending: number): LaneLedger => ({
    accepted: 50_000 + index,
    delivered: 50_000 + index - pending,
    evicted: 0,
    quarantined: 0,
    pending,
  });
  return {
    version: 1,
    gatewayId,
    online: !AWAY.includes(gatewayId),
    software: '0.1.0',
    bootId: 1,
    epoch: '00000000000000aa',
    atMs: nowMs,
    clock: { state: index % 9 === 0 ? 'gps' : 'ntp', uncertaintyMs: 4 + (index % 30) },
    outbox: {
      mode: 'ok',
      lanes: { alert: ledger(0), tracking: ledger(index % 17 === 0 ? 12 : 0), telemetry: ledger(index % 5) },
    },
    labels: {
      type: isVan ? 'van' : 'depot',
      zone: ['north', 'south', 'east', 'west'][index % 4] ?? 'north',
      ...(isVan && index % 2 === 0 && { 'cold-chain': 'yes' }),
    },
    devices: [
      { id: 'cooler-1', driver: 'modbus-rtu', state: 'online', code: '', message: '' },
      index % 41 === 7
        ? {
            id: 'cabin',
            driver: 'one-wire',
            state: 'offline',
            code: 'device-gone',
            message: 'no sensor answers on the bus',
          }
        : { id: 'cabin', driver: 'one-wire', state: 'online', code: '', message: '' },
      { id: 'rear-door', driver: 'gpio-contact', state: 'online', code: '', message: '' },
    ],
  };
}
