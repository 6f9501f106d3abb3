/**
 * What simulated gateways do with desired configurations: as real ones, they read and check them, try them, and report; and chosen ones do it
 * wrong.
 *
 * The memory of each lives as long as this object: a gateway that was away catches up when it returns, and looks at no version twice.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { settingsHash } from '../../protocols/fleet/canonical.ts';
import { NO_SETTINGS } from '../../protocols/fleet/check-settings.ts';
import { misfits } from '../../protocols/fleet/misfits.ts';
import { parseDesiredConfig } from '../../protocols/fleet/parse-config.ts';
import type { KeyReason, ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { ConfigBehaviour, ConfigPort } from './hub-connection.ts';
import { SIM_INVENTORY } from './sim-devices.ts';

export interface ConfigFault {
  /** Keys (`rules/cooler-warm`; `*` for any) that make it reject a version. */
  rejects?: readonly string[];
  /** It takes so long until it looks at a version. */
  slowMs?: number;
  /** A device does not come back: each version is rolled back when its trial ends. */
  rollsBack?: boolean;
}

export interface ConfigTakerOptions {
  clock: Clock;
  /** How long a version has to hold until it counts as applied; a real gateway needs 2 s. */
  settleMs: number;
  /** When a version that does not hold is rolled back. */
  trialMs: number;
  faultOf(gatewayId: string): ConfigFault;
}

interface Versioned {
  version: number;
  settings: Settings;
}

interface Memory {
  good: Versioned;
  inForce: Versioned;
  last: ReportedConfig['last'];
  looked: number;
  /** The way out: that of the newest connection. */
  port: ConfigPort;
  cancelLook: () => void;
  cancelTrial: () => void;
}

export class ConfigTaker implements ConfigBehaviour {
  readonly #options: ConfigTakerOptions;
  readonly #memories = new Map<string, Memory>();

  constructor(options: ConfigTakerOptions) {
    this.#options = options;
  }

  onConnected(port: ConfigPort): void {
    this.#report(this.#memoryOf(port));
  }

  onDesired(port: ConfigPort, payload: Buffer): void {
    const memory = this.#memoryOf(port);
    if (payload.length === 0) return;
    const { slowMs } = this.#options.faultOf(port.gatewayId);
    if (slowMs === undefined) {
      this.#look(memory, payload);
      return;
    }
    memory.cancelLook();
    memory.cancelLook = this.#options.clock.after(slowMs, () => this.#look(memory, payload));
  }

  /** No timer is left. */
  stop(): void {
    for (const { cancelLook, cancelTrial } of this.#memories.values()) {
      cancelLook();
      cancelTrial();
    }
  }

  #memoryOf(port: ConfigPort): Memory {
    const known = this.#memories.get(port.gatewayId);
    if (known) {
      known.port = port;
      return known;
    }
    const none = { version: 0, settings: NO_SETTINGS };
    const [cancelLook, cancelTrial] = [() => {}, () => {}];
    const memory: Memory = { good: none, inForce: none, last: undefined, looked: 0, port, cancelLook, cancelTrial };
    this.#memories.set(port.gatewayId, memory);
    return memory;
  }

  #look(memory: Memory, payload: Buffer): void {
    const { value: config, error } = parseDesiredConfig(payload);
    const version = error ? error.version : config.version;
    if (version > 0 && version <= memory.looked) {
      this.#report(memory);
      return;
    }
    memory.looked = Math.max(version, memory.looked);
    const fault = this.#options.faultOf(memory.port.gatewayId);
    const reasons = error
      ? error.reasons
      : [...misfits(config.settings, SIM_INVENTORY), ...refusals(fault, config.settings)];
    if (error || reasons.length > 0) {
      memory.last = { version, state: 'rejected', reasons };
      this.#report(memory);
      return;
    }
    this.#try(memory, { version, settings: config.settings }, fault);
  }

  #try(memory: Memory, tried: Versioned, { rollsBack }: ConfigFault): void {
    const { clock, settleMs, trialMs } = this.#options;
    const { version } = tried;
    memory.cancelTrial();
    memory.inForce = tried;
    memory.last = { version, state: 'trying', reasons: [] };
    this.#report(memory);
    memory.cancelTrial = clock.after(rollsBack ? trialMs : settleMs, () => {
      if (rollsBack) {
        memory.inForce = memory.good;
        memory.last = { version, state: 'rolled-back', reasons: [LOST] };
      } else {
        memory.good = tried;
        memory.last = { version, state: 'applied', reasons: [] };
      }
      this.#report(memory);
    });
  }

  #report({ inForce, last, port }: Memory): void {
    const report: ReportedConfig = {
      schema: 1,
      gatewayId: port.gatewayId,
      atMs: Math.round(this.#options.clock.wall().wallMs),
      inForce: { version: inForce.version, hash: settingsHash(inForce.settings) },
      ...(last && { last }),
      ...SIM_INVENTORY,
    };
    // Without a connection it is told with the next one.
    port.report(Buffer.from(JSON.stringify(report))).catch(() => {});
  }
}

const LOST: KeyReason = {
  key: '',
  code: 'config-device-lost',
  reason: 'device thermometer was online before and did not come back: simulated',
};

function refusals({ rejects = [] }: ConfigFault, { rules, readPoints, rates }: Settings): KeyReason[] {
  const keys = [
    ...rules.map(({ id }) => `rules/${id}`),
    ...Object.keys(readPoints).map((id) => `readPoints/${id}`),
    ...Object.keys(rates).map((id) => `rates/${id}`),
  ];
  return keys
    .filter((key) => rejects.includes(key) || rejects.includes('*'))
    .map((key) => ({ key, code: 'sim-key-refused', reason: 'this simulated gateway was told to refuse the key' }));
}
