/**
 * A dead letter as the records of `uplink` that try it again with the identity it had, or why that would only fail the same way. Pure.
 */
import { CodecError } from '../../protocols/base/codec-error.ts';
import { type DoorEvent, doorLaneOf } from '../../protocols/door/door-event.ts';
import { readEpcisEvent } from '../../protocols/epcis/document.ts';
import { readBatchHeader } from '../../protocols/uplink/batch.ts';
import { isLane, LANES } from '../../protocols/uplink/identity.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { checkDoorEvent, parseJson } from '../door/validate.ts';
import { type LogRecord, TOPICS } from '../log/event-log.ts';
import type { Headers } from './letter.ts';

export type Again = { records: LogRecord[]; fault?: undefined } | { fault: string };

const PASSED_ON = ['lane', 'epoch', 'sequence', 'received-ms', 'wall-ms', 'clock', 'uncertainty-ms', 'corrected'];

export function again(letter: {
  letterId: string;
  gatewayId: string;
  headers: Headers;
  value: Buffer;
  attempt: number;
}): Again {
  const { gatewayId, headers, value } = letter;
  const replayOf = `${letter.letterId}/${letter.attempt}`;
  const { lane, door } = headers;
  const kept = Object.fromEntries(
    PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
  const record = (more: Record<string, string>, bytes = value): LogRecord => ({
    topic: TOPICS.uplink,
    key: gatewayId,
    value: bytes,
    headers: { ...kept, 'replay-of': replayOf, ...more },
  });
  try {
    // An id names one event for ever, also when nobody remembers it any more: tried again later, both would count.
    if (headers.code === 'door-conflict')
      return {
        fault: 'its event id is another event’s; its client has to send it under one of its own, then drop this one',
      };
    if (door !== undefined) return doorAgain(door, value, record);
    if (lane === undefined || !isLane(lane)) return { fault: 'nothing says which lane it belongs to' };
    if (headers.epoch === undefined) {
      const batch = readBatchHeader(value);
      if (batch.lane !== lane)
        return { fault: `it is a batch of lane ${batch.lane} that came on the topic of ${lane}` };
    } else {
      if (value.length === 0)
        return { fault: 'it has no bytes of its own: it stood behind a damaged record of its batch' };
      decodePayload(value);
    }
    return { records: [record({})] };
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return { fault: `${error.code}: ${error.message}` };
  }
}

function doorAgain(
  door: string,
  value: Buffer,
  record: (more: Record<string, string>, bytes?: Buffer) => LogRecord,
): Again {
  const parsed = parseJson(value);
  if (parsed.fault) return { fault: parsed.fault.reason };
  let events: DoorEvent[];
  if (door === 'epcis') {
    const item = readEpcisEvent(parsed.value, 0);
    if (item.fault) return { fault: item.fault.reason };
    events = item.events;
  } else if (door === 'json') {
    const checked = (Array.isArray(parsed.value) ? parsed.value : [parsed.value]).map(checkDoorEvent);
    const fault = checked.find((each) => each.fault)?.fault;
    if (fault) return { fault: fault.reason };
    events = checked.flatMap(({ event }) => event ?? []);
  } else return { fault: `what came as ${door} is not tried again: its sender repeats it` };
  const records = LANES.flatMap((lane) => {
    const ofLane = events.filter((event) => doorLaneOf(event) === lane);
    return ofLane.length === 0 ? [] : [record({ door: 'json', lane }, Buffer.from(JSON.stringify(ofLane)))];
  });
  return { records };
}
