/**
 * What the oracle knows of gaps: the holes in the hub's committed books, and the alarms that came out about them.
 *
 * - No alarm about a hole that was not open for `GAP_AFTER_MS` (batches that are only reordered raise none).
 * - A hole that stays open is reported within `RAISED_WITHIN_MS`, unless the processor itself was hindered meanwhile.
 * - Each alarm is raised once, and cleared once, after its hole is closed.
 */
import { type Interval, IntervalSet } from '../../protocols/base/intervals.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import type { World } from './world.ts';

const GAP_AFTER_MS = 1_500;
const RAISED_WITHIN_MS = 2_000;

interface Hole extends Interval {
  sinceMs: number;
  alarmed: boolean;
}

interface Lane {
  group: string;
  holes: Hole[];
}

interface Alarm {
  key: string;
  first: number;
  last: number;
  open: boolean;
}

export class GapOracle {
  readonly #world: World;
  readonly #fault: (reason: string) => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #alarms = new Map<string, Alarm>();
  /** Since when nothing has hindered a group. */
  readonly #undisturbedMs = new Map<string, number>();

  constructor(world: World, fault: (reason: string) => void) {
    this.#world = world;
    this.#fault = fault;
  }

  /** Holes and alarms that are not closed, as text. */
  open(): string[] {
    const holes = [...this.#lanes].flatMap(([key, lane]) =>
      lane.holes.map(({ first, last }) => `${key} lacks ${first}-${last}`),
    );
    const alarms = [...this.#alarms.values()].filter(({ open }) => open);
    return [...holes, ...alarms.map(({ key, first, last }) => `alarm for ${key} ${first}-${last}`)];
  }

  disturbed(group: string): void {
    this.#undisturbedMs.set(group, this.#world.nowMs);
  }

  /** A book was committed. */
  book(key: string, { seen, lost, group }: { seen: IntervalSet; lost: IntervalSet; group: string }): void {
    const known = new IntervalSet([...seen.intervals, ...lost.intervals]);
    const before = this.#lanes.get(key)?.holes ?? [];
    const holes = known.missing(1, known.intervals.at(-1)?.last ?? 0).map((hole): Hole => {
      const old = before.find(({ first, last }) => hole.first <= last && hole.last >= first);
      return { ...hole, sinceMs: old?.sinceMs ?? this.#world.nowMs, alarmed: old?.alarmed ?? false };
    });
    this.#lanes.set(key, { group, holes });
  }

  alarm(alert: AlertMessage): void {
    const { alertId, phase, gatewayId, message } = alert;
    this.#world.note(`gap alarm ${phase} ${gatewayId}: ${message}`);
    const known = this.#alarms.get(alertId);
    if (phase === 'raised') {
      const [, lane, first, last, epoch] = /lane (\w+) are missing \((\d+) to (\d+), epoch (\w+)\)/.exec(message) ?? [];
      const alarm = { key: `${gatewayId}/${epoch}/${lane}`, first: Number(first), last: Number(last), open: true };
      if (known) this.#fault(`gap alarm raised again: ${message}`);
      this.#raised(alarm, message);
      this.#alarms.set(alertId, alarm);
    } else {
      if (!known?.open) {
        this.#fault(`gap alarm ended that was not raised: ${message}`);
        return;
      }
      if (this.#holesIn(known).length > 0) this.#fault(`gap alarm ended though the gap is open: ${message}`);
      known.open = false;
    }
  }

  /** Holes that should have been reported by now. */
  check(): void {
    const { nowMs } = this.#world;
    for (const [key, { group, holes }] of this.#lanes) {
      for (const { first, last, sinceMs, alarmed } of holes) {
        const fromMs = Math.max(sinceMs, this.#undisturbedMs.get(group) ?? 0);
        if (alarmed || nowMs - fromMs <= RAISED_WITHIN_MS) continue;
        this.#fault(`${key}: ${first}-${last} is missing since ${(sinceMs / 1000).toFixed(3)} s and was not reported`);
      }
    }
  }

  final(): void {
    for (const { key, first, last, open } of this.#alarms.values()) {
      if (open) this.#fault(`the gap alarm for ${key} ${first}-${last} was never cleared`);
    }
  }

  #raised(alarm: Alarm, message: string): void {
    const holes = this.#holesIn(alarm);
    if (!holes.some(({ sinceMs }) => this.#world.nowMs - sinceMs >= GAP_AFTER_MS)) {
      this.#fault(`false gap alarm: ${message}`);
    }
    for (const hole of holes) hole.alarmed = true;
  }

  #holesIn({ key, first, last }: Alarm): Hole[] {
    return (this.#lanes.get(key)?.holes ?? []).filter((hole) => hole.first <= last && hole.last >= first);
  }
}
