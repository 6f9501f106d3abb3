/**
 * From changes to everybody who watches: looks changed packages, alerts and what other sources have up once per tick, whatever the
 * number of watchers.
 *
 * Bounds: one tick each TICK_MS at most; beyond MAX_PENDING changes between two ticks watchers are told to load anew
 * instead. The number of watchers is bounded by MAX_WATCHERS (streams.ts refuses more).
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Alert } from '../tracking/alert-state.ts';
import type { Change, Changes } from '../tracking/changes.ts';
import type { PackageSummary, TrackingReader } from '../tracking/reader.ts';

/** Something else that changes and is told: what the stream calls it, whose changes concern it, and how it looks now. */
export interface LiveSource {
  event: string;
  idOf(change: Change): string | undefined;
  lookUp(ids: readonly string[]): Promise<readonly unknown[]>;
}

export interface LiveUpdate {
  packages: readonly PackageSummary[];
  alerts: readonly Alert[];
  /** Of the other sources, by what the stream calls them. */
  others: readonly { event: string; items: readonly unknown[] }[];
  /** More has changed than is told. */
  reset: boolean;
}

export interface Watcher {
  update(update: LiveUpdate): void;
  end(): void;
}

export interface LiveFeedOptions {
  reader: TrackingReader;
  changes: Changes;
  clock: Clock;
  log: Log;
  sources?: readonly LiveSource[];
}

export const MAX_WATCHERS = 500;
const TICK_MS = 200;
const MAX_PENDING = 2000;
const NOTHING = { packages: [], alerts: [], others: [] };

export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #watchers = new Set<Watcher>();
  readonly #packages = new Set<string>();
  readonly #alerts = new Set<string>();
  readonly #others: readonly { source: LiveSource; ids: Set<string> }[];
  #reset = false;
  readonly #unsubscribe: () => void;
  #cancelTick: (() => void) | undefined;
  #ticking = Promise.resolve();

  constructor(options: LiveFeedOptions) {
    this.#options = options;
    this.#others = (options.sources ?? []).map((source) => ({ source, ids: new Set() }));
    this.#unsubscribe = options.changes.subscribe((changes) => this.#note(changes));
  }

  get full(): boolean {
    return this.#watchers.size >= MAX_WATCHERS;
  }

  /** The returned function ends the watch. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#cancelTick?.();
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
    await this.#ticking;
  }

  #note(changes: readonly Change[]): void {
    if (this.#watchers.size === 0) return;
    for (const change of changes) {
      if (this.#pending > MAX_PENDING) break;
      if (change.kind === 'many') this.#reset = true;
      else if (change.kind === 'package') this.#packages.add(change.packageId);
      else if (change.kind === 'alert') this.#alerts.add(change.alertId);
      else this.#noteOther(change);
    }
    this.#cancelTick ??= this.#options.clock.after(TICK_MS, () => {
      this.#ticking = this.#tick();
    });
  }

  #noteOther(change: Change): void {
    for (const { source, ids } of this.#others) {
      const id = source.idOf(change);
      if (id !== undefined) ids.add(id);
    }
  }

  get #pending(): number {
    return this.#others.reduce((sum, { ids }) => sum + ids.size, this.#packages.size + this.#alerts.size);
  }

  async #tick(): Promise<void> {
    const reset = this.#reset || this.#pending > MAX_PENDING;
    const [packageIds, alertIds] = [[...this.#packages], [...this.#alerts]];
    const others = this.#others.map(({ source, ids }) => ({ source, ids: [...ids] }));
    this.#packages.clear();
    this.#alerts.clear();
    for (const { ids } of this.#others) ids.clear();
    this.#reset = false;
    this.#cancelTick = undefined;
    const update = reset ? { ...NOTHING, reset } : await this.#lookUp(packageIds, alertIds, others);
    for (const watcher of this.#watchers) watcher.update(update);
  }

  async #lookUp(
    packageIds: readonly string[],
    alertIds: readonly string[],
    changed: readonly { source: LiveSource; ids: string[] }[],
  ): Promise<LiveUpdate> {
    const { reader, log } = this.#options;
    try {
      const packages = await reader.summaries(packageIds);
      const alerts = alertIds.length === 0 ? [] : await reader.alertsById(alertIds);
      const others: LiveUpdate['others'][number][] = [];
      for (const { source, ids } of changed)
        if (ids.length > 0) others.push({ event: source.event, items: await source.lookUp(ids) });
      return { packages, alerts, others, reset: false };
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'changes could not be looked up; watchers load anew');
      return { ...NOTHING, reset: true };
    }
  }
}
