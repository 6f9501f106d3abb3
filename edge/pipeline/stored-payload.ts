/** What stored records say; nothing for one of another version of Milepost, which may be none that this one knows. Pure. */
import { isCodecError } from '../../protocols/base/codec-error.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { type RecordTime, readRecord } from '../../protocols/uplink/record.ts';

export function storedPayload(bytes: Buffer): Payload | undefined {
  try {
    return decodePayload(bytes);
  } catch (error) {
    if (isCodecError(error)) return undefined;
    throw error;
  }
}

/** @param records As they stand on disk, one behind the other. Only those that `isWanted` are decoded. */
export function* storedRecords(
  records: Buffer,
  isWanted: (record: { sequence: number; time: RecordTime }) => boolean,
): Generator<{ payload: Payload; time: RecordTime }> {
  for (let at = 0; at < records.length; ) {
    const record = readRecord(records, at);
    if (typeof record === 'string') return;
    at = record.end;
    const payload = isWanted(record) ? storedPayload(record.payload) : undefined;
    if (payload) yield { payload, time: record.time };
  }
}
