/** What a hub is run with: its composition root (main.ts) hands it on to the parts that it starts. */
import type { Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import type { HubConfig } from './config.ts';

export interface HubOptions {
  config: HubConfig;
  clock: Clock;
  log: Log;
  /** Ends the hub. */
  signal: AbortSignal;
}
