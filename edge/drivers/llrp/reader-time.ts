/**
 * When a tag was read, by this box's clock (design, section 6: device clocks are never trusted unverified). Pure.
 *
 * A report tells of now, so its arrival counts. Only what a reader held back while nobody was connected is older: its time is told by the
 * reader's clock, of which nothing but the difference to the welcome of this connection is used, and that only where it is in order: before the
 * welcome, and at most a day.
 */
import { findParameter, type Message, type TagRead } from '../../../protocols/llrp/index.ts';

const OLDEST_US = 86_400_000_000;

export interface ReaderTime {
  kind: 'utc' | 'uptime';
  /** The reader's clock … */
  readerUs: number;
  /** … at this monotonic time of ours. */
  atUs: number;
}

/** What the reader's clock says in an event that has just arrived. */
export function readerTimeOf(event: Message, atUs: number): ReaderTime | undefined {
  if (event.name !== 'READER_EVENT_NOTIFICATION') return undefined;
  const data = findParameter(event.parameters, 'ReaderEventNotificationData')?.parameters ?? [];
  const utc = findParameter(data, 'UTCTimestamp');
  if (utc) return { kind: 'utc', readerUs: Number(utc.microseconds), atUs };
  const uptime = findParameter(data, 'Uptime');
  return uptime && { kind: 'uptime', readerUs: Number(uptime.microseconds), atUs };
}

/** @param welcome time of the reader at the beginning of the connection. */
export function observedUs(read: TagRead, welcome: ReaderTime | undefined, nowUs: number): number {
  if (!welcome) return nowUs;
  const seenUs = welcome.kind === 'utc' ? read.lastSeenUtcUs : read.lastSeenUptimeUs;
  if (seenUs === undefined) return nowUs;
  const beforeUs = welcome.readerUs - seenUs;
  return beforeUs > 0 && beforeUs <= OLDEST_US ? Math.max(0, Math.min(nowUs, welcome.atUs - beforeUs)) : nowUs;
}
