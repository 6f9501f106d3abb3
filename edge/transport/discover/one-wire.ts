/** Thermometers on the 1-Wire busses of this box: one entry for all, with a channel for each. */
import { readdir } from 'node:fs/promises';
import { W1_ROM_ID, W1_THERMOMETERS } from '../../../protocols/onewire/index.ts';
import type { Look } from './finding.ts';

const W1_FOLDER = '/sys/bus/w1/devices';

export async function lookAtOneWire(folder: string = W1_FOLDER): Promise<Look> {
  // A box without the folder has no bus: nothing to tell.
  const names = await readdir(folder).catch(() => []);
  const roms = names.filter((name) => W1_ROM_ID.test(name) && name.slice(0, 2) in W1_THERMOMETERS).sort();
  if (roms.length === 0) return { findings: [] };
  const models = [...new Set(roms.map((rom) => W1_THERMOMETERS[rom.slice(0, 2)]))].join(', ');
  const options = {
    ...(folder !== W1_FOLDER && { folder }),
    sensors: roms.map((rom) => ({ rom, channel: rom })),
  };
  return {
    findings: [
      {
        family: 'one-wire',
        place: folder,
        what: `${roms.length} 1-Wire thermometers (${models})`,
        certainty: 'known',
        why: 'give each sensor a channel of its own: warm one with your hand to see which it is',
        entry: { name: 'one-wire', driver: 'one-wire', options, readsPackages: false },
      },
    ],
  };
}
