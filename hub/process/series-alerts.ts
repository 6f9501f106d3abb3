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
  readonly #open = new Map<string, Exploding & { lastMs: number; raised: boolean }>();

  /** Points were refused. Gives those of which nothing has been said; call the function when it has been. */
  refused(all: Iterable<Exploding>, nowMs: number): { raise: Exploding[]; committed: () => void } {
    const fresh = new Map<string, Exploding>();
    for (const each of all) {
      const name = `${each.gatewayId}/${each.measurement}`;
      const known = this.#open.get(name);
      if (known) known.lastMs = nowMs;
      else if (this.#open.size < MAX_OPEN) this.#open.set(name, { ...each, lastMs: nowMs, raised: false });
      if (this.#open.get(name)?.raised === false) fresh.set(name, each);
    }
    const committed = () => {
      for (const name of fresh.keys()) {
        const known = this.#open.get(name);
        if (known) known.raised = true;
      }
    };
    return { raise: [...fresh.values()], committed };
  }

  /** Those that have been quiet for long enough; call the function when that has been said. */
  calm(nowMs: number): { clear: Exploding[]; committed: () => void } {
    const over = [...this.#open].filter(([, { lastMs, raised }]) => raised && nowMs - lastMs >= CALM_MS);
    const committed = () => {
      for (const [name] of over) this.#open.delete(name);
    };
    return { clear: over.map(([, each]) => each), committed };
  }
}
