/**
 * Beep codes of BEEP and PARAM_SEND by name.
 * Source: Simple Serial Interface Programmer's Guide 72E-40451-04EN, BEEP, table of beep codes.
 */

const COUNTS = ['one', 'two', 'three', 'four', 'five'] as const;
const SOUNDS = ['short-high', 'short-low', 'long-high', 'long-low'] as const;
const PATTERNS = ['fast-warble', 'slow-warble', 'high-low', 'low-high', 'high-low-high', 'low-high-low'] as const;

export type SsiBeep = `${(typeof COUNTS)[number]}-${(typeof SOUNDS)[number]}` | (typeof PATTERNS)[number];

/** Names in the order of their codes, from 00. */
export const SSI_BEEPS: readonly SsiBeep[] = [
  ...SOUNDS.flatMap((sound) => COUNTS.map((count): SsiBeep => `${count}-${sound}`)),
  ...PATTERNS,
];

/** In PARAM_SEND: change the parameter without a sound. */
export const SSI_NO_BEEP = 0xff;

export function ssiBeepCode(name: SsiBeep): number {
  return SSI_BEEPS.indexOf(name);
}
