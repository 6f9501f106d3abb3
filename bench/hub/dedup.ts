/** What it costs to know that an event was seen before: sequences per gateway, beside a Set of event ids. */
import { randomUUID } from 'node:crypto';
import { SequenceBook } from '../../hub/process/sequence-book.ts';
import { bestNs, type Row } from '../row.ts';
import { EPOCH } from '../workload.ts';

const BATCH = 200;
const COLLECT_TURNS = 4;

export async function dedup(events: number): Promise<Row> {
  const gateways = 1_000;
  const batches = Math.ceil(events / BATCH);
  const ours = bestNs(3, batches * BATCH, () => see(new SequenceBook(), batches, gateways));
  const ids = Array.from({ length: events }, () => randomUUID());
  const set = bestNs(3, events, () => {
    const seen = new Set<string>();
    for (const id of ids) if (!seen.has(id)) seen.add(id);
  });
  const many = 20_000;
  const bytesPerGateway = await bytesOf(() => {
    const book = new SequenceBook();
    see(book, many, many);
    book.touched();
    return book;
  });
  const perId = await bytesOf(() => new Set(Array.from({ length: 200_000 }, () => randomUUID())));
  return {
    path: 'dedup: sequences per gateway',
    unit: 'µs/event',
    ours: ours / 1000,
    beside: { 'Set of UUIDs': set / 1000 },
    goals: [
      { text: 'µs per event', value: ours / 1000, bound: 0.05, most: true },
      { text: 'bytes per gateway', value: bytesPerGateway / many, bound: 200, most: true },
    ],
    note: `a Set of UUIDs keeps ${Math.round(perId / 200_000)} B per event`,
  };
}

/** As the processor asks: batch by batch, each event of it. */
function see(book: SequenceBook, batches: number, gateways: number): void {
  for (let batch = 0; batch < batches; batch++) {
    const key = { gatewayId: `gateway-${batch % gateways}`, epoch: EPOCH, lane: 'tracking' } as const;
    const first = 1 + Math.floor(batch / gateways) * BATCH;
    const page = book.page(key);
    for (let sequence = first; sequence < first + BATCH; sequence++) page.see(sequence);
  }
}

/** Bytes of heap that what `make` gives holds. Needs --expose-gc to be exact. */
async function bytesOf(make: () => object): Promise<number> {
  const used = async () => {
    for (let turn = 0; turn < COLLECT_TURNS; turn++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return process.memoryUsage().heapUsed;
  };
  const before = await used();
  const kept = make();
  const bytes = (await used()) - before;
  return Reflect.ownKeys(kept).length >= 0 ? bytes : 0;
}
