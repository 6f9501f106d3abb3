/** The topics of the log: how many partitions each has, which are compacted, and how long records stay. */
import { TOPICS } from './event-log.ts';

export interface TopicSpec {
  name: string;
  partitions: number;
  /** Keeps the last value of each key instead of every record. */
  compacted?: boolean;
  retention?: Retention;
}

/** Records beyond any of these bounds may be deleted; what is not given does not bound. */
export interface Retention {
  ageMs?: number;
  /** Per topic, over all partitions. */
  bytes?: number;
  /** Per topic, over all partitions. */
  records?: number;
}

/** The largest record (key, value and headers together) that the log takes. */
export const MAX_RECORD_BYTES = 4 * 1024 * 1024;

const DEFAULT_PARTITIONS = 6;

const DAY_MS = 86_400_000;

/** The topics of the hub. `gateway-sequences` has as many partitions as `uplink`, since its partition n is that one's state. */
export function hubTopics(
  options: { partitions?: number; retention?: Retention; deadLettersMs?: number } = {},
): TopicSpec[] {
  const partitions = options.partitions ?? DEFAULT_PARTITIONS;
  const retention = options.retention ?? { ageMs: 7 * DAY_MS };
  return [
    { name: TOPICS.uplink, partitions, retention },
    { name: TOPICS.packageEvents, partitions, retention },
    { name: TOPICS.alerts, partitions, retention },
    // What a person must look at gets a month.
    {
      name: TOPICS.deadLetters,
      partitions,
      retention: { ...retention, ageMs: options.deadLettersMs ?? Math.max(retention.ageMs ?? 0, 30 * DAY_MS) },
    },
    { name: TOPICS.packageStates, partitions, compacted: true },
    { name: TOPICS.gatewaySequences, partitions, compacted: true },
    { name: TOPICS.gatewayStatus, partitions, compacted: true },
    { name: TOPICS.gatewayReports, partitions, compacted: true },
    { name: TOPICS.gatewayConfig, partitions, compacted: true },
  ];
}
