/** Bytes of an event on the wire: a batch of 100 typical tracking events, beside JSON and msgpackr with shared record structures. */
import { toTrackingEvent } from '../../hub/process/to-messages.ts';
import { peerPackage } from '../peer-packages.ts';
import type { Row } from '../row.ts';
import { batchOf, EPOCH, scanOf, timeOf } from '../workload.ts';

const COUNT = 100;

export async function wireSize(): Promise<Row> {
  const plain = batchOf('tracking', 1, COUNT, false).length / COUNT;
  const deflated = batchOf('tracking', 1, COUNT, true).length / COUNT;
  const events = Array.from({ length: COUNT }, (_, index) => {
    const identity = { gatewayId: 'chicago-dc-1', epoch: EPOCH, lane: 'tracking', sequence: 1 + index } as const;
    const time = timeOf(1 + index);
    return toTrackingEvent(scanOf(1 + index), { identity, time, corrected: false, receivedMs: time.wallMs + 40 });
  });
  const json = Buffer.byteLength(JSON.stringify(events)) / COUNT;
  type Msgpackr = { Packr: new () => { pack(value: unknown): Buffer } };
  const msgpackr = await peerPackage<Msgpackr>('msgpackr', '1.11.5');
  const packed = typeof msgpackr === 'string' ? msgpackr : new msgpackr.Packr().pack(events).length / COUNT;
  return {
    path: 'wire size: batch of 100 tracking events',
    unit: 'B/event',
    ours: deflated,
    beside: { 'ours, plain': plain, 'JSON of the same events': json, 'msgpackr records': packed },
    goals: [
      { text: 'deflated', value: deflated, bound: 60, most: true },
      { text: 'plain', value: plain, bound: 175, most: true },
    ],
  };
}
