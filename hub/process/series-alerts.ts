/**
 * Which gateways make too many series, as alerts: one for each gateway and measurement, raised with the first point that is refused and
 * cleared an hour after the last. A process that takes over raises again (the alert is the same) and forgets what has ended by then.
 */
export interface Exploding {
  gatewayId: string;
  measurement: string;
  reason: string;
}

const CALM_MS = 3_600_000;
/** Beyond this only dead letters tell. */
const MAX_OPEN = 10_000;

export class SeriesAlerts {
  readonly #open = new Map<string, Exploding & { lastMs: number; raised: 'no' | 'under way' | 'yes' }>();

  /** Points were refused. Gives those of which nothing has been said; call the function when it has been. */
  refused(all: Iterable<Exploding>, nowMs: number): { raise: Exploding[]; committed: () => void } {
    const fresh = new Map<string, Exploding>();
    for (const each of all) {
      const name = `${each.gatewayId}/${each.measurement}`;
      const known = this.#open.get(name);
      if (known) known.lastMs = nowMs;
      else if (this.#open.size < MAX_OPEN) this.#open.set(name, { ...each, lastMs: nowMs, raised: 'no' });
      if (this.#open.get(name)?.raised === 'no') fresh.set(name, each);
    }
    const names = [...fresh.keys()];
    this.#mark(names, 'under way');
    return { raise: [...fresh.values()], committed: () => this.#mark(names, 'yes') };
  }

  /** What was being said may not have been: it is said again when it happens again. */
  aborted(): void {
    for (const known of this.#open.values()) if (known.raised === 'under way') known.raised = 'no';
  }

  /** Those that have been quiet for long enough; call the function when that has been said. */
  calm(nowMs: number): { clear: Exploding[]; committed: () => void } {
    const over = [...this.#open].filter(([, { lastMs, raised }]) => raised === 'yes' && nowMs - lastMs >= CALM_MS);
    const committed = () => {
      for (const [name] of over) this.#open.delete(name);
    };
    return { clear: over.map(([, each]) => each), committed };
  }

  #mark(names: readonly string[], raised: 'under way' | 'yes'): void {
    for (const name of names) {
      const known = this.#open.get(name);
      if (known) known.raised = raised;
    }
  }
}
