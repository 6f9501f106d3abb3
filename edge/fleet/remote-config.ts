/**
 * The configuration that the hub wants of this gateway: taken from `down/config`, checked, tried, kept or given back (design, section 5).
 *
 * Invariants
 *  - A version is in force as a whole or not at all. One key that cannot be had here rejects it; every such key is named.
 *  - It is on disk before it is applied (config-file.ts). Until it has proven itself (trial.ts) it is on trial, and the last good version
 *    stays on disk beside it.
 *  - A trial ends: after `trialMs` at the latest, monotonic time, with the new version good or the last good one in force again. What was
 *    rolled back is not tried again; the hub issues a higher version.
 *  - A daemon that ends in mid-trial goes on with what remains of it, after a restart of the box with the whole time; that is granted once: a
 *    trial in which the daemon crashed twice has failed. An orderly stop is no crash.
 *  - Steps are taken one after another. Of messages that come meanwhile the newest waits.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { settingsHash } from '../../protocols/fleet/canonical.ts';
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import { parseDesiredConfig } from '../../protocols/fleet/parse-config.ts';
import type { KeyReason, ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Disk } from '../outbox/disk.ts';
import type { Link } from '../uplink/link.ts';
import { type ConfigState, loadConfigState, NO_STATE, saveConfigState, type Trial } from './config-file.ts';
import { judge, type TrialView } from './trial.ts';

export interface RemoteConfigOptions {
  gatewayId: string;
  disk: Disk;
  folder: string;
  clock: Clock & { readonly bootId: number };
  log: Log;
  trialMs: number;
  /** What of these settings cannot be had here; none: all can. */
  check(settings: Settings): KeyReason[];
}

/** The running parts that settings are for. */
export interface ConfigTarget {
  /** Puts settings that passed the check in force, in place of those that were. */
  apply(settings: Settings): Promise<void>;
  devices(): TrialView['devices'];
  inventory(): Pick<ReportedConfig, 'devices' | 'readPoints'>;
}

export interface ConfigSummary {
  version: number;
  hash: string;
  /** `file`: no version of the hub's is in force, and none was looked at. */
  state: NonNullable<ReportedConfig['last']>['state'] | 'file';
  /** The version that `state` and `reasons` are about. */
  lastVersion: number;
  reasons: KeyReason[];
}

/** Crashes in one trial that are too many. */
const MOST_CRASHES = 2;
const RETRY_MS = 5_000;
const LOOK_AT_INVENTORY_MS = 15_000;

export class RemoteConfig {
  readonly #o: RemoteConfigOptions;
  #state: ConfigState;
  /** The good version does not fit the gateway's file any more: the file alone is in force. */
  #unfit: NonNullable<ReportedConfig['last']> | undefined;
  #link: Link | undefined;
  #target: ConfigTarget | undefined;
  #waiting: Buffer | undefined;
  #working: Promise<void> | undefined;
  /** The message that the disk did not take, and when it is tried again. */
  #again: { payload: Buffer; atUs: number } | undefined;
  /** When the state on disk, which is behind, is written again. */
  #saveAtUs: number | undefined;
  #wellSinceUs: number | undefined;
  /** The version whose trial the broker knows of, by this connection. */
  #provenFor: number | undefined;
  #told = { inventory: '', lookedUs: 0 };
  #stopped = false;

  /** What was in force, or on trial, when the daemon ended is in force again. Never rejects: a file that cannot be read is as good as none. */
  static async open(options: RemoteConfigOptions): Promise<RemoteConfig> {
    const { disk, folder, log } = options;
    const found = await loadConfigState(disk, folder).catch((error: Error) => {
      log.error({ err: error }, 'the remote configuration cannot be read: the file alone is in force');
      return undefined;
    });
    if (found === 'damaged') log.error({}, 'the remote configuration is damaged: the file alone is in force');
    const remote = new RemoteConfig(options, found === undefined || found === 'damaged' ? NO_STATE : found);
    await remote.#resume();
    return remote;
  }

  private constructor(options: RemoteConfigOptions, state: ConfigState) {
    this.#o = options;
    this.#state = state;
  }

  /** What is in force. */
  get settings(): Settings {
    return this.#inForce().settings;
  }

  summary(): ConfigSummary {
    const { version, settings } = this.#inForce();
    const last = this.#last();
    return {
      version,
      hash: settingsHash(settings),
      state: last?.state ?? 'file',
      lastVersion: last?.version ?? version,
      reasons: last?.reasons ?? [],
    };
  }

  /** From now on no message is missed; looked at is one when the target is there. */
  listen(link: Link): void {
    this.#link = link;
    link.onMessage((topic, payload) => {
      if (topic !== topics.downConfig(this.#o.gatewayId)) return;
      this.#waiting = payload;
      this.#work();
    });
    link.onState((connected) => {
      this.#provenFor = undefined;
      if (connected && this.#target) this.#report();
    });
  }

  /** The parts run with `settings`. */
  start(target: ConfigTarget): void {
    this.#target = target;
    if (this.#link?.connected) this.#report();
    this.#work();
  }

  /** To be called several times a second. */
  tick(): void {
    const nowUs = this.#o.clock.monotonicUs();
    if (nowUs - this.#told.lookedUs >= LOOK_AT_INVENTORY_MS * 1000) {
      this.#told.lookedUs = nowUs;
      if (this.#target && JSON.stringify(this.#target.inventory()) !== this.#told.inventory) this.#report();
    }
    this.#work();
  }

  /** In order: the next start does not take it for a crash. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
    const { trial } = this.#state;
    if (trial) this.#state = { ...this.#state, trial: { ...trial, stopped: true } };
    if (trial || this.#saveAtUs !== undefined) await this.#save();
  }

  #inForce(): { version: number; settings: Settings } {
    return this.#unfit ? NO_STATE.good : (this.#state.trial ?? this.#state.good);
  }

  #last(): ReportedConfig['last'] {
    return this.#unfit ?? this.#state.last;
  }

  async #resume(): Promise<void> {
    const { clock, log, trialMs, check } = this.#o;
    const { trial } = this.#state;
    if (trial) {
      const crashes = trial.crashes + (trial.stopped ? 0 : 1);
      const isSameBoot = trial.bootId === clock.bootId;
      const untilUs = isSameBoot ? trial.untilUs : clock.monotonicUs() + trialMs * 1000;
      const next: Trial = { ...trial, bootId: clock.bootId, untilUs, crashes, stopped: false };
      const unfit = check(trial.settings);
      if (crashes >= MOST_CRASHES) {
        const reason = `the daemon ended ${crashes} times without being told to while version ${trial.version} was tried`;
        this.#giveBack([{ key: '', code: 'config-restarted', reason }]);
        await this.#save();
      } else if (unfit.length > 0) {
        this.#giveBack(unfit);
        await this.#save();
      } else {
        this.#state = { ...this.#state, trial: next };
        if (!(await this.#save())) this.#giveBack([NOT_STORED]);
      }
    }
    const inForce = this.#inForce();
    const reasons = check(inForce.settings);
    if (reasons.length === 0) return;
    this.#unfit = { version: inForce.version, state: 'rejected', reasons };
    log.error({ version: inForce.version, reasons }, "the hub's version does not fit the file: the file is in force");
  }

  #work(): void {
    const target = this.#target;
    if (this.#working || !target || !this.#nextStep(target)) return;
    const steps = async () => {
      for (let step = this.#nextStep(target); step; step = this.#nextStep(target)) await step();
    };
    this.#working = Promise.resolve()
      .then(steps)
      .finally(() => {
        this.#working = undefined;
      });
  }

  #nextStep(target: ConfigTarget): (() => Promise<void>) | undefined {
    if (this.#stopped) return undefined;
    const nowUs = this.#o.clock.monotonicUs();
    const isDue = (atUs: number | undefined) => atUs !== undefined && atUs <= nowUs;
    const payload = this.#waiting ?? (isDue(this.#again?.atUs) ? this.#again?.payload : undefined);
    if (payload) return () => this.#look(payload, target);
    const verdict = this.#verdict(target);
    if (typeof verdict === 'object') return () => this.#rollBack(verdict.failed, target);
    // A disk that has just refused is not asked again at once.
    if (this.#saveAtUs !== undefined) return isDue(this.#saveAtUs) ? async () => void (await this.#save()) : undefined;
    return verdict === 'proven' ? () => this.#prove() : undefined;
  }

  #verdict(target: ConfigTarget): ReturnType<typeof judge> {
    const { trial } = this.#state;
    if (!trial) return 'wait';
    const nowUs = this.#o.clock.monotonicUs();
    const isUplinkProven = this.#link?.connected === true && this.#provenFor === trial.version;
    const view = { nowUs, isUplinkProven, devices: target.devices(), wellSinceUs: this.#wellSinceUs };
    const verdict = judge(trial, view);
    this.#wellSinceUs = verdict === 'settle' || verdict === 'proven' ? (this.#wellSinceUs ?? nowUs) : undefined;
    return verdict;
  }

  async #look(payload: Buffer, target: ConfigTarget): Promise<void> {
    const { gatewayId, check, log } = this.#o;
    this.#waiting = undefined;
    this.#again = undefined;
    if (payload.length === 0) {
      log.warn({}, 'the hub has withdrawn its configuration: what is in force stays in force');
      return;
    }
    const { value: config, error } = parseDesiredConfig(payload);
    const version = error ? error.version : config.version;
    if (version > 0 && version <= this.#state.looked) return this.#report();
    if (error) return this.#reject(version, error.reasons);
    if (config.gatewayId !== gatewayId) {
      const reason = `it is for the gateway ${config.gatewayId}, and this is ${gatewayId}`;
      return this.#reject(0, [{ key: '', code: 'config-other-gateway', reason }]);
    }
    const reasons = check(config.settings);
    if (reasons.length > 0) return this.#reject(version, reasons);
    await this.#try(config, { payload, target });
  }

  /** `version` 0: which one it is cannot be said, so it is looked at again whenever it comes. */
  async #reject(version: number, reasons: KeyReason[]): Promise<void> {
    this.#o.log.warn({ version, reasons }, 'desired configuration rejected: what is in force stays in force');
    const looked = Math.max(version, this.#state.looked);
    this.#state = { ...this.#state, looked, last: { version, state: 'rejected', reasons } };
    await this.#save();
    this.#report();
  }

  async #try(config: DesiredConfig, from: { payload: Buffer; target: ConfigTarget }): Promise<void> {
    const { clock, trialMs, log } = this.#o;
    const { version, settings } = config;
    const before = this.#state;
    const nowUs = clock.monotonicUs();
    // A version that follows another one's trial has to bring back what that one lost.
    const online = new Set(before.trial?.online);
    for (const [id, { isOnline }] of from.target.devices()) if (isOnline) online.add(id);
    const trial: Trial = {
      version,
      settings,
      online: [...online],
      bootId: clock.bootId,
      untilUs: nowUs + trialMs * 1000,
      crashes: 0,
      stopped: false,
    };
    this.#state = { good: before.good, trial, looked: version, last: { version, state: 'trying', reasons: [] } };
    if (!(await this.#save())) {
      this.#state = { ...before, last: { version, state: 'rejected', reasons: [NOT_STORED] } };
      this.#again = { payload: from.payload, atUs: nowUs + RETRY_MS * 1000 };
      this.#report();
      return;
    }
    this.#unfit = undefined;
    this.#wellSinceUs = undefined;
    log.info({ version, hash: settingsHash(settings) }, 'desired configuration is tried');
    try {
      await from.target.apply(settings);
    } catch (error) {
      log.error({ err: error, version }, 'desired configuration could not be applied');
      const reason = error instanceof Error ? error.message : String(error);
      await this.#rollBack([{ key: '', code: 'config-apply-failed', reason }], from.target);
      return;
    }
    this.#report();
  }

  async #prove(): Promise<void> {
    const { trial, good, last, ...rest } = this.#state;
    if (!trial) return;
    const { version, settings } = trial;
    // What came after it may have been rejected meanwhile.
    const told = last?.version === version ? { version, state: 'applied' as const, reasons: [] } : last;
    const before = this.#state;
    this.#state = { ...rest, good: { version, settings }, ...(told && { last: told }) };
    if (!(await this.#save())) {
      // In force it is; that it is good must be on disk before it is said.
      this.#state = before;
      return;
    }
    this.#o.log.info({ version }, 'desired configuration applied');
    this.#report();
  }

  async #rollBack(reasons: KeyReason[], target: ConfigTarget): Promise<void> {
    this.#giveBack(reasons);
    await this.#save();
    await target.apply(this.settings);
    this.#report();
  }

  #giveBack(reasons: KeyReason[]): void {
    const { trial, good, last, looked } = this.#state;
    if (!trial) return;
    const { version } = trial;
    this.#o.log.error({ version, reasons, back: good.version }, 'desired configuration rolled back');
    const told = last?.version === version ? { version, state: 'rolled-back' as const, reasons } : last;
    this.#state = { good, looked, ...(told && { last: told }) };
    const unfit = this.#o.check(good.settings);
    this.#unfit = unfit.length > 0 ? { version: good.version, state: 'rejected', reasons: unfit } : undefined;
  }

  /** Whether the disk has taken the state; if not, it is written again later. */
  async #save(): Promise<boolean> {
    const { disk, folder, clock, log } = this.#o;
    try {
      await saveConfigState(disk, folder, this.#state);
      this.#saveAtUs = undefined;
      return true;
    } catch (error) {
      log.error({ err: error }, 'the remote configuration is not on disk');
      this.#saveAtUs = clock.monotonicUs() + RETRY_MS * 1000;
      return false;
    }
  }

  #report(): void {
    const { gatewayId, clock, log } = this.#o;
    const [link, target] = [this.#link, this.#target];
    if (!link?.connected || !target) return;
    const { version, settings } = this.#inForce();
    const last = this.#last();
    const inventory = target.inventory();
    this.#told.inventory = JSON.stringify(inventory);
    const report: ReportedConfig = {
      schema: 1,
      gatewayId,
      atMs: Math.max(0, Math.round(clock.wall().wallMs)),
      inForce: { version, hash: settingsHash(settings) },
      ...(last && { last }),
      ...inventory,
    };
    const trying = this.#state.trial?.version;
    link.publish(topics.upConfig(gatewayId), Buffer.from(JSON.stringify(report)), { retain: true }).then(
      () => {
        if (trying !== undefined && link.connected) this.#provenFor = trying;
      },
      (error: Error) => log.debug({ err: error }, 'reported configuration not published'),
    );
  }
}

const NOT_STORED: KeyReason = {
  key: '',
  code: 'config-not-stored',
  reason: 'the disk of the gateway does not take it; it is tried again',
};
