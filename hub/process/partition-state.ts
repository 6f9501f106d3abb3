/**
 * What a processor keeps of one partition: the sequences it has seen, the ids of the open door, and which gateways make too many series.
 *
 * The owner keeps it durable by writing `touched()` in the transaction that carries the effects, and restores another from what was committed
 * after an abort or a takeover.
 */
import type { Lane } from '../../protocols/uplink/identity.ts';
import { IdBook, isIdPage } from '../door/id-book.ts';
import { SequenceBook } from './sequence-book.ts';
import { isSeriesAlert, SeriesAlerts } from './series-alerts.ts';

export interface PartitionStateOptions {
  /** Of the processor. Several share a partition of the state topic: each takes up what is of its lanes. */
  lanes: readonly Lane[];
  /** Monotonic. */
  nowMs: number;
  /** So many ids of the open door are remembered (door/id-book.ts). */
  maxDoorIds?: number | undefined;
}

export class PartitionState {
  readonly sequences = new SequenceBook();
  readonly doorIds: IdBook;
  readonly series: SeriesAlerts;

  constructor(stored: ReadonlyMap<string, Buffer>, { lanes, nowMs, maxDoorIds }: PartitionStateOptions) {
    const own = lanes.at(-1) ?? 'telemetry';
    this.doorIds = new IdBook(own, maxDoorIds === undefined ? {} : { maxIds: maxDoorIds });
    this.series = new SeriesAlerts(own);
    const pages = new Map<string, Buffer>();
    for (const [name, value] of stored) {
      const lane = name.slice(name.lastIndexOf('/') + 1) as Lane;
      if (!lanes.includes(lane)) continue;
      if (isIdPage(name)) pages.set(name, value);
      else if (isSeriesAlert(name)) this.series.restore(name, value, nowMs);
      else this.sequences.restore(name, value);
    }
    this.doorIds.restore(pages);
  }

  /** Names and values changed since the last call; null deletes. */
  *touched(): Generator<{ name: string; value: Buffer | null }, void, void> {
    yield* this.sequences.touched();
    yield* this.doorIds.touched();
    yield* this.series.touched();
  }
}
