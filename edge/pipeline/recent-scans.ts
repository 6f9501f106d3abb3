/** The scans among stored records: what a daemon that was restarted within one boot remembers of the one before. Pure. */
import { storedRecords } from './stored-payload.ts';

/** How many records of the tracking lane are looked at: far more than come while a reader waits for an answer. */
export const RECENT_RECORDS = 256;

export interface StoredScan {
  deviceId: string;
  readPoint?: string;
  text: string;
  aim?: string;
  monotonicUs: number;
}

/** @param records as they stand on disk, one behind the other. Those of another boot have times that mean nothing here. */
export function recentScans(records: Buffer, bootId: number): StoredScan[] {
  const scans: StoredScan[] = [];
  for (const { payload, time } of storedRecords(records, (record) => record.time.bootId === bootId)) {
    if (payload.kind !== 'tracking' || payload.antenna !== undefined) continue;
    const { deviceId, place, scanned, aim } = payload;
    scans.push({
      deviceId,
      text: scanned,
      monotonicUs: time.monotonicUs,
      ...(place.readPoint !== undefined && { readPoint: place.readPoint }),
      ...(aim !== undefined && { aim }),
    });
  }
  return scans;
}
