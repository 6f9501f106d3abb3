/** Two consumer groups, so that a time series database that is away holds up telemetry and nothing else. */
import type { Lane } from '../../protocols/uplink/identity.ts';

export const PROCESS_GROUPS: readonly { group: string; lanes: readonly Lane[] }[] = [
  { group: 'milepost-process', lanes: ['alert', 'tracking'] },
  { group: 'milepost-timeseries', lanes: ['telemetry'] },
];
