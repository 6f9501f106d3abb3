/**
 * Which of many simulated gateways behave how: labels go round, faults go to the last gateways, each to gateways of its own.
 *
 * From the last one backwards: `offline`, `rejects` in the order in which they are given, `rollsBack`, `slow`.
 */
import { LABEL_NAME, LABEL_VALUE } from '../../protocols/fleet/labels.ts';
import type { ConfigFault } from './config-taker.ts';
import type { GatewayCharacter } from './fleet.ts';
import { simDeviceStates } from './sim-devices.ts';

export interface CharacterOptions {
  /** `name` → values: the first gateway has the first value, the second the second, and round again. */
  labels: ReadonlyMap<string, readonly string[]>;
  rejects: readonly { count: number; key: string }[];
  offline?: { count: number; forMs: number };
  rollsBack: number;
  slow?: { count: number; ms: number };
}

export interface Characters {
  characterOf(index: number): GatewayCharacter;
  faultOf(index: number): ConfigFault;
  /** How many gateways have a fault. */
  faulty: number;
}

export function castCharacters(options: CharacterOptions & { count: number }): Characters {
  const { count, labels, rejects, offline, rollsBack, slow } = options;
  const faults = new Map<number, ConfigFault & { leavesForMs?: number }>();
  const give = (to: number, fault: ConfigFault & { leavesForMs?: number }) => {
    for (let given = 0; given < to; given++) faults.set(count - 1 - faults.size, fault);
  };
  if (offline) give(offline.count, { leavesForMs: offline.forMs });
  for (const { count: to, key } of rejects) give(to, { rejects: [key] });
  give(rollsBack, { rollsBack: true });
  if (slow) give(slow.count, { slowMs: slow.ms });
  return {
    faulty: faults.size,
    faultOf: (index) => faults.get(index) ?? {},
    characterOf: (index) => ({
      labels: Object.fromEntries(
        [...labels].map(([name, values]) => [name, values[index % values.length] ?? '']).filter(([, value]) => value),
      ),
      devices: simDeviceStates(),
      leavesForMs: faults.get(index)?.leavesForMs,
    }),
  };
}

/** `profile=cold-van,dry-van`; undefined when it is no label with its values. */
export function parseLabel(text: string): [name: string, values: string[]] | undefined {
  const [name = '', list = '', ...more] = text.split('=');
  const values = list.split(',');
  // Facility and vehicle are the gateway's own to tell, and a simulated one tells so; its id it has.
  const isLabel = LABEL_NAME.test(name) && name !== 'gateway';
  return isLabel && more.length === 0 && values.every((value) => LABEL_VALUE.test(value)) ? [name, values] : undefined;
}

/** `3:rules/cooler-warm`, `2:8s`, `2`: how many, and of what. */
export function parseShare(text: string): { count: number; what: string | undefined } | undefined {
  const match = /^(\d{1,4})(?::(.+))?$/.exec(text);
  return match ? { count: Number(match[1]), what: match[2] } : undefined;
}
