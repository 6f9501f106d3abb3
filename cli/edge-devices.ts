/**
 * `milepost edge devices`: what is attached to this box, as a whole configuration that works as it stands (YAML on standard output, with
 * comments), or as JSON.
 */
import { hostname } from 'node:os';
import { expandHosts } from '../edge/transport/discover/hosts.ts';
import { lookAround } from '../edge/transport/discover/look.ts';
import { renderConfig, suggestConfig } from '../edge/transport/discover/suggest-config.ts';
import { DONE, print, printError, stopSignal, USAGE } from './exit.ts';
import { systemClock } from './system-clock.ts';

export interface EdgeDevicesOptions {
  /** Hosts and networks to ask for LLRP readers. */
  llrp: readonly string[];
  llrpPort?: number;
  w1Folder?: string;
  json: boolean;
}

export async function edgeDevices(options: EdgeDevicesOptions): Promise<number> {
  const expanded = expandHosts(options.llrp);
  if ('error' in expanded) {
    printError(`milepost edge devices: --llrp: ${expanded.error}`);
    return USAGE;
  }
  const { hosts } = expanded;
  const showsProgress = process.stderr.isTTY === true && hosts.length > 8;
  const { findings, problems } = await lookAround({
    llrpHosts: hosts,
    ...(options.llrpPort !== undefined && { llrpPort: options.llrpPort }),
    ...(options.w1Folder !== undefined && { w1Folder: options.w1Folder }),
    clock: systemClock(),
    signal: stopSignal(),
    ...(showsProgress && { onProgress: (asked) => process.stderr.write(`\r${asked} of ${hosts.length} addresses`) }),
  });
  if (showsProgress) process.stderr.write('\r\x1b[K');
  const name = hostname();
  if (options.json) print(JSON.stringify({ findings, problems, config: suggestConfig(findings, name) }));
  else print(renderConfig(findings, { hostname: name, problems }).trimEnd());
  return DONE;
}
