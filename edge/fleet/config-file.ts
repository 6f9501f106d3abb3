/**
 * What a gateway keeps of its remote configuration: `remote-config.json` in the state folder, sealed (sealed-json.ts), replaced as a whole.
 *
 * One file and one rename for each transition, so there is no moment at which the good version and the one on trial contradict each other: after
 * a crash the state before the transition is there, or the one after it. A file that is damaged or of another format is as good as none:
 * the gateway's own file alone is in force, and the hub's retained message brings the version again.
 */
import { checkSettings, NO_SETTINGS } from '../../protocols/fleet/check-settings.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { type Disk, readWhole, replaceFile } from '../outbox/disk.ts';
import { sealJson, unsealJson } from '../outbox/sealed-json.ts';

export interface Versioned {
  version: number;
  settings: Settings;
}

/** A version in force that has not proven itself yet. */
export interface Trial extends Versioned {
  /** Devices that were online before it: all of them have to be again. */
  online: string[];
  /** The trial's end, in monotonic time of that boot of the box. */
  bootId: number;
  untilUs: number;
  /** How often the daemon ended in mid-trial without having been told to. */
  crashes: number;
  /** The daemon has been told to end: the next start is no crash. */
  stopped: boolean;
}

export interface ConfigState {
  /** The newest version that has proven itself; version 0: the file alone. */
  good: Versioned;
  trial?: Trial;
  /** The newest version that was looked at, whatever came of it: none up to it is looked at again. */
  looked: number;
  /** What was reported of the last one. */
  last?: NonNullable<ReportedConfig['last']>;
}

export const NO_STATE: ConfigState = { good: { version: 0, settings: NO_SETTINGS }, looked: 0 };

const FILE = 'remote-config.json';
const FORMAT = 1;

export async function saveConfigState(disk: Disk, folder: string, state: ConfigState): Promise<void> {
  await replaceFile(disk, folder, FILE, sealJson({ format: FORMAT, ...state }));
}

/** Undefined when there is none, or none that can be used. Rejects when the disk does not let it be read. */
export async function loadConfigState(disk: Disk, folder: string): Promise<ConfigState | 'damaged' | undefined> {
  const content = await readWhole(disk, `${folder}/${FILE}`);
  if (!content) return undefined;
  const saved = unsealJson(content) as (ConfigState & { format: number }) | undefined;
  if (saved?.format !== FORMAT) return 'damaged';
  const { format: _format, ...state } = saved;
  // What an earlier Milepost took may be no settings for this one.
  const isReadable = [state.good, state.trial].every((each) => !each || checkSettings(each.settings).settings);
  return isReadable ? state : 'damaged';
}
